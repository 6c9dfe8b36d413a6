import type * as N from '@babel/types';
import type { Frame } from './machine.js';
import { Scope } from './scope.js';
import { placeOf } from './syntax.js';
import { Fn, type Obj } from './values.js';

export type FunctionNode = N.FunctionExpression | N.FunctionDeclaration | N.ArrowFunctionExpression | N.ObjectMethod | N.ClassMethod | N.ClassPrivateMethod;

/** What an interpreted function closes over. */
export class Closure {
  constructor(readonly node: FunctionNode, readonly scope: Scope, readonly frame: Frame, readonly home: Obj | null) {}
}

export function makeFunction(node: FunctionNode, frame: Frame, name: string, home: Obj | null = null): Fn {
  const { machine } = frame;
  const fn = new Fn(machine.intrinsic('Function'), name, placeOf(node, frame.file));
  let { scope } = frame;
  if (node.type === 'FunctionExpression' && node.id) {
    scope = new Scope(scope);
    scope.declare(node.id.name, fn);
  }
  fn.code = new Closure(node, scope, frame, node.type === 'ArrowFunctionExpression' ? frame.home : home);
  fn.put('name', name, false);
  fn.constructable = node.type === 'FunctionExpression' || node.type === 'FunctionDeclaration';
  if (fn.constructable) fn.put('prototype', machine.object().put('constructor', fn, false), false);
  return fn;
}
