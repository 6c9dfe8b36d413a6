import type { Place } from '../../markup.js';
import { toNumber, toText } from '../convert.js';
import type { Machine } from '../machine.js';
import { Boxed, isObject, Unknown, type Value } from '../values.js';
import { constructor, methods, prototypeOf } from './define.js';
import { localised } from './numbers.js';

/**
 * `Date` and `Intl`. Now is unknown, and so is everything that depends on it, on the time zone or on the locale of the browser. A date given in full in UTC is known:
 * its `inner` is a time, otherwise the reason it is none.
 */
export function installDates(machine: Machine): void {
  const date = constructor(machine, 'Date', (args, _self, at, newTarget) => new Boxed<Time>(prototypeOf(machine, 'Date', newTarget), timeOf(machine, args, at)));
  methods(machine, date, {
    now: (_args, _self, at) => new Unknown('the time of day', at),
    parse: (args, _self, at) => { const time = timeOf(machine, args, at); return time instanceof Unknown ? time : time.ms; },
    UTC: (args, _self, at) => { const parts = args.filter((arg) => typeof arg === 'number'); return parts.length === args.length ? Date.UTC(...parts as [number, number]) : new Unknown('a date', at); },
  });
  const proto = machine.intrinsic('Date');
  const utc = ['getTime', 'valueOf', 'getUTCFullYear', 'getUTCMonth', 'getUTCDate', 'getUTCDay', 'getUTCHours', 'getUTCMinutes', 'getUTCSeconds', 'getUTCMilliseconds', 'toISOString', 'toJSON', 'toUTCString'] as const;
  for (const name of utc) methods(machine, proto, { [name]: (_args, self, at) => { const time = inner(machine, self, at); if (time instanceof Unknown) return time; return Number.isNaN(time.ms) && name === 'toISOString' ? machine.throwError('RangeError', 'Invalid time value', at) : new Date(time.ms)[name](); } });
  for (const name of ['getFullYear', 'getMonth', 'getDate', 'getDay', 'getHours', 'getMinutes', 'getSeconds', 'getMilliseconds', 'getTimezoneOffset', 'toString', 'toDateString', 'toTimeString']) {
    methods(machine, proto, { [name]: (_args, self, at) => { const time = inner(machine, self, at); return time instanceof Unknown ? time : new Unknown('the time zone of the browser', at); } });
  }
  for (const name of ['toLocaleDateString', 'toLocaleTimeString', 'toLocaleString']) methods(machine, proto, { [name]: ([locale, options], self, at) => format(machine, inner(machine, self, at), locale, options, at) });
  for (const name of ['setTime', 'setFullYear', 'setMonth', 'setDate', 'setHours', 'setMinutes', 'setSeconds', 'setMilliseconds']) {
    methods(machine, proto, { [name]: (args, self, at) => {
      const unknown = args.find((arg) => arg instanceof Unknown);
      if (self instanceof Boxed) { machine.touchAll(self); self.inner = name === 'setTime' && typeof args[0] === 'number' ? { ms: args[0] } : unknown ?? new Unknown('a local date', at); }
      return new Unknown('a date', at);
    } });
  }
  installIntl(machine);
}
type Time = { ms: number } | Unknown;

function inner(machine: Machine, self: Value, at: Place): Time {
  if (self instanceof Unknown) return self;
  if (!(self instanceof Boxed)) return machine.throwError('TypeError', 'this is not a Date object.', at);
  const time: unknown = self.inner;
  return time instanceof Unknown || (typeof time === 'object' && time !== null && 'ms' in time) ? time as Time : machine.throwError('TypeError', 'this is not a Date object.', at);
}

function timeOf(machine: Machine, args: readonly Value[], at: Place): Time {
  const [first] = args;
  if (args.length === 0) return new Unknown('the time of day', at);
  if (args.length > 1) return new Unknown('the time zone of the browser', at);
  if (first instanceof Unknown) return first;
  if (first instanceof Boxed) return inner(machine, first, at);
  if (typeof first === 'number') return { ms: first };
  const text = toText(machine, first, at);
  if (text instanceof Unknown) return text;
  const inUtc = /^\d{4}-\d\d(?:-\d\d)?$|^\d{4}-\d\d-\d\dT[\d:.]{5,12}(?:Z|[+-]\d\d:\d\d)$/.test(text);
  const ms = Date.parse(text);
  return inUtc || Number.isNaN(ms) ? { ms } : new Unknown('the time zone of the browser', at);
}

function format(machine: Machine, time: Time, locale: Value, options: Value, at: Place): Value {
  if (time instanceof Unknown) return time;
  const zone = isObject(options) ? machine.get(options, 'timeZone', at) : undefined;
  if (typeof locale !== 'string' || zone !== 'UTC') return new Unknown('the time zone or locale of the browser', at);
  try {
    return new Intl.DateTimeFormat(locale, machine.toHost(options) as Intl.DateTimeFormatOptions).format(time.ms);
  } catch (error) {
    return machine.throwError('RangeError', error instanceof Error ? error.message : 'Invalid format', at);
  }
}

function installIntl(machine: Machine): void {
  const intl = machine.namespace('Intl', { file: '', line: 1 });
  const formatter = (name: string, run: (value: Value, locale: Value, options: Value, at: Place) => Value): void => {
    const fn = machine.fn(name, ([locale, options]) => {
      const made = machine.object();
      methods(machine, made, { format: ([value], _self, at) => run(value, locale, options, at) });
      return made;
    });
    fn.constructable = true;
    intl.put(name, fn);
  };
  formatter('NumberFormat', (value, locale, options, at) => localised(machine, value, locale, options, at));
  formatter('DateTimeFormat', (value, locale, options, at) => {
    const time: Time = value instanceof Unknown ? value : value instanceof Boxed ? inner(machine, value, at) : ((number) => (number instanceof Unknown ? number : { ms: number }))(toNumber(machine, value, at));
    return format(machine, time, locale, options, at);
  });
  machine.globals.set('Intl', intl);
}
