import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Pool } from 'pg';
import { openArtifactStore, type ArtifactStore } from '#artifacts';
import { Bus, provision } from '#bus';
import { childEnvironment, loadConfig } from '#config';
import { Failure } from '#contracts';
import { resolveNatsServer, startEmbeddedNats, startEmbeddedPostgres, type EmbeddedNats, type EmbeddedPostgres } from '#embedded';
import { agentsFile } from './agents.js';
import { diskPlace, s3Place, type ArtifactPlace } from './artifact-place.js';
import { LEDGER } from './effects.js';
import { Service } from './service.js';

/** So much may the store of the bus take when it lies on a file system of its own. */
const DISK_MB = 256;
const PATIENCE_MS = 30_000;

export interface Stage {
  nats: EmbeddedNats;
  /** The folder of the JetStream store; it may be deleted while the server is down. */
  natsStore: string;
  /** Whether that folder is a small file system of its own, which can be filled. */
  hasSmallDisk: boolean;
  postgres: EmbeddedPostgres;
  database: Pool;
  bus: Bus;
  store: ArtifactStore;
  artifacts: ArtifactPlace;
  ledger: string;
  gateway: Service;
  coordinators: readonly Service[];
  workers: readonly Service[];
  apart: readonly Service[];
  /** One more instance of a service, not yet started; it leaves with the stage. */
  extra(kind: ServiceKind): Service;
  /** Where compiled modules of this suite are. */
  compiled: URL;
  /** Processes that ended although nobody had asked for it. */
  deaths: Array<{ at: number; name: string; output: string }>;
  /** Streams and consumers, as an operator makes them after a loss. */
  provision: () => Promise<void>;
  services(): Service[];
  leave(): Promise<void>;
}
export type ServiceKind = 'gateway' | 'coordinator' | 'worker' | 'apart';

const PROGRAMS: Record<ServiceKind, readonly string[]> = {
  gateway: ['dist/services/gateway/src/main.js'],
  coordinator: ['dist/services/coordinator/src/main.js'],
  worker: ['dist/libs/agent/src/main.js', 'worker'],
  apart: ['dist/libs/agent/src/main.js', 'apart'],
};

/** The repository's root, from sources as from the build. */
export function rootFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/**
 * Everything that Pullwright needs, for real and on 127.0.0.1: Postgres with fsync, nats-server, a gateway, two coordinators, two instances of `worker`, and two of `apart`, each a process of the build.
 * What was started is ended and deleted by `leave`, also when the start fails half way or `signal` aborts it.
 */
export async function enterStage(store: ArtifactPlace['kind'], log: (line: string) => void): Promise<Stage> {
  const root = rootFolder();
  const compiled = pathToFileURL(join(root, 'dist/bench/chaos/'));
  if (!existsSync(new URL('worker.agent.js', compiled))) throw new Failure('internal', 'there is no build; run `npm run build`');
  const undos: Array<() => Promise<unknown>> = [];
  const leave = async () => { for (let undo = undos.pop(); undo; undo = undos.pop()) await undo().catch((error: unknown) => { log(`could not be taken away: ${String(error)}`); }); };
  try {
    const folder = await mkdtemp(join(tmpdir(), 'pullwright-chaos-'));
    undos.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    // Root's Postgres runs as another account, which must get through.
    await chmod(folder, 0o711);
    const natsHome = join(folder, 'nats');
    await mkdir(natsHome);
    const hasSmallDisk = await mountSmall(natsHome);
    if (hasSmallDisk) undos.push(() => promisify(execFile)('umount', ['--lazy', natsHome], { env: childEnvironment() }));
    const binary = await resolveNatsServer(join(tmpdir(), 'pullwright-test-cache'), () => undefined);
    const nats = await startEmbeddedNats(natsHome, { binary });
    undos.push(() => nats.kill());
    const postgres = await startEmbeddedPostgres(join(folder, 'postgres'));
    undos.push(() => postgres.stop());
    const [agents, ledger] = [join(folder, 'agents.yaml'), join(folder, 'ledger.jsonl')];
    // JSON is YAML.
    await writeFile(agents, JSON.stringify(agentsFile(compiled)));
    await writeFile(ledger, '');
    const artifacts = store === 's3' ? await s3Place() : await diskPlace(join(folder, 'artifacts'));
    undos.push(() => artifacts.remove());
    const environment = {
      ...childEnvironment(), NATS_URL: nats.url, DATABASE_URL: postgres.url, ...artifacts.environment, AGENTS_FILE: agents, PIPELINES_DIR: join(root, 'bench/chaos/pipelines'),
      LOG_LEVEL: 'warn', CONCURRENCY: '8', [LEDGER]: ledger,
    };
    const config = loadConfig(environment);
    await promisify(execFile)(process.execPath, [join(root, 'dist/services/cli/src/main.js'), 'migrate'], { env: environment });
    const bus = await Bus.open({ servers: nats.url, name: 'chaos' });
    undos.push(() => bus.close());
    await provision(bus);
    const database = new Pool({ connectionString: postgres.url, max: 2, connectionTimeoutMillis: 5_000 });
    // A connection that breaks is replaced by the next question.
    database.on('error', () => undefined);
    undos.push(() => database.end());
    const deaths: Stage['deaths'] = [];
    const all: Service[] = [];
    const died = (name: string, output: string) => { log(`${name} ended by itself: ${output.slice(-500)}`); deaths.push({ at: Date.now(), name, output: output.slice(-2_000) }); };
    const make = (kind: ServiceKind, name: string): Service => {
      const service = new Service({ name, program: PROGRAMS[kind], root, environment, died });
      all.push(service);
      return service;
    };
    undos.push(() => Promise.all(all.map((service) => service.end('SIGKILL'))));
    const two = (kind: ServiceKind) => [make(kind, `${kind} 1`), make(kind, `${kind} 2`)];
    const [gateway, coordinators, workers, apart] = [make('gateway', 'gateway'), two('coordinator'), two('worker'), two('apart')];
    for (const service of all) await service.start();
    return {
      nats, natsStore: join(natsHome, 'jetstream'), hasSmallDisk, postgres, database, bus, store: openArtifactStore(config), artifacts, ledger, gateway, coordinators, workers, apart, compiled, deaths, leave,
      extra: (kind) => make(kind, `${kind} ${all.length}`), services: () => [gateway, ...coordinators, ...workers, ...apart],
      provision: () => patiently(() => provision(bus)),
    };
  } catch (error) {
    await leave();
    throw error;
  }
}

/** As an operator would: a server that has just come up may not answer yet. */
async function patiently(work: () => Promise<unknown>): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS;; await sleep(500)) {
    try {
      await work();
      return;
    } catch (error) {
      if (Date.now() > deadline || !(error instanceof Failure) || error.code !== 'bus-unavailable') throw error;
    }
  }
}

/** Only root may, and not everywhere; without it the disk cannot be filled and that fault is left out. */
async function mountSmall(folder: string): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', folder], { env: childEnvironment() }).then(() => true, () => false);
}
