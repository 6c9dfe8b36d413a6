import { spelled } from '../../interpret/spelled.js';
import type { ModuleModel } from '../../interpret/machine.js';
import { toText } from '../../interpret/convert.js';
import { isRegExp, runnable } from '../../interpret/regular-expressions.js';
import { isPromise } from '../../interpret/promises.js';
import { Arr, Fn, isObject, Obj, Thrown, Unknown, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import type { Server } from '../server.js';
import { decided, functions } from './module.js';

/** express-validator: chains of checks and sanitisers on fields, and the result a handler asks for. */
export function validationModel(server: Server): ModuleModel {
  return (machine, at) => {
    const creator = (...locations: string[]): Fn => machine.fn('check', ([fields, message]) => makeChain(server, locations, fields instanceof Arr ? fields.items : [fields], message));
    const namespace = machine.namespace('express-validator', at, {
      check: creator('body', 'cookies', 'headers', 'params', 'query'), body: creator('body'), query: creator('query'), param: creator('params'), cookie: creator('cookies'), header: creator('headers'),
      ...functions(machine, {
        validationResult: ([req]) => resultOf(server, isObject(req) ? errorsOf.get(req) ?? [] : []),
        matchedData: ([req]) => {
          const data = machine.object();
          if (isObject(req)) for (const [name, value] of matchedOf.get(req) ?? []) data.put(name, value);
          return data;
        },
      }),
    });
    return namespace.put('default', namespace).put('module.exports', namespace, false);
  };
}

interface Failed { field: string; value: Value; message: Value; location: string }
const errorsOf = new WeakMap<Obj, Failed[]>();
const matchedOf = new WeakMap<Obj, Map<string, Value>>();

type Step =
  | { kind: 'check'; holds: (value: Value, req: Obj, field: string) => Value; negated: boolean; message: Value }
  | { kind: 'change'; change: (value: Value) => Value }
  | { kind: 'bail' } | { kind: 'optional'; falsy: boolean; nullish: boolean };

function makeChain(server: Server, locations: readonly string[], fields: readonly Value[], message: Value): Fn {
  const { machine } = server;
  const steps: Step[] = [];
  let negate = false;
  const run = (req: Obj): void => {
    for (const field of fields) runSteps(server, req, locations, spelled(field), steps, message);
  };
  const chain = machine.fn('chain', ([req, , next]) => {
    if (isObject(req)) run(req);
    return machine.call(next, []);
  });
  const check = (holds: (args: Value[], value: Value, req: Obj, field: string, at: Place) => Value) => (args: Value[], _self: Value, at: Place): Value => {
    steps.push({ kind: 'check', holds: (value, req, field) => holds(args, value, req, field, at), negated: negate, message: undefined });
    negate = false;
    return chain;
  };
  /** A check of the value as text; of a list, every item. */
  const text = (holds: (text: string, args: Value[], at: Place) => Value) => check((args, value, _req, _field, at) => {
    const known = value === undefined || value === null ? '' : toText(machine, value instanceof Arr ? value.items[0] : value, at);
    return known instanceof Unknown ? known : holds(known, args, at);
  });
  const change = (f: (text: string, args: Value[]) => Value) => (args: Value[], _self: Value, at: Place): Value => {
    steps.push({ kind: 'change', change: (value) => {
      if (value instanceof Unknown) return value;
      const known = value === undefined || value === null ? '' : toText(machine, value, at);
      return known instanceof Unknown ? known : f(known, args);
    } });
    return chain;
  };
  const option = (options: Value, name: string): Value => (isObject(options) ? machine.get(options, name) : undefined);
  const within = (size: number, options: Value): boolean => {
    const [min, max] = [option(options, 'min'), option(options, 'max')];
    return !(typeof min === 'number' && size < min) && !(typeof max === 'number' && size > max);
  };
  const unknown = (what: string) => text((_text, _args, at) => new Unknown(what, at));

  const sanitised = change(() => new Unknown('a sanitised value', { file: '', line: 1 }));
  /** The days that fields of type `date` hold are dates to every check of dates. */
  const isDay = text((value, args, at) => (args.length === 0 && /^[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])$/.test(value)) || new Unknown('whether it is a date', at));
  for (const name of UNFOLLOWED) chain.put(name, machine.fn(name, unknown(`the check ${name}`)));
  for (const [name, fn] of Object.entries(functions(machine, {
    withMessage: ([given]) => {
      const last = steps.findLast((step) => step.kind === 'check');
      if (last) last.message = given;
      return chain;
    },
    not: () => { negate = true; return chain; },
    bail: () => { steps.push({ kind: 'bail' }); return chain; },
    optional: ([options]) => {
      const values = option(options, 'values');
      const falsy = option(options, 'checkFalsy') === true || values === 'falsy';
      steps.push({ kind: 'optional', falsy, nullish: falsy || option(options, 'nullable') === true || values === 'null' });
      return chain;
    },
    run: ([req]) => { if (isObject(req)) run(req); return machine.call(machine.get(machine.globals.get('Promise'), 'resolve'), [undefined], machine.globals.get('Promise')); },
    exists: check((_args, value) => (value instanceof Unknown ? value : value !== undefined)),
    notEmpty: text((value, [options]) => (option(options, 'ignore_whitespace') === true ? value.trim() !== '' : value !== '')),
    isEmpty: text((value, [options]) => (option(options, 'ignore_whitespace') === true ? value.trim() === '' : value === '')),
    isString: check((_args, value) => (value instanceof Unknown ? value : typeof value === 'string')),
    isArray: check((_args, value) => (value instanceof Unknown ? value : value instanceof Arr)),
    isEmail: text((value) => isEmail(value)),
    isLength: text((value, [options]) => within(Array.from(value).length, options)),
    isInt: text((value, [options]) => /^[-+]?(?:0|[1-9]\d{0,20})$/.test(value) && within(Number(value), options)),
    isFloat: text((value, [options]) => /^[-+]?\d{0,20}\.?\d{1,20}$/.test(value) && within(Number(value), options)),
    isDecimal: text((value) => /^[-+]?\d{0,20}\.?\d{1,20}$/.test(value)),
    isNumeric: text((value) => /^[+-]?\d{0,30}(?:\.\d{1,30})?$/.test(value) && /\d/.test(value)),
    isAlpha: text((value, args, at) => (args.length > 1 ? new Unknown('isAlpha with options', at) : /^[A-Z]+$/i.test(value))),
    isAlphanumeric: text((value, args, at) => (args.length > 1 ? new Unknown('isAlphanumeric with options', at) : /^[0-9A-Z]+$/i.test(value))),
    isBoolean: text((value) => ['true', 'false', '1', '0'].includes(value)),
    isLowercase: text((value) => value === value.toLowerCase()),
    isUppercase: text((value) => value === value.toUpperCase()),
    equals: text((value, [wanted], at) => (wanted instanceof Unknown ? wanted : (machine.compared(value, wanted, at), value === spelled(wanted)))),
    contains: text((value, [part]) => value.includes(spelled(part))),
    isIn: text((value, [list]) => (list instanceof Arr ? list.items.map(spelled).includes(value) : new Unknown('isIn', { file: '', line: 1 }))),
    matches: text((value, [pattern, flags]) => {
      if (typeof pattern === 'string') return new Unknown(`a pattern ${spelled(flags)}`, { file: '', line: 1 });
      const expression = isRegExp(pattern) ? runnable(pattern, value) : undefined;
      return expression instanceof RegExp ? new RegExp(expression.source, expression.flags.replace(/[gy]/g, '')).test(value) : expression ?? new Unknown('a pattern', { file: '', line: 1 });
    }),
    custom: ([validator], _self, at) => {
      steps.push({ kind: 'check', negated: negate, message: undefined, holds: (value, req, field) => custom(server, validator, value, req, field, at) });
      negate = false;
      return chain;
    },
    isURL: unknown('whether it is an address'), isDate: isDay, isISO8601: isDay, isMobilePhone: unknown('whether it is a telephone number'),
    isStrongPassword: text((value, args, at) => (args.length > 0 ? new Unknown('a strong password by options', at) : value.length >= 8 && /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value) && /[^A-Za-z0-9]/.test(value))),
    isMongoId: text((value) => /^[0-9a-f]{24}$/i.test(value)), isUUID: unknown('whether it is a UUID'), isPostalCode: unknown('whether it is a postal code'),
    trim: change((value) => value.trim()), ltrim: change((value) => value.trimStart()), rtrim: change((value) => value.trimEnd()),
    toLowerCase: change((value) => value.toLowerCase()), toUpperCase: change((value) => value.toUpperCase()),
    // As the validator package escapes.
    escape: change((value) => value.replace(/[&"'<>/\\`]/g, (character) => ({ '&': '&amp;', '"': '&quot;', "'": '&#x27;', '<': '&lt;', '>': '&gt;', '/': '&#x2F;', '\\': '&#x5C;', '`': '&#96;' })[character] ?? character)),
    toInt: change((value) => Number.parseInt(value, 10)), toFloat: change((value) => Number.parseFloat(value)),
    toBoolean: change((value, [strict]) => (strict === true ? value === '1' || value === 'true' : value !== '0' && value !== 'false' && value !== '')),
    toDate: change((value) => (value === '' ? null : new Unknown('a date', { file: '', line: 1 }))), toArray: sanitised, toString: change((value) => value), unescape: sanitised, stripLow: sanitised, blacklist: sanitised, whitelist: sanitised,
    normalizeEmail: change((value) => (/^[a-z0-9._-]+@example\.[a-z]+$/.test(value) ? value : isEmail(value) ? new Unknown('a normalised address', { file: '', line: 1 }) : value)),
    customSanitizer: ([sanitizer], _self, at) => { steps.push({ kind: 'change', change: (value) => machine.call(sanitizer, [value], undefined, at) }); return chain; },
    default: ([fallback]) => { steps.push({ kind: 'change', change: (value) => (value === undefined || value === null || value === '' ? fallback : value) }); return chain; },
  }))) chain.put(name, fn);
  return chain;
}

/** Checks whose verdict is left open. */
const UNFOLLOWED = [
  'isAfter', 'isAscii', 'isBase32', 'isBase64', 'isBefore', 'isCreditCard', 'isCurrency', 'isDataURI', 'isDivisibleBy', 'isEAN', 'isFQDN', 'isHash', 'isHexColor', 'isHexadecimal', 'isHSL', 'isIBAN', 'isIP', 'isISBN', 'isISIN',
  'isISO31661Alpha2', 'isISO31661Alpha3', 'isISSN', 'isJSON', 'isJWT', 'isLatLong', 'isLicensePlate', 'isLocale', 'isMACAddress', 'isMD5', 'isMimeType', 'isObject', 'isOctal', 'isPassportNumber', 'isPort', 'isRFC3339', 'isRgbColor', 'isSemVer',
  'isSlug', 'isTaxID', 'isTime', 'isULID', 'isVAT', 'isWhitelisted',
];

/** What HTML and the validator package both take for an address, and both refuse; what only one of them takes is not asked here. */
const isEmail = (text: string): boolean => text.length < 255 && /^[A-Za-z0-9_'+-]+(?:\.[A-Za-z0-9_'+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,63}$/.test(text);

function custom(server: Server, validator: Value, value: Value, req: Obj, field: string, at: Place): Value {
  const { machine } = server;
  try {
    const result = machine.call(validator, [value, machine.object({ req, path: field, location: 'body' })], undefined, at);
    if (!isPromise(machine, result)) return result instanceof Unknown ? result : isObject(result) || Boolean(result);
    machine.settle(() => result.inner.status !== 'pending');
    if (result.inner.uncertain) return result.inner.uncertain;
    return result.inner.status === 'rejected' ? new Refused(result.inner.value) : true;
  } catch (thrown) {
    if (thrown instanceof Thrown) return new Refused(thrown.value);
    throw thrown;
  }
}

/** A custom check that failed with a message of its own. */
class Refused extends Obj {
  constructor(readonly reason: Value) { super(null); }
}

function runSteps(server: Server, req: Obj, locations: readonly string[], field: string, steps: readonly Step[], fallback: Value): void {
  const { machine } = server;
  const errors = errorsOf.get(req) ?? [];
  errorsOf.set(req, errors);
  const holders = locations.map((location) => ({ location, holder: machine.get(req, location) }));
  const found = holders.find(({ holder }) => isObject(holder) && holder.own(field)) ?? holders[0];
  if (!found) return;
  const { holder, location } = found;
  let value = isObject(holder) ? machine.get(holder, field) : undefined;
  const before = errors.length;
  const optional = steps.find((step) => step.kind === 'optional');
  const absent = optional?.kind === 'optional' && (value === undefined || (optional.nullish && value === null) || (optional.falsy && (value === '' || value === false || value === 0)));
  if (!absent) {
    for (const step of steps) {
      if (step.kind === 'bail' && errors.length > before) break;
      if (step.kind === 'change') {
        value = step.change(value);
        if (isObject(holder)) machine.set(holder, field, value);
      } else if (step.kind === 'check') {
        const result = step.holds(value, req, field);
        const place: Place = { file: server.start.entry, line: 1 };
        const held = result instanceof Refused ? false : decided(result, `the check of ${field}`, place);
        if (held !== step.negated) continue;
        const own = result instanceof Refused ? (isObject(result.reason) ? machine.get(result.reason, 'message') : result.reason) : undefined;
        const message = step.message instanceof Fn ? machine.call(step.message, [value, machine.object({ req, path: field, location })]) : step.message ?? fallback ?? (own === '' ? undefined : own) ?? 'Invalid value';
        errors.push({ field, value, message, location });
      }
    }
  }
  const matched = matchedOf.get(req) ?? new Map<string, Value>();
  matchedOf.set(req, matched);
  if (errors.length === before && !(absent && value === undefined)) matched.set(field, value);
}

function resultOf(server: Server, errors: readonly Failed[], format?: Value): Obj {
  const { machine } = server;
  const shown = (error: Failed): Value => {
    const plain = machine.object({ type: 'field', value: error.value, msg: error.message, path: error.field, param: error.field, location: error.location });
    return format instanceof Fn ? machine.call(format, [plain]) : plain;
  };
  return machine.object(functions(machine, {
    isEmpty: () => errors.length === 0,
    array: ([options]) => {
      const first = isObject(options) && machine.get(options, 'onlyFirstError') === true;
      return machine.array(errors.filter((error, index) => !first || errors.findIndex((other) => other.field === error.field) === index).map(shown));
    },
    mapped: () => {
      const mapped = machine.object();
      for (const error of errors) if (!mapped.own(error.field)) mapped.put(error.field, shown(error));
      return mapped;
    },
    formatWith: ([formatter]) => resultOf(server, errors, formatter),
    throw: (_args, _self, at) => {
      if (errors.length > 0) machine.throwError('Error', 'Validation failed', at);
      return undefined;
    },
  }));
}
