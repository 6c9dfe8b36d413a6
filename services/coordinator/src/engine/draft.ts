import { Failure, MAX_MESSAGE_BYTES, type FailureFact, type PipelineStep, type RunEvent, type Task } from '#contracts';
import type { RunSpec, CompiledPipeline } from './pipeline.js';
import { pristine } from './pristine.js';
import { isSettled, keyOf, type RunState, type StepState } from './run-state.js';

/** The headers of a message: twice its id, its type, source and time. */
const HEADER_BYTES = 768;
/** What a group has around its events. */
const GROUP_BYTES = 64;
export const fitsOnBus = (message: Task | RunEvent): boolean => Buffer.byteLength(JSON.stringify(message)) <= MAX_MESSAGE_BYTES - HEADER_BYTES;

export interface Decision {
  run: RunState;
  /** Steps that are new or differ from before; their `wakeAt` are the timers to set. */
  changed: readonly StepState[];
  /** Tasks to publish after the commit. */
  commands: readonly Task[];
  events: readonly RunEvent[];
  /** Steps that ask for their lock (the shell answers each with a `lock` signal in the same transaction), and those that let go of it. */
  locks: { claim: readonly string[]; release: readonly string[] };
  /** For a person's command: why it was refused, or that it had been done already. */
  refused?: FailureFact;
  repeated?: boolean;
  /** Whether the signal changed anything. */
  counted: boolean;
}

/** Events of one run in groups that fit on the bus, each as one message. */
export function groups(events: readonly RunEvent[]): RunEvent[][] {
  const done: RunEvent[][] = [];
  let bytes = Infinity;
  for (const event of events) {
    const size = Buffer.byteLength(JSON.stringify(event)) + 1;
    bytes += size;
    if (bytes > MAX_MESSAGE_BYTES - HEADER_BYTES - GROUP_BYTES) {
      done.push([]);
      bytes = size;
    }
    done.at(-1)?.push(event);
  }
  return done;
}

/** The next state of a run while it is being decided: a copy that is changed, and what goes out with it. */
export class Draft {
  private readonly steps: Map<string, StepState>;
  private readonly touched = new Set<string>();
  private readonly tasks: Task[] = [];
  private readonly events: RunEvent[] = [];
  private readonly claims: string[] = [];
  private readonly releases: string[] = [];
  private answer: { refused?: FailureFact; repeated?: boolean } = {};
  private lastPosition: number;

  constructor(readonly pipeline: CompiledPipeline, public run: RunState, readonly at: number) {
    this.steps = new Map(run.steps);
    this.lastPosition = [...run.steps.values()].reduce((last, step) => Math.max(last, step.position), -1);
  }

  all(): StepState[] { return [...this.steps.values()]; }
  find(stepId: string): StepState | undefined { return this.steps.get(stepId); }
  step(stepId: string): StepState {
    const step = this.steps.get(stepId);
    if (!step) throw new Failure('internal', `the run has no step ${stepId}`);
    return step;
  }
  spec(stepId: string): PipelineStep { return this.pipeline.definition.steps[keyOf(stepId)] as PipelineStep; }
  /** Of a step that runs an agent. */
  runSpec(stepId: string): RunSpec { return this.spec(stepId) as RunSpec; }

  setRun(change: Partial<RunState>): void { this.run = { ...this.run, ...change }; }

  /** The only way a step changes. Clears the timer unless a new one is given, keeps the start, stamps the end, lets go of the lock at the end. */
  set(stepId: string, change: Partial<StepState>): void {
    const before = this.step(stepId);
    let after: StepState = { ...before, wakeAt: undefined, ...change };
    if (isSettled(after) && !isSettled(before)) after = { ...after, finishedAt: this.at };
    if (isSettled(after) && after.locked) {
      this.releases.push(stepId);
      after = { ...after, locked: false };
    }
    this.steps.set(stepId, after);
    this.touched.add(stepId);
  }

  create(stepId: string, agent: string | undefined): void {
    this.steps.set(stepId, pristine(stepId, this.nextPosition(), agent));
    this.touched.add(stepId);
  }
  nextPosition(): number { return ++this.lastPosition; }

  emit(type: RunEvent['type'], fields: Partial<Omit<RunEvent, 'runId' | 'seq' | 'type' | 'at'>> = {}): void {
    const seq = this.run.seq + 1;
    this.setRun({ seq });
    const event: RunEvent = { runId: this.run.runId, seq, type, at: new Date(this.at).toISOString(), ...fields };
    // A result that just fits on the bus would not fit again with the event's fields around it; the step has its outputs.
    this.events.push(fitsOnBus(event) ? event : { ...event, outputs: undefined });
  }
  command(task: Task): void { this.tasks.push(task); }
  claim(stepId: string): void { this.claims.push(stepId); }
  refuse(code: FailureFact['code'], detail: string): void { this.answer = { refused: { code, detail } }; }
  repeat(): void { this.answer = { repeated: true }; }

  decision(): Decision {
    const changed = [...this.touched].map((stepId) => this.step(stepId));
    const quiet = changed.length === 0 && this.events.length === 0;
    return {
      run: quiet ? this.run : { ...this.run, steps: this.steps, updatedAt: this.at },
      changed, commands: this.tasks, events: this.events, counted: !quiet,
      locks: { claim: this.claims, release: this.releases }, ...this.answer,
    };
  }
}
