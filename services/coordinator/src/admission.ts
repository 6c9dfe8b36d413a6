import type { Quota, WindowLimit } from '#contracts';

/** One window that concerns a start. */
export interface Window { readonly kind: WindowLimit; readonly key: string; readonly max: number; readonly windowSeconds: number }

/** `start`: the same for every copy of the request, so that none counts twice. */
export interface WindowedStart { readonly start: string; readonly windows: readonly Window[] }

/** What is stored of a window now. `resetSeconds`: until one start less is counted than `max`, or than now. `known`: which of the starts it has a row of, however old. */
export interface WindowState { readonly count: number; readonly resetSeconds: number; readonly known: readonly string[] }

/** `retryAfterSeconds` is given when it is refused. */
export interface Admission { readonly quotas: readonly Quota[]; readonly retryAfterSeconds?: number }

export const windowName = ({ kind, key }: Pick<Window, 'kind' | 'key'>): string => `window:${kind}:${key}`;

/**
 * Which starts have room in all of their windows, in order: one that has not takes no room from those behind it. `states` by `windowName`; whoever asks holds these windows against all others
 * until what is admitted is stored.
 */
export function admissions(starts: readonly WindowedStart[], states: ReadonlyMap<string, WindowState>): Admission[] {
  const windows = new Map([...states].map(([name, { count, resetSeconds, known }]) => [name, { count, resetSeconds, known: new Set(known) }]));
  return starts.map(({ start, windows: concerned }) => {
    const own = concerned.map((window) => ({ ...window, state: windows.get(windowName(window)) ?? { count: 0, resetSeconds: window.windowSeconds, known: new Set<string>() } }));
    const full = own.filter(({ max, state }) => !state.known.has(start) && state.count >= max);
    if (full.length === 0) for (const { state } of own) if (!state.known.has(start)) { state.known.add(start); state.count++; }
    const quotas = own.map(({ kind, max, windowSeconds, state }) => ({ kind, max, windowSeconds, remaining: Math.max(0, max - state.count), resetSeconds: state.resetSeconds }));
    return { quotas, ...full.length > 0 && { retryAfterSeconds: Math.max(...full.map(({ state }) => state.resetSeconds)) } };
  });
}
