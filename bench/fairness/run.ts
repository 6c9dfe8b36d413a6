import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { childEnvironment } from '#config';
import { Failure, RunView } from '#contracts';
import { freePort, spawnServer } from '#embedded';

/**
 * How long a single run of one tenant takes while another tenant has thousands waiting, as a multiple of what it takes on the idle system. Everything is real: the standalone as a process with its
 * Postgres and NATS, the REST API, and agents that take a while on few slots. Exit code 1 when the median is above the bound, or when it was measured without a line in front.
 */

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false }, runs: { type: 'string', default: '2000' }, samples: { type: 'string', default: '15' } } });
const RUNS = Number(options.runs);
const SAMPLES = Number(options.samples);
const STEPS = ['a', 'b', 'c'];
const TASK_MS = 20;
const SLOTS = 4;
const BOUND = 3;
const BATCH = 500;
const READY_LIMIT_MS = 90_000;

const Batch = z.object({ runs: z.array(z.object({ runId: z.string() })) });
const Started = z.object({ runId: z.string() });

const folder = await mkdtemp(join(tmpdir(), 'pullwright-fairness-'));
await writeJob();
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const server = spawnServer(process.execPath, [fileURLToPath(new URL('../../services/standalone/src/main.js', import.meta.url))], {
  env: { ...childEnvironment(), PULLWRIGHT_HOME: join(folder, 'home'), PORT: String(port), AGENTS_FILE: join(folder, 'agents.yaml'), PIPELINES_DIR: join(folder, 'pipelines'), CONCURRENCY: String(SLOTS), LOG_LEVEL: 'warn' },
});
try {
  await ready();
  await singles(5);
  const idleMs = await singles(SAMPLES);
  const last = await backlog();
  const busyMs = await singles(SAMPLES);
  const stillWaiting = (await runOf(last)).status === 'running';
  const ratio = median(busyMs) / median(idleMs);
  const report = { runs: RUNS, slots: SLOTS, taskMs: TASK_MS, idleP50Ms: median(idleMs), busyP50Ms: median(busyMs), busyMaxMs: Math.round(Math.max(...busyMs)), ratio: Math.round(ratio * 100) / 100, bound: BOUND, stillWaiting };
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(`one run alone ${report.idleP50Ms} ms, behind ${RUNS} of another tenant ${report.busyP50Ms} ms (longest ${report.busyMaxMs} ms): ${report.ratio} times, at most ${BOUND}${stillWaiting ? '' : '; the others ended before it was measured'}\n`);
  process.exitCode = ratio <= BOUND && stillWaiting ? 0 : 1;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Agents that sleep, one service for each step. */
async function writeJob(): Promise<void> {
  await mkdir(join(folder, 'pipelines'));
  const steps = STEPS.map((step, index) => `  ${step}: { run: fair-${step}/step${index > 0 ? `, needs: [${STEPS[index - 1]}]` : ''} }`);
  await writeFile(join(folder, 'pipelines', 'fair.yaml'), ['name: fair', 'version: 1', 'steps:', ...steps, ''].join('\n'));
  await writeFile(join(folder, 'agents.yaml'), ['agents:', ...STEPS.map((step) => `  fair-${step}/step: { isolation: inline }`), 'modules:', ...STEPS.map((step) => `  fair-${step}: ./fair-${step}.mjs`), ''].join('\n'));
  for (const step of STEPS) await writeFile(join(folder, `fair-${step}.mjs`), `export const agents = { 'fair-${step}/step': async () => { await new Promise((resolve) => { setTimeout(resolve, ${TASK_MS}); }); return { outputs: {}, facts: {} }; } };\n`);
}

async function ready(): Promise<void> {
  for (const deadline = Date.now() + READY_LIMIT_MS; ; await sleep(100)) {
    const response = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (response?.ok) return;
    if (server.hasExited() || Date.now() > deadline) throw new Failure('internal', `the standalone is not ready: ${server.output()}`);
  }
}

async function post(path: string, body: object): Promise<unknown> {
  const response = await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (response.status !== 202) throw new Failure('internal', `${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

function request(tenant: string): object { return { pipeline: 'fair', repository: `/${tenant}/${randomUUID()}`, tenant }; }

/** Milliseconds of so many runs of the quiet tenant, one after the other, from the request until the stream of its events has ended. */
async function singles(count: number): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const begun = performance.now();
    const { runId } = Started.parse(await post('/api/v1/runs', request('quiet')));
    await (await fetch(`${url}/api/v1/runs/${runId}/events`, { headers: { accept: 'text/event-stream' } })).text();
    times.push(performance.now() - begun);
    const { status } = await runOf(runId);
    if (status !== 'succeeded') throw new Failure('internal', `${runId} ${status}`);
  }
  return times;
}

/** Starts the runs of the loud tenant; the last one's id. */
async function backlog(): Promise<string> {
  let last = '';
  for (let left = RUNS; left > 0; left -= BATCH) {
    const { runs } = Batch.parse(await post('/api/v1/run-batches', { runs: Array.from({ length: Math.min(BATCH, left) }, () => request('loud')) }));
    last = runs.at(-1)?.runId ?? last;
  }
  return last;
}

async function runOf(runId: string): Promise<RunView> {
  return RunView.parse(await (await fetch(`${url}/api/v1/runs/${runId}`)).json());
}

function median(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
}
