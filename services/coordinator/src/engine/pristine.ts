import type { Pipeline } from '#contracts';
import { isApproval } from './pipeline.js';
import { isElement, isUndo, type StepState } from './run-state.js';

/**
 * Most steps of a run wait untouched for most of its life. They are not stored: what a pristine step looks like follows from the pipeline, so its first row is written when it begins.
 */
export function isPristine(step: StepState): boolean {
  return step.status === 'pending' && step.attempt === 0 && step.tries === 0 && !isElement(step.stepId) && !isUndo(step.stepId);
}

/** The stored steps of a run with the pristine ones in their places. */
export function withPristine(definition: Pipeline, stored: ReadonlyMap<string, StepState>): ReadonlyMap<string, StepState> {
  const missing = Object.entries(definition.steps).map(([key, spec], position) => ({ key, spec, position })).filter(({ key }) => !stored.has(key));
  if (missing.length === 0) return stored;
  return new Map([...stored, ...missing.map(({ key, spec, position }) => [key, pristine(key, position, isApproval(spec) ? undefined : spec.run)] as const)]);
}

/** A step before it begins. `position`: its place among the steps of the run. */
export function pristine(stepId: string, position: number, agent: string | undefined): StepState {
  return { stepId, position, agent, status: 'pending', attempt: 0, tries: 0, inputs: {}, outputs: {}, facts: {}, locked: false };
}
