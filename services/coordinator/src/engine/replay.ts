import { Failure, type ArtifactMap, type RunEvent } from '#contracts';
import { decide, type Signal } from './decide.js';
import type { CompiledPipeline } from './pipeline.js';
import type { RunState } from './run-state.js';

export interface Replay {
  /** As far as it came. */
  run: RunState;
  /** Where the events first say something else than what is decided now. */
  difference?: { seq: number; recorded?: RunEvent; decided?: RunEvent; why: string };
}

/**
 * Decides a run again from its event log. Every signal that counted has left an event that comes first and names what it was (a result its attempt, outputs and facts; a person what they said),
 * or that only one signal could have caused in the state that was reached. So: take the next event, send its signal with its time, and compare all that is decided with what was recorded.
 * `outputsOf`: for a result whose event had no room for its outputs.
 */
export function replay(pipeline: CompiledPipeline, start: Pick<RunState, 'runId' | 'repository' | 'ref' | 'params' | 'cache'>, events: readonly RunEvent[], outputsOf: (stepId: string) => ArtifactMap = () => ({})): Replay {
  let run: RunState = { ...start, status: 'running', seq: 0, updatedAt: 0, steps: new Map() };
  for (let next = 0; next < events.length;) {
    const event = events[next] as RunEvent;
    const signal = signalOf(event, run, outputsOf);
    if (!signal) return { run, difference: { seq: event.seq, recorded: event, why: 'nothing that can happen to the run in this state begins with this event' } };
    const decision = decide(pipeline, run, signal, Date.parse(event.at));
    if (!decision.counted) return { run, difference: { seq: event.seq, recorded: event, why: `a ${signal.type} changes nothing here` } };
    for (const [index, decided] of decision.events.entries()) {
      const recorded = events[next + index];
      if (recorded === undefined || canonical(recorded) !== canonical(decided)) return { run, difference: { seq: event.seq + index, recorded, decided, why: recorded ? 'something else is decided' : 'more is decided' } };
    }
    run = decision.run;
    next += decision.events.length;
  }
  return { run };
}

/** The signal that an event comes first for; `undefined` when there is none. */
function signalOf(event: RunEvent, run: RunState, outputsOf: (stepId: string) => ArtifactMap): Signal | undefined {
  const { stepId = '', by = '' } = event;
  const status = run.steps.get(stepId)?.status;
  const told: Signal | undefined = status === 'backing-off' ? { type: 'timer', stepId } : status === 'blocked' ? { type: 'lock', stepId, granted: true } : undefined;
  switch (event.type) {
    case 'run-started': return { type: 'start', by };
    case 'run-cancelling': return { type: 'cancel', by };
    case 'run-retried': return { type: 'retry', by, fromStep: event.stepId, commandId: `replay-${event.seq}` };
    case 'approval-decided': return { type: 'approval', by, stepId, decision: event.decision ?? 'reject', role: event.role ?? '' };
    case 'approval-expired': return { type: 'timer', stepId };
    case 'step-queued': return { type: 'queued', stepId, attempt: event.attempt ?? 0 };
    case 'step-blocked': return { type: 'lock', stepId, granted: false };
    case 'step-dispatched': return told;
    case 'step-succeeded': return resultOf(event, outputsOf);
    case 'step-failed': case 'step-retrying': case 'step-cancelled': case 'undo-parked':
      if (event.agent !== undefined) return resultOf(event, outputsOf);
      return event.attempt !== undefined && status === 'dispatched' ? { type: 'timer', stepId } : told;
    default: return undefined;
  }
}

function resultOf({ runId, type, stepId, attempt, agent, durationMs = 0, outputs, facts = {}, failure }: RunEvent, outputsOf: (stepId: string) => ArtifactMap): Signal | undefined {
  if (stepId === undefined || attempt === undefined || agent === undefined) return undefined;
  const base = { runId, stepId, attempt, agent, durationMs };
  if (type !== 'step-succeeded') return { type: 'result', result: { ...base, status: 'failed', failure: failure ?? { code: 'cancelled' } } };
  const { reused, savedMs, ...own } = facts;
  return { type: 'result', result: { ...base, status: 'succeeded', outputs: outputs ?? outputsOf(stepId), facts: own, ...reused !== undefined && { reused: { savedMs: Number(savedMs) } } } };
}

/** Independent of the order of keys, and of whether something absent is spelled out. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  return `{${Object.entries(value).filter(([, member]) => member !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join()}}`;
}

/** Throws `Failure('bad-request')` unless the events are those of one run, from the first on, without a gap. */
export function requireWhole(runId: string, events: readonly RunEvent[]): void {
  const wrong = events.findIndex((event, index) => event.runId !== runId || event.seq !== index + 1);
  if (wrong >= 0 || events.length === 0) throw new Failure('bad-request', `the events of ${runId} are not whole: number ${wrong + 1} is missing or another run’s`);
}
