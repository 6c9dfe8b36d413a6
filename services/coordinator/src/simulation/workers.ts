import { agentContract, subjects, type ArtifactMap, type FailureCode, type Result, type Task } from '#contracts';
import { isUndo, undone } from '../engine/run-state.js';
import type { MemoryTables } from '../store/memory-store.js';
import { tasksIn, WORKER_ACK_MS, type Held, type SimulatedBus } from './bus.js';
import type { World } from './world.js';

/** Something outside that a step has made. The agent does it under the key of run and step, so a second time finds it there; the undo takes it away. */
export interface Effect {
  present: boolean;
  /** An attempt that had been settled or given up has touched it after all. What is there then is not the coordinator's doing. */
  stale: boolean;
}

/** How agents answer in one world. */
interface Manners { fails: number; failsForGood: number; undoFails: number }

/** One task of one delivery. `answered`: says that it is, and whether it was the last of its message. */
interface Job { readonly message: Held; readonly task: Task; readonly begun: number; readonly answered: () => boolean }

/** All the agents of all services: each task that arrives is worked on at once, in its own time, by a process that may end, hang or come back late. */
export class Workers {
  /** By run and step. */
  readonly effects = new Map<string, Effect>();
  /** When the agents heard of it last. */
  private readonly cancelled = new Map<string, number>();
  private readonly manners: Manners;

  constructor(private readonly world: World, private readonly bus: SimulatedBus, private readonly tables: MemoryTables) {
    const { random } = world;
    this.manners = { fails: random.pick([0, 0.05, 0.2]), failsForGood: random.pick([0.01, 0.03, 0.1]), undoFails: random.pick([0, 0.05]) };
  }

  /** A step at work that hears of it may stop early. */
  cancel(runId: string): void { this.cancelled.set(runId, this.world.now); }

  /** Settled when one delivery of it has had all of its tasks answered; until then all of them come again, those that were answered as well. */
  take(message: Held): void {
    const tasks = tasksIn(message.data);
    const open = new Set(tasks);
    for (const task of tasks) this.work({ message, task, begun: this.world.now, answered: () => open.delete(task) && open.size === 0 });
  }

  private work(job: Job): void {
    const { world } = this;
    const { message, task } = job;
    const { random } = world;
    if (world.strikes('worker-crash-before-effect')) { this.bus.redeliver(message, WORKER_ACK_MS); return; }
    if (world.strikes('worker-hangs')) {
      world.after(task.timeLimitMs, () => { this.answer(job, this.failed(task, 'agent-timeout')); });
      return;
    }
    if (world.strikes('worker-zombie')) {
      // It stands still and heartbeats no more, so another one gets the task; then it goes on where it was.
      this.bus.redeliver(message, WORKER_ACK_MS);
      world.after(random.between(1_000, random.pick([60_000, 7_200_000])), () => { this.finish(job); });
      return;
    }
    world.after(random.between(5, random.pick([50, 3_000])), () => { this.finish(job); });
  }

  private finish(job: Job): void {
    const { world } = this;
    const { message, task, begun } = job;
    if (!isUndo(task.stepId) && (this.cancelled.get(task.runId) ?? -1) >= begun && world.random.chance(0.7)) { this.answer(job, this.failed(task, 'cancelled')); return; }
    const failure = this.failure(task);
    // A step may fail with its effect already there.
    if (!failure || world.random.chance(0.3)) this.perform(task);
    if (world.strikes('worker-crash-after-effect')) { this.bus.redeliver(message, WORKER_ACK_MS); return; }
    const result = failure ? this.failed(task, failure) : this.succeeded(task);
    if (world.strikes('result-late')) world.after(world.random.between(1_000, world.random.pick([60_000, 7_200_000])), () => { this.answer(job, result); });
    else this.answer(job, result);
  }

  private perform(task: Task): void {
    const key = `${task.runId} ${isUndo(task.stepId) ? undone(task.stepId) : task.stepId}`;
    const step = this.tables.runs.get(task.runId)?.steps.get(task.stepId);
    const stale = step?.status !== 'dispatched' || step.attempt !== task.attempt;
    this.world.note(`${name(task)} ${stale ? 'is worked on although it no longer counts' : 'takes effect'}`);
    this.effects.set(key, { present: !isUndo(task.stepId), stale });
  }

  private answer({ message, answered: isLast }: Job, result: Result): void {
    const { world } = this;
    const id = `${result.runId}.${result.stepId}.${result.attempt}.result`;
    world.note(`${name(result)} answers`, () => (result.status === 'failed' ? result.failure.code : result.status));
    this.bus.store(subjects.result('agent'), result, id);
    if (world.strikes('result-forged')) this.bus.store(subjects.result('agent'), { ...result, ...world.random.chance(0.5) ? { attempt: result.attempt + 100 } : { agent: 'engineer/write' } }, `${id}.3`);
    // A second process has its own message for the same attempt, and maybe something else to say.
    if (world.strikes('result-doubled')) world.after(world.random.between(0, 20_000), () => { this.bus.store(subjects.result('agent'), world.random.chance(0.5) ? result : this.failed(result, 'agent-crashed'), `${id}.2`); });
    if (world.strikes('worker-crash-before-ack')) this.bus.redeliver(message, WORKER_ACK_MS);
    else if (world.strikes('ack-lost')) this.bus.redeliver(message, WORKER_ACK_MS);
    else if (isLast()) message.settled = true;
  }

  private failure(task: Task): FailureCode | undefined {
    const { random } = this.world;
    if (isUndo(task.stepId)) return random.chance(this.manners.undoFails) ? random.pick(['internal', 'branch-taken']) : undefined;
    if (random.chance(this.manners.fails)) return random.pick(['agent-crashed', 'store-unavailable', 'agent-timeout']);
    return random.chance(this.manners.failsForGood) ? random.pick(['no-web-front-end', 'nothing-to-test']) : undefined;
  }

  private succeeded(task: Task): Result {
    const { random } = this.world;
    const outputs = this.world.strikes('result-invalid') ? { nothing: ARTIFACT } : outputsOf(task.agent, random.between(1, 4));
    return { ...answered(task), status: 'succeeded', outputs, facts: { features: random.between(0, 5), cases: random.between(0, 5) } };
  }

  private failed(task: Pick<Task, 'runId' | 'stepId' | 'attempt' | 'agent'>, code: FailureCode): Result { return { ...answered(task), status: 'failed', failure: { code } }; }
}

const name = ({ runId, stepId, attempt }: Pick<Task, 'runId' | 'stepId' | 'attempt'>): string => `${runId} ${stepId} ${attempt}`;
const answered = ({ runId, stepId, attempt, agent }: Pick<Task, 'runId' | 'stepId' | 'attempt' | 'agent'>) => ({ runId, stepId, attempt, agent, durationMs: 1 });

const ARTIFACT = `sha256:${'0'.repeat(64)}`;

/** Of the shape that the agent's contract asks for; all artifacts are the same one. */
function outputsOf(agent: string, items: number): ArtifactMap {
  const outputs: ArtifactMap = {};
  for (const [name, slot] of Object.entries(agentContract(agent)?.outputs ?? {})) outputs[name] = slot.many ? Array.from({ length: items }, () => ARTIFACT) : ARTIFACT;
  return outputs;
}
