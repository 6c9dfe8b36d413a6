import type { Place } from '../../markup.js';
import { bounded, toNumber, toText } from '../convert.js';
import type { Machine } from '../machine.js';
import { isRegExp, makeRegExp, runnable } from '../regular-expressions.js';
import { Fn, isObject, Undecided, Unknown, type Native, type Value } from '../values.js';
import { iteratorOver } from './arrays.js';
import { constructor, methods } from './define.js';

export function installTexts(machine: Machine): void {
  const string = constructor(machine, 'String', (args, _self, at) => (args.length === 0 ? '' : typeof args[0] === 'symbol' ? String(args[0]) : toText(machine, args[0], at)));
  methods(machine, string, {
    fromCharCode: (codes) => (codes.every((code) => typeof code === 'number') ? String.fromCharCode(...codes) : ''),
    raw: ([strings, ...parts], _self, at) => {
      const raw = machine.get(machine.get(strings, 'raw', at), 'join', at);
      return parts.length === 0 ? machine.call(raw, [''], machine.get(strings, 'raw', at), at) : new Unknown('String.raw', at);
    },
  });
  const proto = machine.intrinsic('String');
  methods(machine, proto, onTexts(machine, { ...plain(machine), ...patterned(machine) }));
  proto.put(Symbol.iterator, machine.fn('[Symbol.iterator]', (_args, self) => iteratorOver(machine, typeof self === 'string' ? Array.from(self) : [])), false);
  installRegExps(machine);
}

type TextMethod = (args: Value[], self: string, at: Place) => Value;
function onTexts(machine: Machine, table: Record<string, TextMethod>): Record<string, Native> {
  return Object.fromEntries(Object.entries(table).map(([name, method]): [string, Native] => [name, (args, self, at) => {
    const text = toText(machine, self, at);
    return text instanceof Unknown ? text : method(args, text, at);
  }]));
}

/** Arguments as the host wants them: texts and numbers; an unknown one makes the result unknown. */
function host(machine: Machine, args: readonly Value[], at: Place, method: (...args: never[]) => Value): Value {
  const converted: unknown[] = [];
  for (const arg of args) {
    if (arg instanceof Unknown) return arg;
    const value = isObject(arg) ? toText(machine, arg, at) : arg;
    if (value instanceof Unknown) return value;
    converted.push(value);
  }
  const result = method(...converted as never[]);
  return typeof result === 'string' ? bounded(result, at) : result;
}

const direct = (name: 'toUpperCase' | 'toLowerCase' | 'trim' | 'trimStart' | 'trimEnd'): TextMethod => (_args, self) => self[name]();

function plain(machine: Machine): Record<string, TextMethod> {
  const compared = (name: 'includes' | 'startsWith' | 'endsWith' | 'indexOf' | 'lastIndexOf'): TextMethod => ([part, from], self, at) => {
    machine.compared(self, part, at);
    return host(machine, [part, ...(from === undefined ? [] : [from])], at, (text: string, start?: number) => self[name](text, start));
  };
  const numbers = (name: 'slice' | 'substring' | 'at' | 'charAt' | 'charCodeAt' | 'codePointAt'): TextMethod => (args, self, at) => host(machine, args, at, (...positions: [number, number]) => self[name](...positions));
  const padded = (name: 'padStart' | 'padEnd'): TextMethod => ([length, filler], self, at) => host(machine, [length, filler ?? ' '], at, (size: number, text: string) => {
    if (size > 10_000) throw new Undecided('a text grows too long', at, true);
    return self[name](size, text);
  });
  return {
    toUpperCase: direct('toUpperCase'), toLowerCase: direct('toLowerCase'), trim: direct('trim'), trimStart: direct('trimStart'), trimEnd: direct('trimEnd'),
    toLocaleLowerCase: direct('toLowerCase'), toLocaleUpperCase: direct('toUpperCase'),
    includes: compared('includes'), startsWith: compared('startsWith'), endsWith: compared('endsWith'), indexOf: compared('indexOf'), lastIndexOf: compared('lastIndexOf'),
    slice: numbers('slice'), substring: numbers('substring'), at: numbers('at'), charAt: numbers('charAt'), charCodeAt: numbers('charCodeAt'), codePointAt: numbers('codePointAt'),
    substr: ([start, length], self, at) => host(machine, [start ?? 0, length ?? self.length], at, (from: number, size: number) => { const begin = from < 0 ? Math.max(0, self.length + from) : from; return self.slice(begin, begin + Math.max(0, size)); }),
    padStart: padded('padStart'), padEnd: padded('padEnd'),
    repeat: ([count], self, at) => host(machine, [count], at, (times: number) => {
      if (!(times >= 0) || times * self.length > 100_000) throw new Undecided('a text grows too long', at, true);
      return self.repeat(times);
    }),
    concat: (parts, self, at) => host(machine, parts, at, (...texts: unknown[]) => self + texts.map(String).join('')),
    localeCompare: ([other, locale, options], self, at) => (locale !== undefined || options !== undefined ? compareLoosely(machine, self, other, options, at) : host(machine, [other], at, (text: string) => self.localeCompare(text, 'en'))),
    normalize: ([form], self, at) => host(machine, [form ?? 'NFC'], at, (name: string) => (['NFC', 'NFD', 'NFKC', 'NFKD'].includes(name) ? self.normalize(name) : self)),
    toString: (_args: Value[], self: string) => self,
    valueOf: (_args: Value[], self: string) => self,
  };
}
function compareLoosely(machine: Machine, self: string, other: Value, options: Value, at: Place): Value {
  const text = toText(machine, other, at);
  if (text instanceof Unknown) return text;
  const sensitivity = isObject(options) ? machine.get(options, 'sensitivity', at) : undefined;
  const numeric = isObject(options) && machine.get(options, 'numeric', at) === true;
  return self.localeCompare(text, 'en', { numeric, ...(sensitivity === 'base' || sensitivity === 'accent' || sensitivity === 'case' ? { sensitivity } : {}) });
}

function patterned(machine: Machine): Record<string, TextMethod> {
  return {
    split: ([separator, limit], self, at) => {
      const most = typeof limit === 'number' ? limit : undefined;
      if (separator === undefined) return machine.array([self]);
      const by = isRegExp(separator) ? runnable(separator, self) : toText(machine, separator, at);
      return by instanceof Unknown ? by : machine.array(self.split(by, most));
    },
    replace: (args, self, at) => replace(machine, args, self, false, at),
    replaceAll: (args, self, at) => replace(machine, args, self, true, at),
    match: ([pattern], self, at) => {
      if (!isRegExp(pattern)) return new Unknown('match', at);
      const expression = runnable(pattern, self);
      if (expression instanceof Unknown) return expression;
      expression.lastIndex = 0;
      const match = self.match(expression);
      return match ? matchArray(machine, match) : null;
    },
    matchAll: ([pattern], self) => {
      if (!isRegExp(pattern)) return pattern instanceof Unknown ? pattern : machine.array([]);
      const expression = runnable(pattern, self);
      return expression instanceof Unknown ? expression : machine.array([...self.matchAll(expression)].map((match) => matchArray(machine, match)));
    },
    search: ([pattern], self, at) => {
      if (!isRegExp(pattern)) return new Unknown('search', at);
      const expression = runnable(pattern, self);
      return expression instanceof Unknown ? expression : self.search(expression);
    },
  };
}

function replace(machine: Machine, [pattern, replacement]: readonly Value[], self: string, all: boolean, at: Place): Value {
  const search = isRegExp(pattern) ? runnable(pattern, self) : toText(machine, pattern, at);
  if (search instanceof Unknown) return search;
  if (typeof search !== 'string') search.lastIndex = 0;
  const failure: { unknown?: Unknown } = {};
  let size = 0;
  const by = (...match: unknown[]): string => {
    const groups = typeof match.at(-1) === 'object' ? match.slice(0, -1) : match;
    const result = replacement instanceof Fn ? toText(machine, machine.call(replacement, groups as Value[], undefined, at), at) : toText(machine, replacement, at);
    if (result instanceof Unknown) { failure.unknown ??= result; return ''; }
    size += result.length;
    if (size > 1_000_000) throw new Undecided('a text grows too long', at, true);
    return result;
  };
  const usesGroups = !(replacement instanceof Fn) && typeof replacement === 'string' && replacement.includes('$');
  const result = usesGroups && replacement.length * self.length < 1_000_000 ? (all ? self.replaceAll(search, replacement) : self.replace(search, replacement)) : all ? self.replaceAll(search, by) : self.replace(search, by);
  return failure.unknown ?? bounded(result, at);
}

function matchArray(machine: Machine, match: RegExpMatchArray): Value {
  const array = machine.array([...match]);
  if (match.index !== undefined) array.put('index', match.index);
  if (match.groups) array.put('groups', machine.fromHost({ ...match.groups }));
  return array;
}

function installRegExps(machine: Machine): void {
  constructor(machine, 'RegExp', ([source, flags], _self, at) => {
    const pattern = isRegExp(source) ? source.inner.source : toText(machine, source, at);
    return pattern instanceof Unknown ? pattern : makeRegExp(machine, pattern, typeof flags === 'string' ? flags : isRegExp(source) ? source.inner.flags : '', at);
  });
  const run = (self: Value, text: Value, at: Place): RegExpExecArray | null | Unknown => {
    if (!isRegExp(self)) return machine.throwError('TypeError', 'it is not a regular expression', at);
    const input = toText(machine, text, at);
    if (input instanceof Unknown) return input;
    const expression = runnable(self, input);
    if (expression instanceof Unknown) return expression;
    const literal = /^\^?([\w @.-]{1,60})\$?$/.exec(self.inner.source)?.[1];
    if (literal) machine.compared(input, literal.replaceAll('\\', ''), at);
    const start = toNumber(machine, machine.get(self, 'lastIndex'), at);
    expression.lastIndex = start instanceof Unknown ? 0 : start;
    const match = expression.exec(input);
    if (self.inner.flags.includes('g') || self.inner.flags.includes('y')) machine.define(self, 'lastIndex', expression.lastIndex, false);
    return match;
  };
  const proto = machine.intrinsic('RegExp');
  methods(machine, proto, {
    test: ([text], self, at) => { const match = run(self, text, at); return match instanceof Unknown ? match : match !== null; },
    exec: ([text], self, at) => { const match = run(self, text, at); return match instanceof Unknown ? match : match ? matchArray(machine, match) : null; },
    toString: (_args: Value[], self: Value) => (isRegExp(self) ? `/${self.inner.source}/${self.inner.flags}` : ''),
  });
}
