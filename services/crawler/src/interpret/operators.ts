import type { Place } from '../markup.js';
import { bounded, toKey, toNumber, toPrimitive, toText, typeOf } from './convert.js';
import type { Machine } from './machine.js';
import { Choice, DocumentPart, Fn, isObject, Unknown, type Obj, type Value } from './values.js';

/** Binary and comparison operators on interpreted values. An unknown operand makes the result unknown, unless the other side alone decides. */

export function binary(machine: Machine, operator: string, left: Value, right: Value, at: Place): Value {
  switch (operator) {
    case '===': return strictEquals(machine, left, right, at);
    case '!==': return not(strictEquals(machine, left, right, at));
    case '==': return looseEquals(machine, left, right, at);
    case '!=': return not(looseEquals(machine, left, right, at));
    case 'instanceof': return instanceOf(machine, left, right, at);
    case 'in': return isIn(machine, left, right, at);
    case '+': return add(machine, left, right, at);
    case '<': case '>': case '<=': case '>=': return compare(machine, operator, left, right, at);
    default: return arithmetic(machine, operator, left, right, at);
  }
}

export const not = (value: boolean | Unknown): boolean | Unknown => (value instanceof Unknown ? value : !value);

/** An object is never equal to a primitive, and a choice among values none of which is equal is certainly not equal. */
export function strictEquals(machine: Machine, left: Value, right: Value, at: Place): boolean | Unknown {
  if (left instanceof Unknown || right instanceof Unknown) return equalsUnknown(left, right) ?? (left instanceof Unknown ? left : right as Unknown);
  machine.compared(left, right, at);
  return left === right;
}
function equalsUnknown(left: Value, right: Value): boolean | undefined {
  if (left === right && left instanceof DocumentPart) return true;
  if ([left, right].some((side) => side instanceof DocumentPart && side.reader) && !(left instanceof Unknown && right instanceof Unknown)) return false;
  const [choice, other] = left instanceof Choice ? [left, right] : [right, left];
  if (!(choice instanceof Choice) || choice.repeated || other instanceof Unknown) return undefined;
  if (choice.options.some((option) => option instanceof Unknown)) return undefined;
  return choice.options.includes(other) ? undefined : false;
}

const nullish = (value: Value): boolean => value === undefined || value === null;

export function looseEquals(machine: Machine, left: Value, right: Value, at: Place): boolean | Unknown {
  if (left instanceof Unknown || right instanceof Unknown) return equalsUnknown(left, right) ?? (left instanceof Unknown ? left : right as Unknown);
  if (nullish(left) || nullish(right)) return nullish(left) && nullish(right);
  if (isObject(left) && isObject(right)) return left === right;
  const a = toPrimitive(machine, left, 'number', at);
  const b = toPrimitive(machine, right, 'number', at);
  if (a instanceof Unknown) return a;
  if (b instanceof Unknown) return b;
  machine.compared(a, b, at);
  return a == b;
}

function instanceOf(machine: Machine, left: Value, right: Value, at: Place): boolean | Unknown {
  if (left instanceof Unknown) return left;
  if (right instanceof Unknown) return right;
  if (!(right instanceof Fn)) machine.throwError('TypeError', "Right-hand side of 'instanceof' is not callable", at);
  if (!isObject(left)) return false;
  const proto = machine.get(right, 'prototype', at);
  for (let holder: Obj | null = left.proto; holder; holder = holder.proto) if (holder === proto) return true;
  return false;
}

function isIn(machine: Machine, left: Value, right: Value, at: Place): boolean | Unknown {
  if (right instanceof Unknown) return right;
  if (!isObject(right)) machine.throwError('TypeError', "Cannot use 'in' operator", at);
  const key = toKey(machine, left, at);
  if (key instanceof Unknown) return key;
  for (let holder: Obj | null = right; holder; holder = holder.proto) {
    if (holder.own(key)) return true;
    if (holder.missing) return holder.missing;
    if (typeof key === 'string') lookedUp(machine, holder, key, at);
  }
  return false;
}

/** A typed string was looked up among the keys of an object and not found: its keys are what it was compared with. */
export function lookedUp(machine: Machine, obj: Obj, key: string, at: Place): void {
  if (!machine.typed.has(key)) return;
  for (const wanted of obj.keys().slice(0, 20)) machine.hint(key, wanted, at);
}

function add(machine: Machine, left: Value, right: Value, at: Place): Value {
  const a = toPrimitive(machine, left, 'number', at);
  const b = toPrimitive(machine, right, 'number', at);
  if (a instanceof Unknown) return a;
  if (b instanceof Unknown) return b;
  if (typeof a === 'string' || typeof b === 'string') {
    const text = toText(machine, a, at);
    const more = toText(machine, b, at);
    return text instanceof Unknown ? text : more instanceof Unknown ? more : bounded(text + more, at);
  }
  if (typeof a === 'bigint' && typeof b === 'bigint') return a + b;
  return Number(a) + Number(b);
}

/** A choice that compares alike whichever value it is, is decided. */
function sameComparison(machine: Machine, operator: string, choice: Choice, other: Value, mirrored: boolean, at: Place): boolean | Unknown {
  const results = new Set(choice.options.map((option) => (mirrored ? compare(machine, operator, other, option, at) : compare(machine, operator, option, other, at))));
  const [first] = results;
  return results.size === 1 && typeof first === 'boolean' ? first : choice;
}

function compare(machine: Machine, operator: string, left: Value, right: Value, at: Place): boolean | Unknown {
  if (left instanceof Choice && !left.repeated) return sameComparison(machine, operator, left, right, false, at);
  if (right instanceof Choice && !right.repeated) return sameComparison(machine, operator, right, left, true, at);
  let a = toPrimitive(machine, left, 'number', at);
  let b = toPrimitive(machine, right, 'number', at);
  if (a instanceof Unknown) return a;
  if (b instanceof Unknown) return b;
  if (typeof a !== 'string' || typeof b !== 'string') { a = Number(a); b = Number(b); }
  switch (operator) {
    case '<': return a < b;
    case '>': return a > b;
    case '<=': return a <= b;
    default: return a >= b;
  }
}

function arithmetic(machine: Machine, operator: string, left: Value, right: Value, at: Place): Value {
  if (typeof left === 'bigint' || typeof right === 'bigint') return new Unknown('arithmetic on big integers', at);
  const a = toNumber(machine, left, at);
  const b = toNumber(machine, right, at);
  if (a instanceof Unknown) return a;
  if (b instanceof Unknown) return b;
  switch (operator) {
    case '-': return a - b;
    case '*': return a * b;
    case '/': return a / b;
    case '%': return a % b;
    case '**': return a ** b;
    case '&': return a & b;
    case '|': return a | b;
    case '^': return a ^ b;
    case '<<': return a << b;
    case '>>': return a >> b;
    case '>>>': return a >>> b;
    default: return new Unknown(`the operator ${operator}`, at);
  }
}

export function unary(machine: Machine, operator: string, value: Value, at: Place): Value {
  switch (operator) {
    case 'typeof': return typeOf(value);
    case 'void': return undefined;
    case '-': {
      const number = typeof value === 'bigint' ? -value : toNumber(machine, value, at);
      return number instanceof Unknown ? number : typeof number === 'bigint' ? number : -number;
    }
    case '+': return toNumber(machine, value, at);
    case '~': {
      const number = toNumber(machine, value, at);
      return number instanceof Unknown ? number : ~number;
    }
    default: return new Unknown(`the operator ${operator}`, at);
  }
}

/** `SameValueZero`, as `includes`, `Map` and `Set` compare. */
export const sameValue = (a: Value, b: Value): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));
