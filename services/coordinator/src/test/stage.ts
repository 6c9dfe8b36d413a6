import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Pool } from 'pg';
import { Bus, itemsIn, provision } from '#bus';
import { loadConfig, type Config } from '#config';
import { CommandReply, consumers, QUERIES, subjects, Task, type ArtifactMap, type CommandName, type Fact, type QueryName, type RunEvent, type RunView, type StepView } from '#contracts';
import { startNats, startPostgres, type TestNats, type TestPostgres } from '#testing';
import type { z } from 'zod';
import { CoordinatorModule } from '../coordinator.module.js';
import { Limits } from '../limits.js';
import { migrate } from '../store/database.js';
import { eventsIn, type LogRow } from '../store/log.js';
import { outputsOf } from './simulation.js';

/** A real Postgres, a real NATS, coordinators in this process, and one tiny agent for all tasks that does what a test tells it. */

export type Behaviour = (task: Task) => Promise<{ outputs?: ArtifactMap; facts?: Record<string, Fact>; failure?: string } | 'silent'> | { outputs?: ArtifactMap; facts?: Record<string, Fact>; failure?: string } | 'silent';

export class Stage {
  readonly coordinators: INestApplicationContext[] = [];
  /** Tasks in the order agents took them up. */
  readonly taken: Task[] = [];
  behaviour: Behaviour = () => ({});
  private agents: Array<{ stop(graceMs: number): Promise<void> }> = [];

  private constructor(readonly postgres: TestPostgres, readonly nats: TestNats, readonly bus: Bus, readonly database: Pool, readonly config: Config, private readonly folder: string) {}

  static async open(pipelines: Record<string, string>): Promise<Stage> {
    const [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
    await migrate(postgres.url);
    const folder = await mkdtemp(join(tmpdir(), 'pullwright-pipelines-'));
    const bus = await Bus.open({ servers: nats.url, name: 'stage' });
    await provision(bus);
    const config = loadConfig({ DATABASE_URL: postgres.url, NATS_URL: nats.url, PIPELINES_DIR: folder });
    const database = new Pool({ connectionString: postgres.url, max: 2 });
    const stage = new Stage(postgres, nats, bus, database, config, folder);
    for (const [name, text] of Object.entries(pipelines)) await stage.writePipeline(name, text);
    await stage.startAgents();
    return stage;
  }

  /** Coordinators that start from now on know it. */
  async writePipeline(name: string, text: string): Promise<void> { await writeFile(join(this.folder, `${name}.yaml`), text); }

  async startCoordinator(change: Partial<Config> = {}): Promise<INestApplicationContext> {
    const app = await NestFactory.createApplicationContext(CoordinatorModule.forRoot({ ...this.config, ...change }), { logger: ['fatal'], abortOnError: false });
    this.coordinators.push(app);
    return app;
  }

  async stopCoordinators(): Promise<void> {
    await Promise.all(this.coordinators.splice(0).map(async (app) => app.close()));
  }

  /** Without waiting for the coordinators to look by themselves. */
  async refreshLimits(): Promise<void> { await Promise.all(this.coordinators.map(async (app) => app.get(Limits).refresh())); }

  async startAgents(): Promise<void> {
    const durables = consumers().filter(({ stream, service }) => stream === 'PULLWRIGHT_TASKS' && service !== 'coordinator').map((consumer) => consumer.durable);
    this.agents = await Promise.all(durables.map(async (durable) => this.bus.work(durable, { slots: 4 }, async (message) => {
      await Promise.all(itemsIn(message.data, 'tasks').map(async (item) => {
        const task = Task.parse(item);
        this.taken.push(task);
        const done = await this.behaviour(task);
        if (done !== 'silent') await this.answer(task, done);
      }));
      await message.ack();
    })));
  }

  async answer(task: Task, { outputs, facts = {}, failure }: { outputs?: ArtifactMap; facts?: Record<string, Fact>; failure?: string }, id = `${task.runId}.${task.stepId}.${task.attempt}`): Promise<void> {
    const base = { runId: task.runId, stepId: task.stepId, attempt: task.attempt, agent: task.agent, durationMs: 1 };
    const result = failure ? { ...base, status: 'failed', failure: { code: failure } } : { ...base, status: 'succeeded', outputs: outputs ?? outputsOf(task, 3), facts };
    await this.bus.publish(subjects.result(task.agent.split('/')[0] as string), result, { id });
  }

  async command(name: CommandName, data: object, id: string = randomBytes(8).toString('hex')): Promise<CommandReply> {
    return CommandReply.parse(await this.bus.command(subjects.command(name), data, { id }, 10_000));
  }

  /** Starts a run and returns its id. */
  async start(pipeline: string, { runId = newRunId(), params = {}, repository = '/repo' }: { runId?: string; params?: Record<string, unknown>; repository?: string } = {}): Promise<string> {
    const reply = await this.command('start-run', { runId, pipeline, repository, params, requestedBy: 'ann' });
    if (!reply.ok) throw new Error(`${reply.failure.code} ${reply.failure.detail}`);
    return reply.runId;
  }

  async query<Name extends QueryName>(name: Name, request: z.input<(typeof QUERIES)[Name]['request']>): Promise<z.output<(typeof QUERIES)[Name]['reply']>> {
    return QUERIES[name].reply.parse(await this.bus.request(subjects.query(name), request, 5_000)) as z.output<(typeof QUERIES)[Name]['reply']>;
  }

  async run(runId: string): Promise<RunView> {
    const reply = await this.query('get-run', { runId });
    if (!reply.ok) throw new Error(reply.failure.code);
    return reply.item;
  }

  async steps(runId: string): Promise<Map<string, StepView>> {
    const steps = new Map<string, StepView>();
    for (let cursor: string | undefined; ;) {
      const reply = await this.query('list-steps', { runId, cursor });
      if (!reply.ok) throw new Error(reply.failure.code);
      for (const step of reply.items) steps.set(step.stepId, step);
      cursor = reply.next;
      if (!cursor) return steps;
    }
  }

  /** Straight from the table: also when no coordinator runs. */
  async events(runId: string): Promise<RunEvent[]> {
    return (await this.database.query<LogRow>('SELECT run_id AS "runId", seq, at, events FROM log WHERE run_id = $1 ORDER BY seq', [runId])).rows.flatMap(eventsIn);
  }

  /** Time passes: every timer, or those of some runs, is due so much earlier. A negative time puts them off. */
  async pass(ms: number, runIds?: readonly string[]): Promise<void> {
    const { rows } = await this.database.query<{ run_id: string; seq: number; steps: string }>(`SELECT run_id, seq, steps FROM log WHERE steps LIKE '%"wakeAt"%' AND ($1::text[] IS NULL OR run_id = ANY($1))`, [runIds]);
    await this.database.query(
      'UPDATE log SET steps = moved.steps FROM json_to_recordset($1) AS moved (run_id text, seq integer, steps text) WHERE log.run_id = moved.run_id AND log.seq = moved.seq',
      [JSON.stringify(rows.map((row) => ({ ...row, steps: row.steps.replaceAll(/"wakeAt":(\d+)/g, (_all, at: string) => `"wakeAt":${Number(at) - ms}`) })))]);
    await this.database.query(`UPDATE runs SET check_at = check_at - $1 * interval '1 millisecond' WHERE check_at IS NOT NULL AND ($2::text[] IS NULL OR id = ANY($2))`, [ms, runIds]);
  }

  async provision(): Promise<void> { await provision(this.bus); }

  /** Waits for one of these statuses. */
  async reaches(runId: string, ...statuses: string[]): Promise<void> {
    await this.until(async () => {
      const { rows } = await this.database.query<{ status: string }>('SELECT status FROM runs WHERE id = $1', [runId]);
      return statuses.includes(rows[0]?.status ?? '');
    }, `${runId} ${statuses.join('|')}`);
  }

  async until(holds: () => boolean | Promise<boolean>, what: string, limitMs = 20_000): Promise<void> {
    for (const deadline = Date.now() + limitMs; Date.now() < deadline; await sleep(20)) if (await holds()) return;
    throw new Error(`never: ${what}`);
  }

  async close(): Promise<void> {
    await this.stopCoordinators();
    await Promise.all(this.agents.map(async (agent) => agent.stop(0)));
    await this.bus.close();
    await this.database.end();
    await this.nats.remove();
    await this.postgres.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function newRunId(): string {
  return `run_${[...randomBytes(26)].map((byte) => '0123456789abcdefghjkmnpqrstvwxyz'[byte % 32]).join('')}`;
}

