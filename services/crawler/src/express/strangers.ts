import { Obj, type Key, type Property, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';
import type { Strangers } from './open-list.js';
import { isMadeNew, type Server } from './server.js';

/** What the explorer types where a test will type something new on every run (`explore/data.ts`). */
const TYPED_NEW = /zq\d+unique/;
/** Says of a value that nobody else can have it: it is made new in this run. */
export const isNew = (value: Value): boolean => isMadeNew(value) || (typeof value === 'string' && TYPED_NEW.test(value));

// Stands for every property of something another user has made; letters would change in `toLowerCase`.
const FOREIGN = '\uE0F3\uE0F3';

const foreign = (value: Value): boolean => value === FOREIGN || Number.isNaN(value);

class Stranger extends Obj {
  override own(key: Key): Property | undefined {
    return typeof key === 'string' ? { value: FOREIGN, enumerable: true, writable: true } : undefined;
  }
}

/** Other users of the server: what they have made is unknown, but it equals nothing that is new in this run. */
export function strangersOf(server: Server): Strangers {
  let known = strangers.get(server);
  if (!known) strangers.set(server, known = makeStrangers(server));
  return known;
}
const strangers = new WeakMap<Server, Strangers>();

function makeStrangers(server: Server): Strangers {
  const { machine } = server;
  let distinct = false;
  const compared = machine.compared.bind(machine);
  machine.compared = (a, b, at): void => {
    if ((foreign(a) && isNew(b)) || (foreign(b) && isNew(a))) distinct = true;
    else if (!foreign(a) && !foreign(b)) compared(a, b, at);
  };
  return {
    mayEqual: (value) => !isNew(value),
    mayMatch: (test, at) => {
      distinct = false;
      const attempt = machine.attempt(() => machine.call(test, [new Stranger(machine.intrinsic('Object'))], undefined, at));
      // That the condition does not hold tells something only when it was a new value that it asked for.
      return !(attempt.ok && attempt.value === false && distinct);
    },
    written: (_at: Place) => { server.wrote = true; },
  };
}
