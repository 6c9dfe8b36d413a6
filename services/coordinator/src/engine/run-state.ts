import type { ArtifactMap, Fact, FailureFact, Params, Priority, RunStatus, StepStatus, Tenant } from '#contracts';

/** A run as decisions see it. Times are milliseconds since 1970 on the database's clock. Immutable: a decision makes a new one. */
export interface RunState {
  readonly runId: string;
  readonly repository: string;
  readonly ref?: string;
  readonly params: Params;
  /** `false`: no step reuses what an earlier one made. */
  readonly cache?: boolean;
  readonly tenant?: Tenant;
  readonly priority?: Priority;
  readonly status: RunStatus;
  /** How a run that is winding down will end; set by the first failure or by a cancel, and never back except by a retry. */
  readonly ending?: 'failed' | 'cancelled';
  /** The first failed step's. */
  readonly failure?: FailureFact;
  /** The commands of the last retries, the latest first, separated by spaces: a late second copy of one must not retry again what has ended meanwhile. */
  readonly lastRetry?: string;
  /** Of the last event. */
  readonly seq: number;
  readonly updatedAt: number;
  readonly finishedAt?: number;
  readonly steps: ReadonlyMap<string, StepState>;
}

export interface StepState {
  readonly stepId: string;
  /** Order of creation in the run. Undo goes backwards along it. */
  readonly position: number;
  /** Nothing for approvals. */
  readonly agent?: string;
  readonly status: StepStatus;
  /** Counts dispatches over the whole life of the run, retries by people included: a number is never used twice, which is what fences. */
  readonly attempt: number;
  /** Dispatches since the step last began; what `retry.attempts` bounds. */
  readonly tries: number;
  readonly inputs: ArtifactMap;
  readonly outputs: ArtifactMap;
  readonly facts: Record<string, Fact>;
  readonly failure?: FailureFact;
  /** How many elements a fanned-out step has. Elements of an earlier, longer list stay as `skipped` rows: their attempts must not be used again. */
  readonly elements?: number;
  /** Whether it stands in the queue of its lock, or holds it. */
  readonly locked: boolean;
  /**
   * The step's only timer. Dispatched: no answer by then. Backing off: try again then. Waiting: the approval expires.
   * A transition replaces or clears it, so no timer can outlive its reason.
   */
  readonly wakeAt?: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
}

const SETTLED: ReadonlySet<StepStatus> = new Set(['succeeded', 'skipped', 'failed', 'cancelled']);
export const isSettled = (step: StepState): boolean => SETTLED.has(step.status);
const ENDED: ReadonlySet<RunStatus> = new Set(['succeeded', 'failed', 'cancelled']);
export const hasEnded = (run: RunState): boolean => ENDED.has(run.status);

/** `design/3~undo` → `design`: the step's key in the pipeline. */
export const keyOf = (stepId: string): string => stepId.replace(/(\/\d+)?(~undo)?$/, '');
export const isUndo = (stepId: string): boolean => stepId.endsWith('~undo');
export const undoOf = (stepId: string): string => `${stepId}~undo`;
export const undone = (undoId: string): string => undoId.slice(0, -'~undo'.length);
export const elementOf = (key: string, index: number): string => `${key}/${index}`;
export const isElement = (stepId: string): boolean => /\/\d+$/.test(stepId);
