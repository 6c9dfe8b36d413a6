import type { ConcurrencyLimit, LimitKind, Quota, WindowLimit } from '#contracts';

/** Something of which there is so much. */
interface Bounded { readonly kind: LimitKind; readonly key: string; readonly max: number }

/** A window that concerns a start. */
export interface Window extends Bounded { readonly kind: WindowLimit; readonly windowSeconds: number }
/** Room for tasks that are with the agents at the same time. */
export interface Place extends Bounded { readonly kind: ConcurrencyLimit }

/** `start`: the same for every copy of the request, so that none counts twice. */
export interface WindowedStart { readonly start: string; readonly windows: readonly Window[] }

/** A task that wants its places: of each limit that concerns it one. */
export interface PlacedTask { readonly runId: string; readonly stepId: string; readonly attempt: number; readonly places: readonly Place[] }

/** What is stored of a window now. `resetSeconds`: until one start less is counted than `max`, or than now. `known`: which of those who ask it has counted before. */
export interface WindowState { readonly count: number; readonly resetSeconds: number; readonly known: readonly string[] }

/** `retryAfterSeconds` is given when it is refused. */
export interface Admission { readonly quotas: readonly Quota[]; readonly retryAfterSeconds?: number }

export const nameOf = ({ kind, key }: Pick<Bounded, 'kind' | 'key'>): string => `limit:${kind}:${key}`;

/**
 * Which of those who ask have room in all that concerns them, in order: one that has not takes no room from those behind it. `full`: what refuses it; `left`: what each has after it. `states` by `nameOf`.
 * Whoever asks holds the states against all others until what has room is stored.
 */
export function fill<B extends Bounded>(asking: ReadonlyArray<{ id: string; bounds: readonly B[] }>, states: ReadonlyMap<string, Pick<WindowState, 'count' | 'known'>>): Array<{ full: B[]; left: number[] }> {
  const now = new Map([...states].map(([name, { count, known }]) => [name, { count, known: new Set(known) }]));
  return asking.map(({ id, bounds }) => {
    const own = bounds.map((bound) => ({ bound, state: now.get(nameOf(bound)) ?? { count: 0, known: new Set<string>() } }));
    const full = own.filter(({ bound, state }) => !state.known.has(id) && state.count >= bound.max).map(({ bound }) => bound);
    if (full.length === 0) for (const { state } of own) if (!state.known.has(id)) { state.known.add(id); state.count++; }
    return { full, left: own.map(({ bound, state }) => Math.max(0, bound.max - state.count)) };
  });
}

/** Which starts their windows admit. `states` by `nameOf`. */
export function admissions(starts: readonly WindowedStart[], states: ReadonlyMap<string, WindowState>): Admission[] {
  const resetOf = (window: Window): number => states.get(nameOf(window))?.resetSeconds ?? window.windowSeconds;
  return fill(starts.map(({ start, windows: bounds }) => ({ id: start, bounds })), states).map(({ full, left }, index) => ({
    quotas: (starts[index]?.windows ?? []).map((window, place) => ({ kind: window.kind, max: window.max, windowSeconds: window.windowSeconds, remaining: left[place] ?? 0, resetSeconds: resetOf(window) })),
    ...full.length > 0 && { retryAfterSeconds: Math.max(...full.map(resetOf)) },
  }));
}
