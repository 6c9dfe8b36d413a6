import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sign } from '@octokit/webhooks-methods';
import { Bus, provision } from '#bus';
import { childEnvironment } from '#config';
import { Failure } from '#contracts';
import { freePort, resolveNatsServer, spawnServer, startEmbeddedNats } from '#embedded';

/**
 * How long the gateway takes for a delivery while everything behind the bus is down: from the request until the 202 is read, which comes after the bus has it on disk. Everything is real: the gateway as a
 * process, a NATS with its store on disk, signed pushes over HTTP at a steady rate, whether or not the ones before have been answered. Exit code 1 when p99 is above the bound, or when one was refused or lost.
 */
const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false }, seconds: { type: 'string', default: '20' }, rate: { type: 'string', default: '50' }, kilobytes: { type: 'string', default: '20' } } });
const [SECONDS, RATE, KILOBYTES] = [Number(options.seconds), Number(options.rate), Number(options.kilobytes)] as [number, number, number];
const BOUND_MS = 50;
const WARM_UP = 200;
const READY_LIMIT_MS = 60_000;
const SECRET = 'a-secret-of-the-benchmark';

const folder = await mkdtemp(join(tmpdir(), 'pullwright-webhooks-'));
const nats = await startEmbeddedNats(join(folder, 'nats'), { binary: await resolveNatsServer(join(tmpdir(), 'pullwright-test-cache'), (line) => { process.stderr.write(`${line}\n`); }) });
const bus = await Bus.open({ servers: nats.url, name: 'bench' });
await provision(bus);
const port = await freePort();
const gateway = spawnServer(process.execPath, [fileURLToPath(new URL('../../services/gateway/src/main.js', import.meta.url))], {
  env: { ...childEnvironment(), NATS_URL: nats.url, PORT: String(port), ARTIFACT_DIR: join(folder, 'artifacts'), GITHUB_WEBHOOK_SECRET: SECRET, LOG_LEVEL: 'warn' },
});
try {
  await ready();
  for (let sent = 0; sent < WARM_UP; sent++) await deliver();
  const times: number[] = [];
  const waiting: Array<Promise<void>> = [];
  const began = performance.now();
  for (let sent = 0; sent < SECONDS * RATE; sent++) {
    // A delivery that is late because this process was held up counts from when it was due.
    const due = began + (sent * 1_000) / RATE;
    await sleep(Math.max(0, due - performance.now()));
    waiting.push(deliver().then(() => { times.push(performance.now() - due); }));
  }
  await Promise.all(waiting);
  const { state: { messages } } = await bus.manager.streams.info('PULLWRIGHT_COMMANDS');
  times.sort((a, b) => a - b);
  const at = (share: number) => Math.round((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0) * 10) / 10;
  const report = { deliveries: times.length, kilobytes: KILOBYTES, perSecond: RATE, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1), boundMs: BOUND_MS, stored: messages - WARM_UP };
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : `${report.deliveries} deliveries of ${KILOBYTES} kB, ${RATE} a second: p50 ${report.p50Ms} ms, p95 ${report.p95Ms} ms, p99 ${report.p99Ms} ms, longest ${report.maxMs} ms; at most ${BOUND_MS} ms at p99; ${report.stored} stored\n`);
  process.exitCode = report.p99Ms <= BOUND_MS && report.stored === times.length ? 0 : 1;
} finally {
  await gateway.stop();
  await bus.close();
  await nats.stop();
  await rm(folder, { recursive: true, force: true });
}

async function ready(): Promise<void> {
  for (const deadline = Date.now() + READY_LIMIT_MS; ; await sleep(100)) {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
    if (response?.ok) return;
    if (gateway.hasExited() || Date.now() > deadline) throw new Failure('internal', `the gateway is not ready: ${gateway.output()}`);
  }
}

/** A push, as large as asked for. */
async function deliver(): Promise<void> {
  const body = JSON.stringify({
    ref: 'refs/heads/main', before: 'a'.repeat(40), after: 'b'.repeat(40), deleted: false, repository: { full_name: 'acme/shop' }, sender: { login: 'ann', type: 'User' }, installation: { id: 1 },
    commits: [{ message: 'x'.repeat(KILOBYTES * 1_000) }],
  });
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/webhooks/github`, { method: 'POST', body, headers: { 'content-type': 'application/json', 'x-github-event': 'push', 'x-github-delivery': randomUUID(), 'x-hub-signature-256': await sign(SECRET, body) } });
  await response.arrayBuffer();
  if (response.status !== 202) throw new Failure('internal', `a delivery was answered with ${response.status}`);
}
