import type { Place } from '../../markup.js';
import { iterate, toNumber } from '../convert.js';
import type { Machine } from '../machine.js';
import { fulfilled, isPromise, newPromise, reject, rejected, reactTo, resolve } from '../promises.js';
import { Fn, Thrown, Unknown, type Value } from '../values.js';
import { constructor, methods } from './define.js';

/** `Promise` and timers, on the machine's own queues. */
export function installAsync(machine: Machine): void {
  const promise = constructor(machine, 'Promise', ([executor], _self, at) => {
    const made = newPromise(machine);
    try {
      machine.call(executor, [machine.fn('resolve', ([value]) => { resolve(machine, made, value); return undefined; }), machine.fn('reject', ([reason], _inner, place) => { reject(machine, made, reason, place); return undefined; })], undefined, at);
    } catch (error) {
      if (!(error instanceof Thrown)) throw error;
      reject(machine, made, error.value, error.at);
    }
    return made;
  });
  machine.intrinsic('Promise').put('then', machine.fn('then', ([onFulfilled, onRejected], self, at) => (isPromise(machine, self) ? reactTo(machine, self, onFulfilled, onRejected, at) : undefined)), false);
  methods(machine, machine.intrinsic('Promise'), {
    catch: ([onRejected], self, at) => (isPromise(machine, self) ? reactTo(machine, self, undefined, onRejected, at) : undefined),
    finally: ([callback], self, at) => {
      if (!isPromise(machine, self)) return undefined;
      const run = machine.fn('finally', ([value]) => { if (callback instanceof Fn) machine.call(callback, [], undefined, at); return value; });
      const fail = machine.fn('finally', ([reason]) => { if (callback instanceof Fn) machine.call(callback, [], undefined, at); throw new Thrown(reason, at); });
      return reactTo(machine, self, run, fail, at);
    },
  });
  methods(machine, promise, {
    resolve: ([value]) => (value instanceof Unknown || isPromise(machine, value) ? value : fulfilled(machine, value)),
    reject: ([reason], _self, at) => rejected(machine, reason, at),
    all: ([items], _self, at) => combined(machine, items, at, (value) => value, false),
    allSettled: ([items], _self, at) => combined(machine, items, at, (value, failed) => machine.object(failed ? { status: 'rejected', reason: value } : { status: 'fulfilled', value }), true),
    race: ([items], _self, at) => { const list = iterate(machine, items, at); return list instanceof Unknown ? list : new Unknown('the first of several promises', at); },
    any: (_args, _self, at) => new Unknown('the first of several promises', at),
  });
  const timer = (repeat: boolean) => ([callback, delay, ...args]: Value[], _self: Value, at: Place): Value => {
    const wait = delay === undefined ? 0 : toNumber(machine, delay, at);
    return machine.later(callback, args, wait instanceof Unknown ? Number.POSITIVE_INFINITY : Math.max(0, wait || 0), repeat, at);
  };
  const cancel = machine.fn('clearTimeout', ([id]) => { machine.cancel(id); return undefined; });
  machine.globals.set('setTimeout', machine.fn('setTimeout', timer(false))).set('setInterval', machine.fn('setInterval', timer(true)));
  machine.globals.set('setImmediate', machine.fn('setImmediate', ([callback, ...args], _self, at) => machine.later(callback, args, 0, false, at)));
  machine.globals.set('clearTimeout', cancel).set('clearInterval', cancel).set('clearImmediate', cancel).set('cancelAnimationFrame', cancel).set('cancelIdleCallback', cancel);
  for (const name of ['requestAnimationFrame', 'requestIdleCallback']) machine.globals.set(name, machine.fn(name, ([callback], _self, at) => machine.later(callback, [new Unknown('the time of a frame', at)], 16, false, at)));
  machine.globals.set('queueMicrotask', machine.fn('queueMicrotask', ([callback], _self, at) => { machine.microtasks.push(() => machine.call(callback, [], undefined, at)); return undefined; }));
}

function combined(machine: Machine, items: Value, at: Place, part: (value: Value, failed: boolean) => Value, settled: boolean): Value {
  const list = iterate(machine, items, at);
  if (list instanceof Unknown) return list;
  const unknown = list.find((item) => item instanceof Unknown);
  if (unknown) return unknown;
  const result = newPromise(machine);
  const values: Value[] = list.map(() => undefined);
  let left = list.length;
  const done = (index: number, value: Value, failed: boolean): void => {
    values[index] = part(value, failed);
    if (--left === 0) resolve(machine, result, machine.array(values));
  };
  for (const [index, item] of list.entries()) {
    if (!isPromise(machine, item)) { done(index, item, false); continue; }
    const onRejected = machine.fn('', ([reason], _self, place) => { if (settled) done(index, reason, true); else reject(machine, result, reason, place); return undefined; });
    reactTo(machine, item, machine.fn('', ([value]) => { done(index, value, false); return undefined; }), onRejected, at);
  }
  if (list.length === 0) resolve(machine, result, machine.array([]));
  return result;
}
