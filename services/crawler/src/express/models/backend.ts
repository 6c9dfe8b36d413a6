import type { Machine } from '../../interpret/machine.js';
import { Fn, Obj, type Key, type Property, Unknown, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';

/**
 * A service that is taken to work, and of whose answers nothing is known: every property is a function, every call gives the same again, waiting for it gives an
 * unknown value, and a callback among the arguments is called with `(null, unknown)`.
 */
export function backend(machine: Machine, what: string, at: Place): Obj {
  return new Backend(machine, what, at);
}

class Backend extends Fn {
  constructor(private readonly machine: Machine, private readonly what: string, private readonly from: Place) {
    super(machine.intrinsic('Function'), what, null);
    this.constructable = true;
    this.native = (args, _self, at) => {
      const callback = args.at(-1);
      if (callback instanceof Fn && callback.code && machine.phase !== 'load') machine.later(callback, [null, this.answer(at)], 0, false, at);
      return new Backend(machine, what, at);
    };
  }

  private answer(at: Place): Unknown { return new Unknown(`what ${this.what} answers`, at.file ? at : this.from); }

  override keys(): string[] { return []; }
  override own(key: Key): Property | undefined {
    const before = super.own(key);
    if (before || typeof key !== 'string' || key === '__esModule') return before;
    const value: Value = key === 'then'
      ? this.machine.fn('then', ([resolve], _self, at) => (resolve instanceof Fn ? this.machine.call(resolve, [this.answer(at)], undefined, at) : undefined))
      : key === 'catch' || key === 'finally' ? this.machine.fn(key, () => this) : key === 'prototype' ? this.machine.object() : new Backend(this.machine, this.what, this.from);
    return { value, enumerable: true, writable: true };
  }
}
