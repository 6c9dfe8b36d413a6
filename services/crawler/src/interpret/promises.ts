import type { Place } from '../markup.js';
import type { Frame, Machine } from './machine.js';
import { Boxed, Fn, isObject, Thrown, Undecided, Unknown, type Value } from './values.js';

/** A promise; `uncertain` when it may not have been settled the way it was. */
export interface PromiseState {
  status: 'pending' | 'fulfilled' | 'rejected';
  value: Value;
  uncertain: Unknown | null;
  at: Place | null;
  readonly reactions: Array<() => void>;
}
type PromiseObj = Boxed<PromiseState>;

export function newPromise(machine: Machine): PromiseObj {
  return new Boxed<PromiseState>(machine.intrinsic('Promise'), { status: 'pending', value: undefined, uncertain: null, at: null, reactions: [] });
}
export const isPromise = (machine: Machine, value: Value): value is PromiseObj => value instanceof Boxed && typeof value.inner === 'object' && value.inner !== null && 'reactions' in value.inner;

/** Resolves with a value, a promise, or an unknown value (then it is uncertain whether it ever resolves). */
export function resolve(machine: Machine, promise: PromiseObj, value: Value): void {
  if (promise.inner.status !== 'pending') return;
  if (isPromise(machine, value)) {
    react(machine, value, () => settle(machine, promise, value.inner.status === 'rejected' ? 'rejected' : 'fulfilled', value.inner.value, value.inner.uncertain, value.inner.at));
    return;
  }
  const then = isObject(value) ? machine.get(value, 'then') : undefined;
  // A thenable: what it calls back with settles the promise.
  if (then instanceof Fn) {
    machine.call(then, [machine.fn('resolve', ([result]) => { resolve(machine, promise, result); return undefined; }), machine.fn('reject', ([reason], _self, at) => { reject(machine, promise, reason, at); return undefined; })], value);
    return;
  }
  settle(machine, promise, 'fulfilled', value, null, null);
}
export function reject(machine: Machine, promise: PromiseObj, reason: Value, at: Place): void {
  if (promise.inner.status === 'pending') settle(machine, promise, 'rejected', reason, null, at);
}
export function fulfilled(machine: Machine, value: Value): PromiseObj {
  const promise = newPromise(machine);
  resolve(machine, promise, value);
  return promise;
}
export function rejected(machine: Machine, reason: Value, at: Place): PromiseObj {
  const promise = newPromise(machine);
  reject(machine, promise, reason, at);
  return promise;
}

function settle(machine: Machine, promise: PromiseObj, status: 'fulfilled' | 'rejected', value: Value, uncertain: Unknown | null, at: Place | null): void {
  const state = promise.inner;
  state.status = status;
  state.value = value;
  state.at = at;
  state.uncertain = uncertain ?? machine.uncertain;
  for (const reaction of state.reactions.splice(0)) machine.microtasks.push(reaction);
}
function react(machine: Machine, promise: PromiseObj, reaction: () => void): void {
  if (promise.inner.status === 'pending') promise.inner.reactions.push(reaction); else machine.microtasks.push(reaction);
}

/** `promise.then(onFulfilled, onRejected)`. Reactions to an uncertain promise are uncertain themselves. */
export function reactTo(machine: Machine, promise: PromiseObj, onFulfilled: Value, onRejected: Value, at: Place): PromiseObj {
  const next = newPromise(machine);
  const { phase } = machine;
  react(machine, promise, () => {
    const { status, value, uncertain } = promise.inner;
    const handler = status === 'fulfilled' ? onFulfilled : onRejected;
    const run = (): void => machine.during(phase, () => {
      if (!(handler instanceof Fn)) {
        if (status === 'fulfilled') resolve(machine, next, value); else reject(machine, next, value, promise.inner.at ?? at);
        return;
      }
      try {
        resolve(machine, next, machine.call(handler, [value], undefined, at));
      } catch (error) {
        if (!(error instanceof Thrown)) throw error;
        reject(machine, next, error.value, error.at);
      }
    });
    if (uncertain) machine.uncertainly(uncertain, run); else run();
  });
  return next;
}

/**
 * Waits on the spot: runs what is waiting until the promise is settled. After something unknown the rest of the running function is uncertain
 * (`functions.ts` ends that with the function).
 */
export function awaitValue(frame: Frame, value: Value, at: Place): Value {
  const { machine } = frame;
  if (value instanceof Unknown) {
    machine.uncertain ??= value;
    return value;
  }
  if (!isPromise(machine, value)) {
    if (!isObject(value) || !(machine.get(value, 'then', at) instanceof Fn)) return value;
    return awaitValue(frame, fulfilled(machine, value), at);
  }
  machine.settle(() => value.inner.status !== 'pending');
  const { status, value: settled, uncertain } = value.inner;
  if (status === 'pending') throw new Undecided('waits for something that nothing brings about', at);
  machine.uncertain ??= uncertain;
  if (status === 'rejected') throw new Thrown(settled, value.inner.at ?? at);
  return settled;
}
