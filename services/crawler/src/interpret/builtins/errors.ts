import type { Place } from '../../markup.js';
import { toText } from '../convert.js';
import type { Machine } from '../machine.js';
import { isObject, Obj, Unknown, type Value } from '../values.js';
import { constructor, methods, prototypeOf } from './define.js';

/** `Error` and its family. Stack traces are empty. */
export function installErrors(machine: Machine): void {
  const base = machine.intrinsic('Error');
  for (const name of ['Error', 'TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'EvalError', 'URIError', 'DOMException', 'AggregateError']) {
    const proto = machine.intrinsic(name);
    if (name !== 'Error') proto.proto = base;
    const fn = constructor(machine, name, ([message, options], _self, at, newTarget) => {
      const error = new Obj(prototypeOf(machine, name, newTarget)).put('stack', '', false);
      if (message !== undefined) error.put('message', message instanceof Unknown ? message : toText(machine, message, at), false);
      if (isObject(options) && options.own('cause')) error.put('cause', machine.get(options, 'cause', at), false);
      return error;
    });
    if (name === 'Error') fn.put('captureStackTrace', machine.fn('captureStackTrace', () => undefined), false);
    proto.put('name', name, false).put('message', '', false);
  }
  methods(machine, base, {
    toString: (_args: Value[], self: Value, at: Place) => {
      const name = toText(machine, machine.get(self, 'name', at), at);
      const message = toText(machine, machine.get(self, 'message', at), at);
      if (name instanceof Unknown) return name;
      return message instanceof Unknown ? message : message === '' ? name : `${name}: ${message}`;
    },
  });
}
