import { eventsOf, type RunEvent, type RunEvents } from '#contracts';
import type { StepState } from '../engine/run-state.js';

/** What a row of the log says of events. `events`: a list as JSON, or null when they are older than the policy. */
export interface LogRow { readonly runId: string; readonly seq: number; readonly at: Date; readonly events: string | null }

export function eventsIn({ runId, seq, at, events }: LogRow): RunEvent[] {
  return events === null ? [] : eventsOf({ runId, seq, at: at.toISOString(), events: JSON.parse(events) as RunEvents['events'] });
}

/** Steps as a row of the log has them: without what is empty, which is most of a step for most of its life. */
export function stepsJson(steps: readonly StepState[]): string {
  return steps.length === 0 ? '[]' : JSON.stringify(steps.map((step) => ({
    ...step, inputs: unlessEmpty(step.inputs), outputs: unlessEmpty(step.outputs), facts: unlessEmpty(step.facts), locked: step.locked || undefined,
  })));
}

const BLANK = { inputs: {}, outputs: {}, facts: {}, locked: false } as const;

/** The steps of a run from the rows of its log, given as `<row>,<row>,…`: each as the last row that has it left it, in their places. */
export function stepsOf(rows: string | null): Map<string, StepState> {
  const latest = new Map<string, StepState>();
  for (const step of (JSON.parse(`[${rows ?? ''}]`) as StepState[][]).flat()) latest.set(step.stepId, { ...BLANK, ...step });
  return new Map([...latest.values()].sort((a, b) => a.position - b.position).map((step) => [step.stepId, step]));
}

function unlessEmpty<T extends object>(value: T): T | undefined {
  for (const _key in value) return value;
  return undefined;
}
