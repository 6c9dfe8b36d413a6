import { Logger } from '@nestjs/common';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGitHub, startNats, startPostgres, type GitHubSimulator, type SimulatedRepository, type TestNats, type TestPostgres } from '#testing';
import { startStandalone, type Standalone } from './standalone.js';

/** Every service in one process, GitHub at the simulator, and between them nothing but HTTP: what people do there is heard as webhooks, and what is done is seen there. */
const LIMIT_MS = 240_000;
const page = (title: string, body: string) => `<!doctype html><html lang="en"><head><title>${title}</title></head><body>${body}</body></html>`;
const SITE = { 'index.html': page('Home', '<h1>Welcome</h1><a href="about.html">About us</a>'), 'about.html': page('About', '<h1>About us</h1><a href="index.html">Back home</a>') };

let nats: TestNats;
let postgres: TestPostgres;
let github: GitHubSimulator;
let home: string;
let standalone: Standalone;
let shop: SimulatedRepository;
const SET = ['NATS_URL', 'DATABASE_URL', 'PORT', 'GITHUB_URL', 'GITHUB_APP_ID', 'GITHUB_APP_PRIVATE_KEY', 'GITHUB_WEBHOOK_SECRET'] as const;

beforeAll(async () => {
  Logger.overrideLogger(['error']);
  [nats, postgres, github, home] = await Promise.all([startNats(), startPostgres(), startGitHub(), mkdtemp(join(tmpdir(), 'pullwright-forge-'))]);
  const { app } = github;
  Object.assign(process.env, { NATS_URL: nats.url, DATABASE_URL: postgres.url, PORT: '0', GITHUB_URL: github.url, GITHUB_APP_ID: String(app.id), GITHUB_APP_PRIVATE_KEY: app.privateKey, GITHUB_WEBHOOK_SECRET: app.webhookSecret });
  standalone = await startStandalone(home);
  shop = await github.createRepository('acme/shop', SITE, { collaborators: { ann: 'write', eve: 'read' } });
  app.webhookUrl = `${standalone.url}/api/v1/webhooks/github`;
}, LIMIT_MS);
afterAll(async () => {
  github.app.webhookUrl = undefined;
  await standalone?.stop();
  for (const name of SET) delete process.env[name];
  await Promise.all([nats.remove(), postgres.stop(), github.close(), rm(home, { recursive: true, force: true })]);
}, LIMIT_MS);

interface RunView { runId: string; pipeline: string; status: string; params: Record<string, unknown>; failure?: { code: string } }
const runs = async (pipeline: string): Promise<RunView[]> => ((await (await fetch(`${standalone.url}/api/v1/runs?limit=100&repository=${encodeURIComponent(shop.url)}`)).json()) as { items: RunView[] }).items.filter((run) => run.pipeline === pipeline);
const factsOf = async (runId: string, step: string): Promise<Record<string, unknown>> =>
  ((await (await fetch(`${standalone.url}/api/v1/runs/${runId}/steps`)).json()) as { items: Array<{ stepId: string; facts: Record<string, unknown> }> }).items.find(({ stepId }) => stepId === step)?.facts ?? {};

async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (const deadline = Date.now() + LIMIT_MS - 10_000; Date.now() < deadline; await sleep(250)) { const found = await look(); if (found !== undefined) return found; }
  throw new Error(`never: ${what}; runs: ${JSON.stringify(await Promise.all(['forge-event', 'test-generation', 'forge-report'].map((pipeline) => runs(pipeline))))}`);
}

/** Lets something happen at GitHub, and gives what was decided when the run of its event has ended; of this `event`, where it has several. */
async function afterwards(act: () => Promise<unknown>, event?: string): Promise<{ plan: Record<string, unknown>; act: Record<string, unknown> }> {
  const before = new Set((await runs('forge-event')).map(({ runId }) => runId));
  await act();
  const { runId } = await until('the event was dealt with', async () => (await runs('forge-event')).find((run) => !before.has(run.runId) && (event === undefined || run.params['event'] === event) && ['succeeded', 'failed'].includes(run.status)));
  return { plan: await factsOf(runId, 'plan'), act: await factsOf(runId, 'act') };
}

const check = (sha: string, name = 'Pullwright') => shop.checkRuns.findLast((run) => run.headSha === sha && run.name === name);
const ended = async (sha: string) => until(`the check at ${sha} ends`, () => { const run = check(sha); return run?.status === 'completed' ? run : undefined; });

test('a push becomes a pull request with the first settings, and a check tells how it went; the same delivery again changes nothing', async () => {
  const pushed = await afterwards(() => shop.commit({ 'about.html': page('About', '<h1>About us</h1><a href="index.html">Home</a>') }, { by: 'ann' }));
  expect(pushed).toMatchObject({ plan: { decision: 'start', why: 'push', branch: 'main' }, act: { outcome: 'started' } });
  const base = await shop.head();
  expect(await ended(base)).toMatchObject({ conclusion: 'success' });
  expect(shop.pulls).toHaveLength(1);
  const [pull] = shop.pulls;
  expect(pull).toMatchObject({ state: 'open', base: 'main', head: 'pullwright/tests' });
  expect(await shop.git('show', 'pullwright/tests:.pullwright.yaml')).toContain('pushes:');
  expect(await ended(pull?.headSha ?? '')).toMatchObject({ conclusion: 'success', summary: expect.stringContaining('routes covered') as string });
  const delivery = github.webhooks.deliveries.find(({ event, status }) => event === 'push' && status === 202);
  const before = (await runs('forge-event')).length;
  await github.webhooks.redeliver(delivery?.id ?? 0);
  // The command behind it is dealt with after that of the redelivery.
  await afterwards(() => shop.comment(1, '/pullwright stop', 'eve'));
  expect([(await runs('forge-event')).length, (await runs('test-generation')).length]).toEqual([before + 1, 1]);
}, LIMIT_MS);

/** Comments of Pullwright. */
const ours = () => shop.comments(1).filter(({ by }) => by.includes('[bot]'));

test('an outsider’s command is not heard; that of somebody with write access is answered in one comment, which is edited in place', async () => {
  expect((await afterwards(() => shop.comment(1, '/pullwright retry', 'eve'))).plan).toMatchObject({ decision: 'nothing', why: 'no-write-access' });
  expect(ours()).toEqual([]);
  await afterwards(() => shop.comment(1, '/pullwright explain', 'ann'));
  await until('an answer', () => (ours().length > 0 ? true : undefined));
  await afterwards(() => shop.comment(1, 'Please:\n/pullwright dance', 'ann'));
  await until('another answer', () => (ours()[0]?.body.includes('none of the commands') ? true : undefined));
  expect(ours()).toHaveLength(1);
}, LIMIT_MS);

test('a file that is wrong starts nothing, and a check has a note at its line; pushes of our own branch start nothing either', async () => {
  const { plan } = await afterwards(() => shop.commit({ '.pullwright.yaml': 'depth: deep\nspeed: fast\n' }, { by: 'ann' }));
  expect(plan).toMatchObject({ decision: 'file', why: 'repository-file-invalid' });
  const sha = await shop.head();
  const told = await until('the check of the file', () => check(sha, 'Pullwright: .pullwright.yaml'));
  expect(told).toMatchObject({ conclusion: 'failure', summary: expect.stringContaining('speed') as string });
  expect(await afterwards(() => shop.commit({ 'e2e/mine.txt': 'x' }, { branch: 'pullwright/tests', by: 'ann' }), 'push')).toMatchObject({ plan: { decision: 'nothing', why: 'own-branch' } });
  expect(await runs('test-generation')).toHaveLength(1);
}, LIMIT_MS);

test('after Pullwright was removed its events end, and the reason is told', async () => {
  github.installationOf('acme').uninstall();
  await until('the removal was dealt with', async () => (await runs('forge-event')).find((run) => run.params['action'] === 'removed' && run.status === 'succeeded'));
}, LIMIT_MS);
