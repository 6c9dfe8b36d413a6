import type { Place } from '../../markup.js';
import { toNumber, toText } from '../convert.js';
import type { Machine } from '../machine.js';
import { isObject, Unknown, type Native, type Value } from '../values.js';
import { constructor, methods } from './define.js';

export function installNumbers(machine: Machine): void {
  const number = constructor(machine, 'Number', (args, _self, at) => (args.length === 0 ? 0 : toNumber(machine, args[0], at)));
  const parse = (method: (text: string, radix?: number) => number): Native => ([text, radix], _self, at) => {
    const value = toText(machine, text, at);
    return value instanceof Unknown ? value : method(value, typeof radix === 'number' ? radix : undefined);
  };
  const check = (method: (value: number) => boolean, convert: boolean): Native => ([value], _self, at) => {
    if (value instanceof Unknown) return value;
    const plain = convert ? toNumber(machine, value, at) : value;
    return plain instanceof Unknown ? plain : typeof plain === 'number' && method(plain);
  };
  for (const target of [number, null]) {
    const table: Record<string, Native> = { parseInt: parse(Number.parseInt), parseFloat: parse(Number.parseFloat), isNaN: check(Number.isNaN, target === null), isFinite: check(Number.isFinite, target === null) };
    if (target) methods(machine, target, { ...table, isInteger: check(Number.isInteger, false), isSafeInteger: check(Number.isSafeInteger, false) });
    else for (const [name, native] of Object.entries(table)) machine.globals.set(name, machine.fn(name, native));
  }
  for (const name of ['MAX_SAFE_INTEGER', 'MIN_SAFE_INTEGER', 'MAX_VALUE', 'MIN_VALUE', 'POSITIVE_INFINITY', 'NEGATIVE_INFINITY', 'EPSILON', 'NaN'] as const) number.put(name, Number[name], false);
  machine.globals.set('NaN', Number.NaN).set('Infinity', Number.POSITIVE_INFINITY);
  methods(machine, machine.intrinsic('Number'), {
    toFixed: ([digits], self, at) => formatted(machine, self, digits, at, (value, places) => value.toFixed(places)),
    toPrecision: ([digits], self, at) => formatted(machine, self, digits, at, (value, places) => (places ? value.toPrecision(places) : String(value))),
    toString: ([radix]: Value[], self: Value, at: Place) => formatted(machine, self, radix ?? 10, at, (value, base) => value.toString(base >= 2 && base <= 36 ? base : 10)),
    valueOf: (_args: Value[], self: Value) => self,
    toLocaleString: ([locale, options]: Value[], self: Value, at: Place) => localised(machine, self, locale, options, at),
  });
  machine.globals.set('BigInt', machine.fn('BigInt', (_args, _self, at) => new Unknown('a big integer', at)));
  installMath(machine);
}

function formatted(machine: Machine, self: Value, digits: Value, at: Place, format: (value: number, digits: number) => string): Value {
  const value = toNumber(machine, self, at);
  const places = digits === undefined ? 0 : toNumber(machine, digits, at);
  if (value instanceof Unknown) return value;
  if (places instanceof Unknown) return places;
  return places > 100 || places < 0 ? machine.throwError('RangeError', 'digits out of range', at) : format(value, Math.trunc(places) || 0);
}

/** Formatting is decided only when the locale is named, or where English and the default differ in nothing: whole numbers below a thousand. */
export function localised(machine: Machine, self: Value, locale: Value, options: Value, at: Place): Value {
  const value = toNumber(machine, self, at);
  if (value instanceof Unknown) return value;
  if (typeof locale !== 'string') return Number.isInteger(value) && Math.abs(value) < 1000 && options === undefined ? String(value) : new Unknown('the locale of the browser', at);
  if (isObject(options) && options.missing) return options.missing;
  try {
    return new Intl.NumberFormat(locale, isObject(options) ? machine.toHost(options) as Intl.NumberFormatOptions : undefined).format(value);
  } catch (error) {
    return machine.throwError('RangeError', error instanceof Error ? error.message : 'Invalid format', at);
  }
}

const mathFunction = (name: (typeof MATH)[number]) => (values: readonly number[]): number => { const run: (...values: number[]) => number = Math[name]; return run(...values); };
const MATH = ['abs', 'ceil', 'floor', 'round', 'trunc', 'sign', 'sqrt', 'cbrt', 'pow', 'min', 'max', 'log', 'log2', 'log10', 'exp', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'atan2', 'hypot'] as const;

function installMath(machine: Machine): void {
  const math = machine.object({ PI: Math.PI, E: Math.E, SQRT2: Math.SQRT2, LN2: Math.LN2, LN10: Math.LN10 });
  for (const name of MATH) {
    methods(machine, math, {
      [name]: (args, _self, at) => {
        const values: number[] = [];
        for (const arg of args) {
          const value = toNumber(machine, arg, at);
          if (value instanceof Unknown) return value;
          values.push(value);
        }
        return mathFunction(name)(values);
      },
    });
  }
  methods(machine, math, { random: (_args, _self, at) => new Unknown('Math.random()', at) });
  machine.globals.set('Math', math);
}
