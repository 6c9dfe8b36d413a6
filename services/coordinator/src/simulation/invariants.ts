import { Result, type RunEvent, type Task } from '#contracts';
import { isApproval, milliseconds, type CompiledPipeline } from '../engine/pipeline.js';
import { hasEnded, isElement, isSettled, isUndo, keyOf, undoOf, undone, type RunState } from '../engine/run-state.js';
import { GRACE_MS } from '../engine/step.js';
import type { MemoryTables } from '../store/memory-store.js';
import type { RunChange } from '../store/saga-store.js';
import type { Command } from './people.js';
import type { Effect } from './workers.js';

/**
 * What must hold whatever has happened, in words:
 *
 *   ends        every run that was accepted ends, or waits where people see it; its steps have settled, without timers
 *   accepted    a command that was answered with yes is in the log, under the name of who gave it, and no retry is there twice
 *   sequence    the events of a run are numbered 1, 2, 3 … and their times never go back
 *   tables      the log of events and the tables tell the same
 *   heard       a result of the attempt that its step waits for is not acknowledged before it counts, nor a command before it is answered
 *   stale       a result counts at most once, only for the attempt that its step was waiting for, and only when there was one
 *   attempts    the number of an attempt is never used twice, and nothing reaches the bus that is not committed
 *   retries     no step is tried more often than its pipeline allows, and none again that has succeeded, until a person retries the run
 *   needs       a step begins only when what it needs has settled well, and nothing new begins in a run that winds down
 *   timers      no time limit, back-off or expiry takes effect early
 *   undo        a run that failed or was cancelled takes back each effect that was begun, once, in the reverse order, one at a time, when nothing forward is at work any more; or parks it visibly
 *   effects     what is there at the end is what the log says: done and not taken back
 *   approvals   one decision per request, by one of its roles, and nothing behind it begins before
 *   locks       one holder at a time, the first of its queue, and none left at the end
 *   published   the bus has had every event, and the outbox is empty
 *   rest        the world comes to rest
 *
 * An agent may be handed a task twice, and a process that stood still may go on with one that was given up: the bus promises no less and no more. Its result does not count; what it does
 * outside after all is left out of `effects` (workers.ts marks it), because nobody but the outside can fence it.
 */
export type Invariant = 'ends' | 'accepted' | 'heard' | 'sequence' | 'tables' | 'stale' | 'attempts' | 'retries' | 'needs' | 'timers' | 'undo' | 'effects' | 'approvals' | 'locks' | 'published' | 'rest';

export interface Broken { readonly invariant: Invariant; readonly runId?: string; readonly detail: string }

/** A step as the log tells it. */
interface Told {
  attempt: number;
  /** Dispatched and not yet answered. */
  atWork: boolean;
  agent: string | undefined;
  tries: number;
  dispatchedAt: number;
  notBefore: number;
  status: 'succeeded' | 'failed' | 'skipped' | 'cancelled' | 'parked' | 'fanned-out' | undefined;
  /** In which round (a retry by a person begins another), and as the how-manieth event, it was last begun. */
  round: number;
  begun: number;
  /** Of an approval: when it was asked for, while nobody has decided. */
  asked: number | undefined;
  decision: string | undefined;
}

/** Reads the log of one run from its first event to its last. `heard`: whether a coordinator has ever been handed a result of this attempt. */
export function checkLog(pipeline: CompiledPipeline, run: RunState, events: readonly RunEvent[], heard: (stepId: string, attempt: number) => boolean): Broken[] {
  const broken: Broken[] = [];
  const steps = new Map<string, Told>();
  let round = 0;
  let windingDown = false;
  let status: RunState['status'] = 'running';
  let lastAt = -Infinity;
  let lastUndone = Infinity;
  const say = (invariant: Invariant, event: RunEvent, detail: string): void => { broken.push({ invariant, runId: run.runId, detail: `event ${event.seq}, ${event.type} ${event.stepId ?? ''}${event.attempt ? `#${event.attempt}` : ''}: ${detail}` }); };
  const told = (stepId: string): Told => {
    let step = steps.get(stepId);
    if (!step) steps.set(stepId, step = { attempt: 0, atWork: false, agent: undefined, tries: 0, dispatchedAt: 0, notBefore: -Infinity, status: undefined, round: -1, begun: 0, asked: undefined, decision: undefined });
    return step;
  };
  const settledWell = (key: string): boolean => { const step = steps.get(key); return step !== undefined && (step.status === 'succeeded' || step.status === 'skipped'); };

  function dispatched(event: RunEvent, stepId: string, at: number): void {
    const step = told(stepId);
    const spec = pipeline.definition.steps[keyOf(stepId)];
    if (!spec || isApproval(spec)) { say('tables', event, 'no such step'); return; }
    if (step.atWork) say('stale', event, `attempt ${step.attempt} has not been answered`);
    if (event.attempt !== step.attempt + 1) say('attempts', event, `comes after attempt ${step.attempt}`);
    if (at < step.notBefore) say('timers', event, `${step.notBefore - at} ms early`);
    const again = step.round === round && step.tries > 0 && step.status === undefined;
    if (step.status === 'succeeded' && step.round === round) say('retries', event, 'has succeeded already');
    Object.assign(step, { attempt: event.attempt, atWork: true, agent: event.agent, dispatchedAt: at, notBefore: -Infinity, tries: again ? step.tries + 1 : 1, status: undefined, round });
    if (!again) step.begun = event.seq;
    if (step.tries > spec.retry.attempts) say('retries', event, `try ${step.tries} of ${spec.retry.attempts}`);
    if (isUndo(stepId)) dispatchedUndo(event, stepId, again);
    else {
      if (windingDown) say('needs', event, 'the run winds down');
      for (const need of spec.needs) if (!settledWell(need)) say(need in pipeline.definition.steps && isApproval(pipeline.definition.steps[need] as never) ? 'approvals' : 'needs', event, `${need} has not settled well`);
      if (isElement(stepId)) {
        let busy = 0;
        for (const [id, other] of steps) if (isElement(id) && keyOf(id) === keyOf(stepId) && (other.atWork || other.notBefore > -Infinity)) busy++;
        if (busy > spec.concurrency) say('needs', event, `${busy} elements at once`);
      }
    }
  }

  function dispatchedUndo(event: RunEvent, undoId: string, again: boolean): void {
    const effect = steps.get(undone(undoId));
    if (!windingDown) say('undo', event, 'the run does not wind down');
    if (!effect || effect.attempt === 0) { say('undo', event, 'nothing was done'); return; }
    for (const [id, other] of steps) if (id !== undoId && other.atWork) say('undo', event, `${id} is at work`);
    if (again) return;
    if (effect.begun > lastUndone) say('undo', event, 'not in the reverse order');
    lastUndone = effect.begun;
  }

  function answered(event: RunEvent, stepId: string, to: Told['status']): void {
    const step = told(stepId);
    if (event.attempt !== undefined) {
      if (!step.atWork || event.attempt !== step.attempt) say('stale', event, `the step ${step.atWork ? `waits for attempt ${step.attempt}` : 'waits for nothing'}`);
      if (event.agent !== undefined && event.agent !== step.agent) say('stale', event, `answered by ${event.agent} instead of ${step.agent}`);
    } else if (step.atWork) say('stale', event, `attempt ${step.attempt} has not been answered`);
    const spec = pipeline.definition.steps[keyOf(stepId)];
    if (event.failure?.code === 'no-answer' && spec && !isApproval(spec)) {
      const early = step.dispatchedAt + milliseconds(spec.timeout) + GRACE_MS - Date.parse(event.at);
      if (early > 0) say('timers', event, `${early} ms early`);
    }
    if (to === 'succeeded' && step.decision !== 'approve' && isApproval(spec as never)) say('approvals', event, 'nobody has approved');
    step.atWork = false;
    step.status = to;
    step.round = round;
    step.notBefore = -Infinity;
  }

  function ended(event: RunEvent): void {
    for (const [id, step] of steps) {
      if (step.atWork) say('ends', event, `${id} is at work`);
      if (event.type === 'run-succeeded' || isUndo(id) || step.attempt === 0) continue;
      const spec = pipeline.definition.steps[keyOf(id)];
      if (!spec || isApproval(spec) || !spec.undo) continue;
      const undo = steps.get(undoOf(id));
      if (!undo || undo.begun < step.begun || (undo.status !== 'succeeded' && undo.status !== 'parked')) say('undo', event, `${id} was not undone`);
    }
  }

  let expected = 0;
  for (const event of events) {
    const at = Date.parse(event.at);
    if (event.seq !== ++expected) { say('sequence', event, `${expected} was expected`); expected = event.seq; }
    if (at < lastAt) say('sequence', event, `${lastAt - at} ms before the event in front of it`);
    lastAt = at;
    const stepId = event.stepId ?? '';
    if (hasEnded({ status } as RunState) && event.type !== 'run-retried') say('sequence', event, `the run has ended: ${status}`);
    switch (event.type) {
      case 'run-started': if (event.seq !== 1) say('sequence', event, 'is not the first'); break;
      case 'run-waiting': status = 'waiting'; break;
      case 'run-resumed': status = 'running'; break;
      case 'run-cancelling': status = status === 'compensating' ? status : 'cancelling'; windingDown = true; break;
      case 'run-compensating': status = 'compensating'; lastUndone = Infinity; windingDown = true; break;
      case 'run-succeeded': status = 'succeeded'; ended(event); break;
      case 'run-failed': status = 'failed'; ended(event); break;
      case 'run-cancelled': status = 'cancelled'; ended(event); break;
      case 'run-retried':
        if (!hasEnded({ status } as RunState)) say('retries', event, `the run has not ended: ${status}`);
        round++;
        windingDown = false;
        status = 'running';
        break;
      case 'step-dispatched': dispatched(event, stepId, at); break;
      case 'step-succeeded': answered(event, stepId, 'succeeded'); break;
      case 'step-failed': answered(event, stepId, 'failed'); windingDown = true; break;
      case 'undo-parked': answered(event, stepId, 'parked'); break;
      case 'step-retrying':
        answered(event, stepId, undefined);
        told(stepId).notBefore = at + (event.delayMs ?? 0);
        break;
      case 'step-cancelled': {
        const step = told(stepId);
        const spec = pipeline.definition.steps[keyOf(stepId)];
        if (step.atWork && spec && !isApproval(spec) && spec.undo && !heard(stepId, step.attempt)) say('undo', event, 'it may still do what has to be undone');
        Object.assign(step, { atWork: false, status: 'cancelled', notBefore: -Infinity, round, asked: undefined });
        break;
      }
      case 'step-skipped': Object.assign(told(stepId), { status: 'skipped', round }); break;
      case 'step-fanned-out': Object.assign(told(stepId), { status: 'fanned-out', round }); break;
      case 'approval-requested': Object.assign(told(stepId), { asked: at, decision: undefined, status: undefined, round }); break;
      case 'approval-decided':
      case 'approval-expired': {
        const step = told(stepId);
        const spec = pipeline.definition.steps[stepId];
        if (step.asked === undefined) say('approvals', event, 'nobody is asked');
        else if (event.type === 'approval-expired' && spec && isApproval(spec) && at < step.asked + milliseconds(spec.approve.expires)) say('approvals', event, 'early');
        if (event.type === 'approval-decided' && spec && isApproval(spec) && !spec.approve.roles.includes(event.role ?? '')) say('approvals', event, `decided by ${event.role}`);
        Object.assign(step, { asked: undefined, decision: event.decision });
        break;
      }
      case 'step-blocked':
      default: break;
    }
  }
  const tell = (invariant: Invariant, detail: string): void => { broken.push({ invariant, runId: run.runId, detail }); };
  if (run.seq !== expected) tell('tables', `the run says ${run.seq} events, the log has ${expected}`);
  if (run.status !== status) tell('tables', `the run is ${run.status}, the log says ${status}`);
  const waits = run.status === 'waiting' && [...run.steps.values()].some((step) => step.status === 'waiting' && step.wakeAt !== undefined);
  if (!hasEnded(run) && !waits) tell('ends', `the run is ${run.status} for ever`);
  for (const step of run.steps.values()) {
    const log = steps.get(step.stepId);
    if (step.attempt !== (log?.attempt ?? 0)) tell('tables', `${step.stepId} has attempt ${step.attempt}, the log ${log?.attempt ?? 0}`);
    if (log?.round === round && (log.status === 'succeeded' || log.status === 'failed' || log.status === 'parked') && step.status !== (log.status === 'parked' ? 'failed' : log.status)) tell('tables', `${step.stepId} is ${step.status}, the log says ${log.status}`);
    if (hasEnded(run) && (!isSettled(step) || step.wakeAt !== undefined || step.locked)) tell('ends', `the run has ended, and ${step.stepId} is ${step.status}${step.wakeAt === undefined ? '' : ' with a timer'}${step.locked ? ' with a lock' : ''}`);
  }
  return broken;
}

const ANSWERS: ReadonlySet<string> = new Set<RunEvent['type']>(['step-succeeded', 'step-failed', 'step-retrying', 'undo-parked']);

/** What is looked at while it happens, because nothing of it is left at the end. */
export class Watch {
  readonly broken: Broken[] = [];
  /** By run: the numbers of the events that the bus has had. */
  readonly told = new Map<string, Set<number>>();
  private readonly tasks = new Map<string, Task>();
  private readonly answers = new Set<string>();
  private readonly holders = new Map<string, Set<string>>();

  constructor(private readonly tables: MemoryTables) {}

  heard(runId: string, stepId: string, attempt: number): void { this.answers.add(`${runId} ${stepId} ${attempt}`); }
  wasHeard(runId: string, stepId: string, attempt: number): boolean { return this.answers.has(`${runId} ${stepId} ${attempt}`); }

  /** A coordinator has acknowledged what came as a result. */
  resultSettled(data: unknown): void {
    const { success, data: result } = Result.safeParse(data);
    const step = success ? this.tables.runs.get(result.runId)?.steps.get(result.stepId) : undefined;
    if (!success || step?.status !== 'dispatched' || step.attempt !== result.attempt || step.agent !== result.agent) return;
    this.broken.push({ invariant: 'heard', runId: result.runId, detail: `the result of ${result.stepId}#${result.attempt} was acknowledged and does not count` });
  }

  /** The bus has been given this task. */
  task(task: Task): void {
    const { runId, stepId, attempt } = task;
    const key = `${runId} ${stepId} ${attempt}`;
    const before = this.tasks.get(key);
    this.tasks.set(key, task);
    const committed = this.tables.runs.get(runId)?.steps.get(stepId)?.attempt ?? 0;
    if (attempt > committed) this.broken.push({ invariant: 'attempts', runId, detail: `the task ${stepId}#${attempt} is on the bus, and attempt ${committed} is committed` });
    if (before && JSON.stringify(before) !== JSON.stringify(task)) this.broken.push({ invariant: 'attempts', runId, detail: `two different tasks are ${stepId}#${attempt}` });
  }

  /** The bus has been given this many events from `first` on. */
  events(runId: string, first: number, count: number): void {
    let told = this.told.get(runId);
    if (!told) this.told.set(runId, told = new Set());
    for (let seq = first; seq < first + count; seq++) told.add(seq);
    if (first + count - 1 > (this.tables.runs.get(runId)?.stored.run.seq ?? 0)) this.broken.push({ invariant: 'attempts', runId, detail: 'events are on the bus that are not committed' });
  }

  /** A commit has moved this run. */
  moved({ run, steps, events }: RunChange): void {
    for (const { seq, type, stepId, attempt, failure } of events.flat()) {
      if (!ANSWERS.has(type) || attempt === undefined || failure?.code === 'no-answer' || this.wasHeard(run.runId, stepId ?? '', attempt)) continue;
      this.broken.push({ invariant: 'stale', runId: run.runId, detail: `event ${seq}, ${type} ${stepId}#${attempt}: nobody has answered this attempt` });
    }
    for (const step of steps) {
      const holder = `${run.runId} ${step.stepId}`;
      const holders = this.holders.get(run.repository) ?? new Set<string>();
      this.holders.set(run.repository, holders);
      if (!step.locked || (step.status !== 'dispatched' && step.status !== 'backing-off')) { holders.delete(holder); continue; }
      holders.add(holder);
      const first = this.tables.queues.get(`repository:${run.repository}`)?.[0];
      if (holders.size > 1) this.broken.push({ invariant: 'locks', runId: run.runId, detail: `${[...holders].join(' and ')} hold the lock of ${run.repository}` });
      else if (first?.runId !== run.runId || first.stepId !== step.stepId) this.broken.push({ invariant: 'locks', runId: run.runId, detail: `${step.stepId} holds the lock of ${run.repository} and is not the first of its queue` });
    }
  }
}

/** Of one run, what is broken first says enough. */
const PER_RUN = 100;

/** When the world has come to rest. */
export function checkEnd({ tables, watch, commands, effects, pipelineOf }: {
  tables: MemoryTables; watch: Watch; commands: readonly Command[]; effects: ReadonlyMap<string, Effect>; pipelineOf: (hash: string) => CompiledPipeline;
}): Broken[] {
  const broken = [...watch.broken];
  for (const [runId, row] of tables.runs) {
    const pipeline = pipelineOf(row.stored.pipelineHash);
    const run: RunState = { ...row.stored.run, steps: row.steps };
    const log = [...tables.events.get(runId)?.values() ?? []].flat();
    broken.push(...checkLog(pipeline, run, log, (stepId, attempt) => watch.wasHeard(runId, stepId, attempt)).slice(0, PER_RUN));
    const told = watch.told.get(runId);
    for (const { seq } of log) if (!told?.has(seq)) broken.push({ invariant: 'published', runId, detail: `the bus never had event ${seq}` });
    if (hasEnded(run)) broken.push(...checkEffects(pipeline, run, effects));
  }
  for (const [name, [first]] of tables.queues) broken.push({ invariant: 'locks', runId: first?.runId, detail: `${first?.stepId} stands in the queue of ${name} for ever` });
  if (tables.outbox.size > 0) broken.push({ invariant: 'published', detail: `${tables.outbox.size} entries stay in the outbox` });
  for (const command of commands) broken.push(...checkAnswer(command, tables));
  return broken;
}

function checkEffects(pipeline: CompiledPipeline, run: RunState, effects: ReadonlyMap<string, Effect>): Broken[] {
  const broken: Broken[] = [];
  for (const step of run.steps.values()) {
    const effect = effects.get(`${run.runId} ${step.stepId}`);
    const spec = pipeline.definition.steps[keyOf(step.stepId)];
    if (!effect || effect.stale || isUndo(step.stepId) || !spec || isApproval(spec) || !spec.undo) continue;
    const parked = run.steps.get(undoOf(step.stepId))?.status === 'failed';
    if (run.status === 'succeeded' && step.status === 'succeeded' && !effect.present) broken.push({ invariant: 'effects', runId: run.runId, detail: `${step.stepId} has succeeded, and its effect is gone` });
    if (run.status !== 'succeeded' && effect.present && !parked) broken.push({ invariant: 'effects', runId: run.runId, detail: `the run is ${run.status}, and the effect of ${step.stepId} is still there` });
  }
  return broken;
}

function checkAnswer({ name, by, runId, data, reply }: Command, tables: MemoryTables): Broken[] {
  if (!reply) return [{ invariant: 'accepted', runId, detail: `${name} of ${by} was never answered` }];
  if (!reply.ok) return [];
  if (name === 'start-run') return tables.runs.has(reply.runId) ? [] : [{ invariant: 'accepted', runId, detail: `${by} was told that the run has started` }];
  const log = [...tables.events.get(runId)?.values() ?? []].flat();
  const type = name === 'cancel-run' ? 'run-cancelling' : name === 'retry-run' ? 'run-retried' : 'approval-decided';
  const times = log.filter((event) => event.type === 'run-retried' && event.by === by).length;
  if (times > 1) return [{ invariant: 'accepted', runId, detail: `the retry of ${by} was carried out ${times} times` }];
  const found = log.some((event) => event.type === type && (reply.repeated || event.by === by) && (event.decision === undefined || (event.decision === data['decision'] && event.stepId === data['stepId'])));
  return found ? [] : [{ invariant: 'accepted', runId, detail: `${by} was told yes to ${name}, and the log has no ${type}` }];
}
