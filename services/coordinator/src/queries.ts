import { Injectable } from '@nestjs/common';
import { Pool } from 'pg';
import { DataSource, LessThan, MoreThan } from 'typeorm';
import type { z } from 'zod';
import { agentContract, ARTIFACTS, Failure, QUERIES, type QueryName } from '#contracts';
import { requireOccurrence } from './cron.js';
import { keyOfCursor, numberOfCursor, page } from './pages.js';
import { Limits } from './limits.js';
import { Pipelines } from './pipelines.js';
import { addSchedule, removeSchedule } from './store/schedules.store.js';
import { madeByRuns, type MadeBy } from './store/retention.store.js';
import { resolveParams } from './engine/pipeline.js';
import { withPristine } from './engine/pristine.js';
import { LimitEntity, LogEntity, RunEntity, ScheduleEntity } from './store/entities.js';
import { eventsIn } from './store/log.js';
import { SagaStore } from './store/saga-store.js';
import { artifactsOf, artifactView, limitView, runView, scheduleView, stepView } from './views.js';

/** Characters of a definition that are one item of a page. */
const PIECE = 1_000;

type Handlers = { [Name in QueryName]: (request: z.output<(typeof QUERIES)[Name]['request']>) => Promise<z.input<(typeof QUERIES)[Name]['reply']>> };

/** How long an ended run keeps its bundles of code; 0: as long as there is the run. */
export class BundleDays {
  constructor(readonly days: number) {}
}

/** Answers what the gateway asks, from what is committed, and changes limits and schedules. */
@Injectable()
export class Queries {
  private readonly handlers: Handlers = {
    'get-run': async ({ runId }) => {
      const run = await this.run(runId);
      return { ok: true, item: runView(run, await this.movedAt([run])) };
    },

    'list-runs': async ({ repository, status, cursor, limit }) => {
      // Ids sort by creation time: the newest first.
      const before = keyOfCursor(cursor);
      const where = { ...before !== undefined && { id: LessThan(before) }, ...repository !== undefined && { repository }, ...status && { status } };
      const runs = await this.database.getRepository(RunEntity).find({ where, relations: { pipeline: true }, order: { id: 'DESC' }, take: limit + 1 });
      const movedAt = await this.movedAt(runs);
      return page(runs, limit, (run) => runView(run, movedAt), (run) => run.id);
    },

    'list-steps': async ({ runId, cursor, limit }) => {
      const run = await this.run(runId);
      const after = numberOfCursor(cursor, -1);
      const stored = (await this.store.load([runId])).get(runId);
      const steps = stored ? [...withPristine(run.pipeline.definition, stored.run.steps).values()].filter(({ position }) => position > after) : [];
      return page(steps.sort((a, b) => a.position - b.position), limit, (step) => stepView(step, run.pipeline.definition), (step) => step.position);
    },

    'list-artifacts': async ({ runId, cursor, limit }) => {
      await this.run(runId);
      const after = numberOfCursor(cursor, 0);
      const artifacts = artifactsOf((await this.store.load([runId])).get(runId)?.run.steps.values() ?? []);
      return page(artifacts.slice(after, after + limit + 1).map((artifact, index) => ({ ...artifact, place: after + index + 1 })), limit, (artifact) => artifactView(artifact, runId), ({ place }) => place);
    },

    'list-events': async ({ runId, afterSeq, cursor, limit }) => {
      await this.run(runId);
      const after = numberOfCursor(cursor, afterSeq);
      const rows = await this.database.getRepository(LogEntity).find({ where: { runId, last: MoreThan(after) }, order: { seq: 'ASC' }, take: limit + 1 });
      const events = rows.flatMap(eventsIn);
      return page(events.filter(({ seq }) => seq > after), limit, (event) => event, ({ seq }) => seq);
    },

    'list-definition': async ({ runId, cursor, limit }) => {
      const text = JSON.stringify((await this.run(runId)).pipeline.definition);
      const pieces = Array.from({ length: Math.ceil(text.length / PIECE) }, (_, index) => ({ index, piece: text.slice(index * PIECE, (index + 1) * PIECE) })).slice(numberOfCursor(cursor, -1) + 1);
      return page(pieces, limit, ({ piece }) => piece, ({ index }) => index);
    },

    'list-references': async ({ cursor, limit }) => {
      const [runId = '', seq = '0', place = '-1'] = (keyOfCursor(cursor) ?? '').split(' ');
      const made = await madeByRuns(this.database, { runId, seq: Number(seq), place: Number(place) }, limit + 1);
      return page(made, limit, (step) => this.references(step), (step) => `${step.runId} ${step.seq} ${step.place}`);
    },

    'list-pipelines': async ({ cursor, limit }) => {
      const after = keyOfCursor(cursor) ?? '';
      const definitions = this.pipelines.all().map(({ compiled }) => compiled.definition).filter(({ name }) => name > after).sort((a, b) => (a.name < b.name ? -1 : 1));
      return page(definitions, limit, ({ name, version, steps }) => ({ name, version, steps: Object.keys(steps) }), ({ name }) => name);
    },

    'list-schedules': async ({ cursor, limit }) => {
      const rows = await this.database.getRepository(ScheduleEntity).find({ where: { id: MoreThan(keyOfCursor(cursor) ?? '') }, order: { id: 'ASC' }, take: limit + 1 });
      return page(rows, limit, scheduleView, ({ id }) => id);
    },

    'add-schedule': async (schedule) => {
      const { compiled } = this.pipelines.named(schedule.pipeline);
      await addSchedule(this.pool, { ...schedule, params: resolveParams(compiled.definition, schedule.params) }, requireOccurrence(schedule.cron, schedule.timeZone, await this.store.now()));
      return { ok: true, item: scheduleView(await this.database.getRepository(ScheduleEntity).findOneByOrFail({ id: schedule.scheduleId })) };
    },

    'remove-schedule': async ({ scheduleId }) => {
      if (!await removeSchedule(this.pool, scheduleId)) throw new Failure('unknown-schedule', scheduleId);
      return { ok: true, item: { scheduleId } };
    },

    'list-limits': async ({ cursor, limit }) => {
      const rows = await this.database.getRepository(LimitEntity).find({ order: { kind: 'ASC', key: 'ASC' }, skip: numberOfCursor(cursor, 0), take: limit + 1 });
      return page(rows.map((row, index) => ({ row, place: numberOfCursor(cursor, 0) + index + 1 })), limit, ({ row }) => limitView(row), ({ place }) => place);
    },

    'set-limit': async (limit) => {
      await this.database.getRepository(LimitEntity).upsert({ ...limit, windowSeconds: limit.windowSeconds ?? null }, ['kind', 'key']);
      await this.limits.refresh();
      return { ok: true, item: limit };
    },

    'remove-limit': async (name) => {
      await this.database.getRepository(LimitEntity).delete(name);
      await this.limits.refresh();
      return { ok: true, item: name };
    },
  };

  constructor(private readonly database: DataSource, private readonly store: SagaStore, private readonly pipelines: Pipelines, private readonly limits: Limits, private readonly bundles: BundleDays, private readonly pool: Pool) {}

  /** Throws `Failure` (`bad-request`, `unknown-run`), which the bus turns into the reply. */
  async answer(name: string, data: unknown): Promise<unknown> {
    if (!Object.hasOwn(QUERIES, name)) throw new Failure('bad-request', `there is no query ${name.slice(0, 64)}`);
    const request = QUERIES[name as QueryName].request.safeParse(data);
    if (!request.success) throw new Failure('bad-request', request.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ').slice(0, 500));
    // The compiler cannot see that request and handler belong to the same name.
    return (this.handlers[name as QueryName] as (request: unknown) => Promise<unknown>)(request.data);
  }

  /** The ids that a step's run still names. */
  private references({ agent = '', outputs, age }: MadeBy): string[] {
    const given = this.bundles.days > 0 && age !== null && age > this.bundles.days;
    const isBundle = (name: string) => { const kind = agentContract(agent)?.outputs[name]?.kind; return kind !== undefined && ARTIFACTS[kind].layout === 'tar'; };
    return Object.entries(outputs).flatMap(([name, ids]) => (given && isBundle(name) ? [] : ids));
  }

  /** By run, when something last happened to it. */
  private async movedAt(runs: readonly RunEntity[]): Promise<ReadonlyMap<string, Date>> {
    const rows = await this.database.query<Array<{ id: string; at: Date }>>(
      'SELECT id, l.at FROM unnest($1::text[]) AS id JOIN LATERAL (SELECT at FROM log WHERE run_id = id ORDER BY seq DESC LIMIT 1) AS l ON true', [runs.map(({ id }) => id)]);
    return new Map(rows.map(({ id, at }) => [id, at]));
  }

  private async run(runId: string): Promise<RunEntity> {
    const run = await this.database.getRepository(RunEntity).findOne({ where: { id: runId }, relations: { pipeline: true } });
    if (!run) throw new Failure('unknown-run', runId);
    return run;
  }
}
