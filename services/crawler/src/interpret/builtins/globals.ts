import type { Machine } from '../machine.js';
import { Obj, Unknown, type Key, type Property } from '../values.js';

/**
 * `window` and `globalThis`: its properties are the global names. A name that nobody has defined is unknown, except hooks of developer tools
 * (`__…__`), which a plain browser does not have.
 */
export class GlobalObject extends Obj {
  constructor(private readonly machine: Machine) {
    super(machine.intrinsic('Object'));
    this.missing = new Unknown('window', { file: '', line: 1 });
  }
  override own(key: Key): Property | undefined {
    const own = super.own(key);
    if (own || typeof key !== 'string') return own;
    if (this.machine.globals.has(key)) return { value: this.machine.globals.get(key), enumerable: false, writable: true };
    return key.startsWith('__') ? { value: undefined, enumerable: false, writable: true } : undefined;
  }
}
