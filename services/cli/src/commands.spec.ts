import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { packBundle, readBundle } from '#artifacts';
import { exampleFiles, gitRepository, type TestRepository } from '#testing';
import { startStandalone, type Standalone } from '../../standalone/src/standalone.js';
import { Api } from './api.js';
import { getArtifact, listArtifacts } from './artifacts.js';
import { EXIT, Exit } from './exit-code.js';
import { listPipelines } from './pipelines.js';
import { showPullRequest } from './pull-request.js';
import { rerun, run } from './run.js';
import { replayBundle } from './replay.js';
import { addSchedule, listSchedules, removeSchedule } from './schedules.js';
import { cancelRun, decide, exportRun, listRuns, retryRun, showEvents, showRun } from './runs.js';

/** The commands against every service, over embedded Postgres and NATS, by the REST API that PULLWRIGHT_URL names. */
jest.setTimeout(120_000);
let home: string;
let standalone: Standalone;
let api: Api;
let site: TestRepository;
let out = '';
let said = '';

beforeAll(async () => {
  Logger.overrideLogger(false);
  home = await mkdtemp(join(tmpdir(), 'pullwright-cli-'));
  Object.assign(process.env, { PORT: '0', PULLWRIGHT_HOME: home });
  delete process.env['NATS_URL'];
  delete process.env['DATABASE_URL'];
  standalone = await startStandalone(home);
  process.env['PULLWRIGHT_URL'] = standalone.url;
  api = new Api(standalone.url);
  site = await gitRepository(await exampleFiles('site'));
}, 120_000);
afterAll(async () => {
  await standalone?.stop();
  // Nothing it started is left: a running Postgres would still have its pid file.
  await expect(access(join(home, 'postgres/cluster/postmaster.pid'))).rejects.toMatchObject({ code: 'ENOENT' });
  await Promise.all([site.remove(), rm(home, { recursive: true, force: true })]);
}, 60_000);

beforeEach(() => {
  out = '';
  said = '';
  jest.spyOn(process.stdout, 'write').mockImplementation(((text: string | Uint8Array, done?: (error?: Error) => void) => { out += Buffer.from(text as string).toString('utf8'); done?.(); return true; }) as typeof process.stdout.write);
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => { said += String(text); return true; });
});
afterEach(() => { jest.restoreAllMocks(); });

/** All that a run must leave as it is. */
async function untouched(): Promise<unknown> {
  return { head: await site.git('symbolic-ref', 'HEAD'), commit: await site.head(), status: await site.git('status', '--porcelain', '--ignored'), index: (await readFile(join(site.path, '.git/index'))).toString('base64'), files: await readdir(site.path) };
}
interface Report { run: { runId: string; status: string; failure?: { code: string } }; pullRequest: { branch: string; outcome: string; commit: string } | null; tests: unknown[]; reused: { steps: number; savedMs: number } }

describe('run', () => {
  it('opens a pull request beside everything that is there, writes the files where it is told, and finds it again unchanged', async () => {
    const before = await untouched();
    const folder = join(home, 'out');
    expect(await run(site.path, { json: true, out: folder })).toBe(EXIT.ok);
    const first = JSON.parse(out) as Report;
    expect(first.reused).toEqual({ steps: 0, savedMs: 0 });
    expect(first).toMatchObject({ run: { status: 'succeeded' }, pullRequest: { outcome: 'opened' } });
    expect(first.tests.length).toBeGreaterThan(0);
    expect(await site.git('rev-parse', first.pullRequest?.branch as string)).toBe(first.pullRequest?.commit);
    const written = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
    expect(written.filter((path) => path.endsWith('.spec.ts')).length).toBeGreaterThan(0);
    for (const path of written) expect((await readFile(join(folder, path), 'utf8')).trim()).toBe(await site.git('show', `${first.pullRequest?.commit}:${path}`));
    expect(await untouched()).toEqual(before);
    for (const step of ['crawl', 'design', 'write', 'publish']) expect(said).toMatch(new RegExp(`✓ ${step} `));

    out = '';
    expect(await run(site.path, {})).toBe(EXIT.ok);
    expect(out).toContain('unchanged');
    // No agent has run but the publisher, and everybody is told.
    expect(said).toMatch(/✓ crawl +reused, saved \d/);
    expect(said).toMatch(/✓ design +reused, saved \d/);
    expect(said).toMatch(/✓ write +reused, saved \d/);
    expect(said).not.toMatch(/✓ publish +reused/);
    expect(out).toMatch(/Reused +\d+ steps of earlier runs/);
    expect(out).toContain(`diff ${(await site.head()).slice(0, 10)}...${first.pullRequest?.branch}`);
    expect(await untouched()).toEqual(before);
  });

  it('runs again as before', async () => {
    const [earlier] = await api.runs({ status: 'succeeded' }, 1);
    expect(await rerun(earlier?.runId as string, { json: true })).toBe(EXIT.ok);
    const report = JSON.parse(out) as Report & { run: { repository: string; params: object } };
    expect(report.run).toMatchObject({ repository: earlier?.repository, params: earlier?.params });
    expect(report.run.runId).not.toBe(earlier?.runId);
    expect(report.reused.steps).toBeGreaterThanOrEqual(3);
    out = '';
    expect(await rerun(earlier?.runId as string, { json: true, cache: false })).toBe(EXIT.ok);
    expect((JSON.parse(out) as Report).reused.steps).toBe(0);
  });

  it('waits at a gate for a person', async () => {
    const running = run(site.path, { approval: true, json: true });
    let runId: string | undefined;
    while (runId === undefined) { await sleep(50); runId = (await api.runs({ status: 'waiting' }, 1))[0]?.runId; }
    await expect(decide(runId, 'review', 'approve', { role: 'cook' })).rejects.toBeInstanceOf(Exit);
    expect(await decide(runId, 'review', 'approve', { role: 'qa-lead', comment: 'good' })).toBe(EXIT.ok);
    expect(await running).toBe(EXIT.ok);
    expect(said).toContain('waits for qa-lead');
  });

  it('cancels the run on Ctrl-C', async () => {
    const running = run(site.path, { approval: true, json: true });
    while ((await api.runs({ status: 'waiting' }, 1)).length === 0) await sleep(50);
    process.emit('SIGINT');
    expect(await running).toBe(EXIT.interrupted);
    expect((JSON.parse(out) as Report).run.status).toBe('cancelled');
  });

  it('says what is wrong with a repository, and where to look', async () => {
    const empty = await gitRepository();
    const bare = await gitRepository({ 'README.md': 'Nothing to see.\n' });
    try {
      for (const [path, options, code] of [[empty.path, {}, 'repository-empty'], [bare.path, {}, 'no-web-front-end'], [site.path, { ref: 'gone' }, 'ref-not-found'], [home, {}, 'repository-not-found']] as const) {
        out = '';
        expect(await run(path, { ...options, json: true })).toBe(EXIT.runFailed);
        expect((JSON.parse(out) as Report).run).toMatchObject({ status: 'failed', failure: { code } });
      }
      expect(said).toContain('./pullwright show run_');
    } finally {
      await Promise.all([empty.remove(), bare.remove()]);
    }
  }, 60_000);

  it('refuses what the API refuses, field by field', async () => {
    await expect(run(site.path, { ref: '--all' })).rejects.toMatchObject({ code: EXIT.usage, message: expect.stringContaining('ref: ') });
    await expect(run(site.path, { depth: 'abysmal' })).rejects.toMatchObject({ code: EXIT.usage });
    await expect(run(site.path, { pipeline: 'none' })).rejects.toMatchObject({ code: EXIT.notFound });
  });
});

describe('an exported run', () => {
  let file: string;
  let runId: string;
  beforeAll(async () => {
    runId = (await api.runs({ status: 'succeeded' }, 1))[0]?.runId as string;
    file = join(home, 'run.tar');
  });

  /** The same bundle with one file changed, and a manifest that agrees. */
  async function changed(path: string, change: (text: string) => string): Promise<string> {
    const { manifest, files } = await readBundle(await readFile(file));
    files.set(path, Buffer.from(change((files.get(path) as Buffer).toString('utf8'))));
    const entries = [...files].map(([name, bytes]) => ({ path: name, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.byteLength }));
    const tampered = join(home, 'tampered.tar');
    await pipeline(packBundle({ ...manifest as object, files: entries }, async (name) => files.get(name) as Buffer), createWriteStream(tampered));
    return tampered;
  }

  it('is the same file each time, and is decided again to the same end and the same tree', async () => {
    expect(await exportRun(runId, { out: file })).toBe(EXIT.ok);
    await exportRun(runId, { out: `${file}.again` });
    expect((await readFile(`${file}.again`)).equals(await readFile(file))).toBe(true);
    expect(await replayBundle(file, { json: true })).toBe(EXIT.ok);
    const checked = JSON.parse(out) as { events: number; trees: Array<{ tree: string; branch: string }>; notReproduced: string[] };
    expect(checked).toMatchObject({ runId, status: 'succeeded', notReproduced: [], trees: [{ tree: await site.git('rev-parse', 'pullwright/tests^{tree}'), branch: 'pullwright/tests' }] });
    expect(checked.events).toBeGreaterThan(10);
    const { files } = await readBundle(await readFile(file));
    expect([...files.values()].join()).not.toMatch(/postgres:\/\/|nats:\/\//);
  });

  it.each<[string, string, (text: string) => string, RegExp]>([
    ['an event that says something else', 'events.jsonl', (text) => text.replace(/"routes":(\d+)/, '"routes":999'), /ends otherwise|event \d+/],
    ['an event that is missing', 'events.jsonl', (text) => text.split('\n').filter((_, at) => at !== 3).join('\n'), /not whole: number 4/],
    ['an attempt that there never was', 'events.jsonl', (text) => text.replace('"attempt":1', '"attempt":2'), /event \d+: something else is decided/],
    ['another end', 'steps.json', (text) => text.replace('"status":"succeeded"', '"status":"failed"'), /step \S+ ends otherwise/],
    ['another pipeline', 'pipeline.json', (text) => text.replace('"when":"params.approval"', '"when":"!params.approval"'), /event \d+/],
    ['an artifact that somebody else made', 'lineage.json', (text) => text.replace(/sha256:[0-9a-f]{64}/, `sha256:${'0'.repeat(64)}`), /what the steps made ends otherwise/],
  ])('tells %s', async (_what, path, change, message) => {
    await expect(changed(path, change).then((tampered) => replayBundle(tampered, {}))).rejects.toMatchObject({ code: EXIT.failure, message: expect.stringMatching(message) });
  });

  it('tells bytes that are not what they were', async () => {
    const bytes = await readFile(file);
    const artifact = bytes.indexOf('files/artifacts/');
    bytes.writeUInt8(bytes.readUInt8(artifact + 600) ^ 1, artifact + 600);
    await writeFile(`${file}.damaged`, bytes);
    await expect(replayBundle(`${file}.damaged`, {})).rejects.toMatchObject({ code: EXIT.failure, message: expect.stringContaining('is not what the manifest says') });
    await writeFile(`${file}.short`, bytes.subarray(0, 5_000));
    await expect(replayBundle(`${file}.short`, {})).rejects.toMatchObject({ code: EXIT.failure });
    await expect(replayBundle(join(home, 'none'), {})).rejects.toMatchObject({ code: EXIT.usage });
  });
});

describe('looking', () => {
  let runId: string;
  beforeAll(async () => { runId = (await api.runs({ status: 'succeeded' }, 1))[0]?.runId as string; });

  it('lists and shows runs', async () => {
    expect(await listRuns({ limit: 2, status: 'succeeded', json: true })).toBe(EXIT.ok);
    expect(JSON.parse(out)).toMatchObject([{ status: 'succeeded' }, { status: 'succeeded' }]);
    out = '';
    expect(await showRun(runId, {})).toBe(EXIT.ok);
    for (const word of [runId, 'crawl', 'publish', 'routes=']) expect(out).toContain(word);
  });

  it('prints the events in order', async () => {
    expect(await showEvents(runId, { json: true })).toBe(EXIT.ok);
    const events = out.trim().split('\n').map((line) => JSON.parse(line) as { seq: number; type: string });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    expect([events[0]?.type, events.at(-1)?.type]).toEqual(['run-started', 'run-succeeded']);
  });

  it('shows the pull request by run, by branch, and the newest', async () => {
    for (const which of [runId, 'pullwright/tests', undefined]) {
      out = '';
      expect(await showPullRequest(which, {})).toBe(EXIT.ok);
      expect(out).toContain('How to run');
    }
    await expect(showPullRequest('no/such', {})).rejects.toMatchObject({ code: EXIT.notFound });
  });

  it('lists and prints artifacts', async () => {
    expect(await listArtifacts(runId, { json: true })).toBe(EXIT.ok);
    const [map] = (JSON.parse(out) as Array<{ kind: string; artifactId: string }>).filter(({ kind }) => kind === 'repo-map@1');
    out = '';
    expect(await getArtifact(map?.artifactId as string, {})).toBe(EXIT.ok);
    expect(JSON.parse(out)).toMatchObject({ kind: 'repo-map@1' });
  });

  it('adds, lists and removes schedules', async () => {
    expect(await addSchedule(site.path, { cron: '0 3 * * *', timeZone: 'Europe/Berlin', json: true })).toBe(EXIT.ok);
    const { scheduleId } = JSON.parse(out) as { scheduleId: string };
    out = '';
    expect(await listSchedules({})).toBe(EXIT.ok);
    expect(out).toContain(`${scheduleId}  0 3 * * * Europe/Berlin`);
    expect(await removeSchedule(scheduleId)).toBe(EXIT.ok);
    await expect(removeSchedule(scheduleId)).rejects.toMatchObject({ code: EXIT.notFound });
    await expect(addSchedule(site.path, { cron: '61 * * * *', timeZone: 'UTC' })).rejects.toMatchObject({ code: EXIT.usage });
  });

  it('lists the pipelines', async () => {
    expect(await listPipelines({})).toBe(EXIT.ok);
    expect(out).toMatch(/^test-generation +1 +crawl, design, review, write, publish$/m);
  });

  it('says what is not there, or not possible now', async () => {
    await expect(showRun('run_00000000000000000000000000', {})).rejects.toMatchObject({ code: EXIT.notFound });
    await expect(cancelRun(runId)).rejects.toMatchObject({ code: EXIT.notFound });
    await expect(retryRun('nothing', {})).rejects.toMatchObject({ code: EXIT.usage });
    await expect(showRun('..', {})).rejects.toMatchObject({ code: EXIT.usage });
  });

  it('retries from a step on', async () => {
    expect(await retryRun(runId, { fromStep: 'publish' })).toBe(EXIT.ok);
    expect((await api.run(runId)).status).toBe('succeeded');
  });
});
