import { Failure, MAX_MESSAGE_BYTES, type FailureFact, type PipelineStep, type RunEvent, type Task } from '#contracts';
import type { RunSpec, CompiledPipeline } from './pipeline.js';
import { pristine } from './pristine.js';
import { isSettled, keyOf, type RunState, type StepState } from './run-state.js';

/** The headers of a message: twice its id, its type, source and time. */
const HEADER_BYTES = 768;
/** What a group has around its events. */
const GROUP_BYTES = 64;
export const fitsOnBus = (message: Task | RunEvent): boolean => ('inputs' in message ? Buffer.byteLength(taskJson(message)) : bytesOf(message)) <= MAX_MESSAGE_BYTES - HEADER_BYTES;

/** Of an event; an upper bound for those that cannot be long, which are nearly all, because measuring one costs as much as deciding it. */
function bytesOf(event: RunEvent): number {
  const isShort = event.failure === undefined && event.roles === undefined && isEmpty(event.facts) && isEmpty(event.outputs);
  return isShort ? SHORT_EVENT_BYTES : Buffer.byteLength(JSON.stringify(event));
}
function isEmpty(value: object | undefined): boolean {
  for (const _key in value) return false;
  return true;
}
/** Ids, names, words and numbers of an event without outputs, facts, failure and roles. */
const SHORT_EVENT_BYTES = 900;

const TASK_JSON = new WeakMap<Task, string>();
/** A task as it is sent: written out once, to be measured and to be published. */
export function taskJson(task: Task): string {
  const json = TASK_JSON.get(task) ?? JSON.stringify(task);
  TASK_JSON.set(task, json);
  return json;
}

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
    const size = bytesOf(event) + 1;
    bytes += size;
    if (bytes > MAX_MESSAGE_BYTES - HEADER_BYTES - GROUP_BYTES) {
      done.push([]);
      bytes = size;
    }
    done.at(-1)?.push(event);
  }
  return done;
}

const JSON_OF = new WeakMap<readonly RunEvent[], string>();
/** The events of a group as the log has them, which says run, number and time once for all: written out once, to be stored and to be told. */
export function eventsJson(group: readonly RunEvent[]): string {
  const json = JSON_OF.get(group) ?? JSON.stringify(group.map(({ runId: _run, seq: _seq, at: _at, ...event }) => event));
  JSON_OF.set(group, json);
  return json;
}

/** A group as it is told: `RunEvents`. All its events are of one moment. */
export function toldJson(group: readonly RunEvent[]): string {
  const { runId, seq, at } = group[0] as RunEvent;
  return `{"runId":"${runId}","seq":${seq},"at":"${at}","events":${eventsJson(group)}}`;
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
  private lastPosition: number | undefined;
  private moment: string | undefined;
  private seq: number;

  constructor(readonly pipeline: CompiledPipeline, public run: RunState, readonly at: number) {
    this.steps = new Map(run.steps);
    this.seq = run.seq;
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
  nextPosition(): number {
    this.lastPosition = (this.lastPosition ?? [...this.steps.values()].reduce((last, step) => Math.max(last, step.position), -1)) + 1;
    return this.lastPosition;
  }

  emit(type: RunEvent['type'], fields: Partial<Omit<RunEvent, 'runId' | 'seq' | 'type' | 'at'>> = {}): void {
    const event: RunEvent = { runId: this.run.runId, seq: ++this.seq, type, at: (this.moment ??= new Date(this.at).toISOString()), ...fields };
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
      run: quiet ? this.run : { ...this.run, steps: this.steps, seq: this.seq, updatedAt: this.at },
      changed, commands: this.tasks, events: this.events, counted: !quiet,
      locks: { claim: this.claims, release: this.releases }, ...this.answer,
    };
  }
}
