import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type Content } from '#artifacts';
import { childEnvironment } from '#config';
import { type KnownAgent, type Task, type TestBundle } from '#contracts';
import { connect } from '#forge';
import type { Engine } from './measure.js';

const ROOT = join(import.meta.dirname, import.meta.dirname.includes('/dist/') ? '../../..' : '../..');
const RUN_LIMIT_MS = 600_000;

/** The whole product as a user meets it: `./pullwright run <path> --out <dir> --json`. */
const cli: Engine = async (repository) => {
  const out = await mkdtemp(join(tmpdir(), 'pullwright-bench-out-'));
  try {
    const { stdout } = await promisify(execFile)(join(ROOT, 'pullwright'), ['run', repository, '--out', out, '--json'], { env: childEnvironment(), timeout: RUN_LIMIT_MS, maxBuffer: 64 * 1024 * 1024 });
    const outcome = JSON.parse(stdout) as Pick<TestBundle, 'tests' | 'routes' | 'leftOut'>;
    const names = (await readdir(out, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const files = new Map<string, Buffer>();
    for (const name of names) files.set(relative(out, name), await readFile(name));
    return { manifest: outcome, files };
  } finally {
    await rm(out, { recursive: true, force: true });
  }
};

/** The agents as functions, in this process and in the pipeline's order: quick, but without bus, database, isolation and publishing. */
const direct: Engine = async (repository) => {
  const { agents: crawler } = await import('../../services/crawler/src/crawler.agent.js');
  const { agents: caseGenerator } = await import('../../services/case-generator/src/case-generator.agent.js');
  const { agents: engineer } = await import('../../services/engineer/src/engineer.agent.js');
  const run = async (agent: KnownAgent, inputs: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const task: Task = { runId: `run_${'0'.repeat(26)}`, stepId: 'bench', attempt: 1, agent, inputs: {}, params: { depth: 'standard', framework: 'playwright', approval: false }, repository, timeLimitMs: RUN_LIMIT_MS };
    const handler = { ...crawler, ...caseGenerator, ...engineer }[agent];
    if (!handler) throw new Error(`no service has ${agent}`);
    return (await handler(inputs, { task, forge: connect({ forge: 'local' }), signal: AbortSignal.timeout(RUN_LIMIT_MS), progress: () => {}, log: () => {} })).outputs;
  };
  const { map, features } = await run('crawler/crawl', {});
  const cases: unknown[] = [];
  for (const feature of features as unknown[]) cases.push((await run('case-generator/design', { feature }))['cases']);
  const { bundle } = await run('engineer/write', { map, cases });
  const { manifest, files } = bundle as Content<'test-bundle@1'>;
  return { manifest, files: new Map([...files].map(([path, bytes]) => [path, Buffer.from(bytes)])) };
};

export const ENGINES: Readonly<Record<'cli' | 'direct', Engine>> = { cli, direct };
