import type * as N from '@babel/types';
import { bounded, iterate, toKey, toNumber, toText, truth } from './convert.js';
import { makeClass } from './classes.js';
import { evaluateCall, evaluateNew } from './calls.js';
import { makeFunction } from './closures.js';
import { accessor, memberKey, plainKey, spreadInto, superProperty } from './members.js';
import { jsxElement, jsxFragment } from './jsx.js';
import { globModules } from './modules.js';
import { choose, type Frame, type Machine } from './machine.js';
import { binary, lookedUp, unary } from './operators.js';
import { awaitValue } from './promises.js';
import { makeRegExp } from './regular-expressions.js';
import { placeOf } from './syntax.js';
import { Arr, Choice, isObject, Thrown, Undecided, Unknown, type Key, type Value } from './values.js';

/** Expressions: one case per kind of node. */
export function evaluate(node: N.Node, frame: Frame): Value {
  const { machine } = frame;
  machine.burn(() => placeOf(node, frame.file));
  switch (node.type) {
    case 'NumericLiteral': case 'StringLiteral': case 'BooleanLiteral': return node.value;
    case 'NullLiteral': return null;
    case 'BigIntLiteral': return node.value;
    case 'RegExpLiteral': return makeRegExp(machine, node.pattern, node.flags, placeOf(node, frame.file));
    case 'TemplateLiteral': return template(node, frame);
    case 'TaggedTemplateExpression': return taggedTemplate(node, frame);
    case 'Identifier': return identifier(node, frame);
    case 'ThisExpression': return frame.self;
    case 'ArrayExpression': return arrayLiteral(node, frame);
    case 'ObjectExpression': return objectLiteral(node, frame);
    case 'FunctionExpression': case 'ArrowFunctionExpression': return makeFunction(node, frame, node.type === 'FunctionExpression' ? node.id?.name ?? '' : '');
    case 'ClassExpression': return makeClass(node, frame, node.id?.name ?? '');
    case 'UnaryExpression': return unaryExpression(node, frame);
    case 'UpdateExpression': return update(node, frame);
    case 'BinaryExpression': return binary(machine, node.operator, node.left.type === 'PrivateName' ? `#${node.left.id.name}` : evaluate(node.left, frame), evaluate(node.right, frame), placeOf(node, frame.file));
    case 'LogicalExpression': return logical(node, frame);
    case 'ConditionalExpression': return conditional(node, frame);
    case 'AssignmentExpression': return assignment(node, frame);
    case 'SequenceExpression': return node.expressions.reduce<Value>((_, expression) => evaluate(expression, frame), undefined);
    case 'MemberExpression': return member(node, frame);
    case 'OptionalMemberExpression': case 'OptionalCallExpression': { const value = chain(node, frame); return value === SHORT ? undefined : value; }
    case 'CallExpression': return evaluateCall(node, frame);
    case 'NewExpression': return evaluateNew(node, frame);
    case 'AwaitExpression': return awaitValue(frame, evaluate(node.argument, frame), placeOf(node, frame.file));
    case 'YieldExpression': return yieldExpression(node, frame);
    case 'JSXElement': return jsxElement(node, frame);
    case 'JSXFragment': return jsxFragment(node, frame);
    case 'ImportExpression': return evaluateCall(node, frame);
    case 'MetaProperty': return metaProperty(node, frame);
    case 'ParenthesizedExpression': case 'TSAsExpression': case 'TSSatisfiesExpression': case 'TSNonNullExpression': case 'TSTypeAssertion': case 'TypeCastExpression': case 'TSInstantiationExpression':
      return evaluate(node.expression, frame);
    case 'Super': return frame.home?.proto ?? undefined;
    default: throw new Undecided(`syntax that is not followed (${node.type})`, placeOf(node, frame.file));
  }
}

const SHORT = Symbol('short circuit');

function identifier(node: N.Identifier, frame: Frame): Value {
  if (node.name === 'undefined') return undefined;
  const binding = frame.scope.find(node.name);
  if (binding) {
    if (binding.dead) frame.machine.throwError('ReferenceError', `Cannot access '${node.name}' before initialization`, placeOf(node, frame.file));
    return binding.value;
  }
  const { globals } = frame.machine;
  if (globals.has(node.name)) return globals.get(node.name);
  return new Unknown(node.name, placeOf(node, frame.file));
}

function template(node: N.TemplateLiteral, frame: Frame): Value {
  let text = '';
  let unknown: Unknown | undefined;
  for (const [index, quasi] of node.quasis.entries()) {
    text += quasi.value.cooked ?? '';
    const expression = node.expressions[index];
    if (!expression) continue;
    const part = toText(frame.machine, evaluate(expression, frame), placeOf(node, frame.file));
    if (part instanceof Unknown) unknown ??= part; else text += part;
  }
  return unknown ? new Unknown(unknown.reason, unknown.at) : bounded(text, placeOf(node, frame.file));
}

function taggedTemplate(node: N.TaggedTemplateExpression, frame: Frame): Value {
  const { machine } = frame;
  const tag = evaluate(node.tag, frame);
  const strings = machine.array(node.quasi.quasis.map((quasi) => quasi.value.cooked ?? undefined));
  strings.put('raw', machine.array(node.quasi.quasis.map((quasi) => quasi.value.raw)), false);
  return machine.call(tag, [strings, ...node.quasi.expressions.map((expression) => evaluate(expression, frame))], undefined, placeOf(node, frame.file));
}

function arrayLiteral(node: N.ArrayExpression, frame: Frame): Value {
  const items: Value[] = [];
  for (const element of node.elements) {
    if (element === null) items.push(undefined);
    else if (element.type === 'SpreadElement') {
      const more = iterate(frame.machine, evaluate(element.argument, frame), placeOf(element, frame.file));
      if (more instanceof Unknown) return more;
      for (const item of more) items.push(item);
    } else items.push(evaluate(element, frame));
  }
  return frame.machine.array(items);
}

function objectLiteral(node: N.ObjectExpression, frame: Frame): Value {
  const { machine } = frame;
  const obj = machine.object();
  for (const property of node.properties) {
    if (property.type === 'SpreadElement') { spreadInto(machine, obj, evaluate(property.argument, frame)); continue; }
    const key = property.computed ? toKey(machine, evaluate(property.key, frame), placeOf(property, frame.file)) : plainKey(property.key);
    if (key instanceof Unknown) { obj.missing ??= key; continue; }
    if (property.type === 'ObjectProperty') {
      if (key === '__proto__' && !property.computed && !property.shorthand) { const proto = evaluate(property.value, frame); if (isObject(proto)) obj.proto = proto; continue; }
      obj.put(key, named(property.value, frame, String(key)));
      continue;
    }
    const method = makeFunction(property, frame, String(key), obj);
    if (property.kind === 'method') obj.put(key, method);
    else accessor(obj, key, property.kind, method, true);
  }
  return obj;
}

/** Evaluates; an anonymous function or class gets the name of what it is assigned to. */
export function named(node: N.Node, frame: Frame, name: string): Value {
  if (node.type === 'ArrowFunctionExpression' || (node.type === 'FunctionExpression' && !node.id)) { frame.machine.burn(() => placeOf(node, frame.file)); return makeFunction(node, frame, name); }
  if (node.type === 'ClassExpression' && !node.id) return makeClass(node, frame, name);
  return evaluate(node, frame);
}

function unaryExpression(node: N.UnaryExpression, frame: Frame): Value {
  const { machine } = frame;
  const at = placeOf(node, frame.file);
  if (node.operator === 'typeof' && node.argument.type === 'Identifier' && !frame.scope.find(node.argument.name) && !machine.globals.has(node.argument.name)) {
    return machine.options.host === 'node' && ['window', 'document', 'navigator', 'localStorage'].includes(node.argument.name) ? 'undefined' : new Unknown(`typeof ${node.argument.name}`, at);
  }
  if (node.operator === 'delete') return deleteProperty(node, frame);
  const value = evaluate(node.argument, frame);
  if (node.operator === '!') { const condition = truth(value); return condition instanceof Unknown ? negated(condition) : !condition; }
  if (node.operator === 'throw') throw new Thrown(value, at);
  return unary(machine, node.operator, value, at);
}
const negated = (condition: Unknown): Unknown => (condition instanceof Choice && !condition.repeated && condition.options.every((option) => typeof option === 'boolean') ? new Choice(condition.reason, condition.at, condition.options.map((option) => !option)) : new Unknown(condition.reason, condition.at));

function deleteProperty(node: N.UnaryExpression, frame: Frame): Value {
  if (node.argument.type !== 'MemberExpression' && node.argument.type !== 'OptionalMemberExpression') return true;
  const target = evaluate(node.argument.object, frame);
  const key = memberKey(node.argument, frame);
  if (!isObject(target) || key instanceof Unknown) { if (isObject(target) && key instanceof Unknown) throw new Undecided(`deletes a property named by ${key.reason}`, key.at); return true; }
  frame.machine.touch(target, key);
  target.properties.delete(key);
  return true;
}

function update(node: N.UpdateExpression, frame: Frame): Value {
  const before = toNumber(frame.machine, evaluate(node.argument, frame), placeOf(node, frame.file));
  const after = before instanceof Unknown ? before : before + (node.operator === '++' ? 1 : -1);
  assign(node.argument, after, frame);
  return node.prefix ? after : before;
}

function logical(node: N.LogicalExpression, frame: Frame): Value {
  const left = evaluate(node.left, frame);
  const at = placeOf(node, frame.file);
  if (left instanceof Unknown) {
    if (node.operator === '??' && left instanceof Choice && left.options.every((option) => option !== null && option !== undefined && !(option instanceof Unknown))) return left;
    const right = eitherSide(frame, left, node.right);
    return choose(left, node.operator === '&&' ? [false, right] : [left, right], at);
  }
  const condition = node.operator === '??' ? left !== undefined && left !== null : truth(left) === true;
  frame.machine.branch(at);
  return condition === (node.operator === '&&') ? evaluate(node.right, frame) : left;
}

/** Evaluates something that is evaluated only under an undecided condition. */
function eitherSide(frame: Frame, why: Unknown, node: N.Node): Value {
  return frame.machine.fork(why, [() => evaluate(node, frame), (): Value => undefined])[0];
}

function conditional(node: N.ConditionalExpression, frame: Frame): Value {
  const condition = truth(evaluate(node.test, frame));
  if (condition instanceof Unknown) {
    const options = frame.machine.fork(condition, [node.consequent, node.alternate].map((side) => () => evaluate(side, frame)));
    return choose(condition, options, placeOf(node, frame.file));
  }
  frame.machine.branch(placeOf(node.test, frame.file));
  return evaluate(condition ? node.consequent : node.alternate, frame);
}

function assignment(node: N.AssignmentExpression, frame: Frame): Value {
  const { machine } = frame;
  const at = placeOf(node, frame.file);
  if (node.operator === '=') {
    const value = named(node.right, frame, node.left.type === 'Identifier' ? node.left.name : '');
    assign(node.left, value, frame);
    return value;
  }
  const before = evaluate(node.left, frame);
  const operator = node.operator.slice(0, -1);
  if (operator === '&&' || operator === '||' || operator === '??') {
    const keep = operator === '??' ? before !== undefined && before !== null : truth(before) === (operator === '||');
    if (before instanceof Unknown) { const value = choose(before, [before, eitherSide(frame, before, node.right)], at); assign(node.left, value, frame); return value; }
    if (keep) return before;
    const value = evaluate(node.right, frame);
    assign(node.left, value, frame);
    return value;
  }
  const value = binary(machine, operator, before, evaluate(node.right, frame), at);
  assign(node.left, value, frame);
  return value;
}

/** Assigns to a variable, a property, or each part of a pattern. */
export function assign(target: N.Node, value: Value, frame: Frame): void {
  const { machine } = frame;
  switch (target.type) {
    case 'Identifier': {
      const binding = frame.scope.find(target.name);
      const at = placeOf(target, frame.file);
      if (!binding) { machine.globals.set(target.name, value); return; }
      if (binding.dead) machine.throwError('ReferenceError', `Cannot access '${target.name}' before initialization`, at);
      if (binding.constant) machine.throwError('TypeError', 'Assignment to constant variable.', at);
      machine.touchBinding(binding);
      binding.value = value;
      return;
    }
    case 'MemberExpression': case 'OptionalMemberExpression': {
      const object = target.object.type === 'Super' ? frame.self : evaluate(target.object, frame);
      const key = memberKey(target, frame);
      if (key instanceof Unknown) { if (isObject(object)) { machine.touchAll(object); object.missing ??= key; } return; }
      machine.set(object, key, value, placeOf(target, frame.file));
      return;
    }
    case 'ParenthesizedExpression': case 'TSAsExpression': case 'TSNonNullExpression': assign(target.expression, value, frame); return;
    default: machine.bind(target, value, frame, 'assign');
  }
}

function member(node: N.MemberExpression, frame: Frame): Value {
  const { machine } = frame;
  const at = placeOf(node, frame.file);
  if (node.object.type === 'Super') { const key = memberKey(node, frame); return key instanceof Unknown ? key : superProperty(frame, key); }
  const object = evaluate(node.object, frame);
  return read(machine, object, memberKey(node, frame), node.computed, at);
}

function read(machine: Machine, object: Value, key: Key | Unknown, computed: boolean, at: ReturnType<typeof placeOf>): Value {
  if (key instanceof Unknown) return object === undefined || object === null ? machine.get(object, '?', at) : key;
  const value = machine.get(object, key, at);
  if (computed && value === undefined && isObject(object) && typeof key === 'string') lookedUp(machine, object, key, at);
  return value;
}

/** `a?.b.c?.()`: `SHORT` when the chain ended early. */
function chain(node: N.Expression, frame: Frame): Value {
  const { machine } = frame;
  const at = placeOf(node, frame.file);
  if (node.type === 'OptionalMemberExpression') {
    const object = chain(node.object, frame);
    if (object === SHORT || (node.optional && (object === undefined || object === null))) return SHORT;
    return read(machine, object, memberKey(node, frame), node.computed, at);
  }
  if (node.type === 'OptionalCallExpression') {
    const { callee } = node;
    if (callee.type === 'OptionalMemberExpression' || callee.type === 'MemberExpression') {
      const self = callee.type === 'OptionalMemberExpression' ? chain(callee.object, frame) : evaluate(callee.object, frame);
      if (self === SHORT || (callee.type === 'OptionalMemberExpression' && callee.optional && (self === undefined || self === null))) return SHORT;
      const key = memberKey(callee, frame);
      const method = key instanceof Unknown ? key : machine.get(self, key, at);
      if (node.optional && (method === undefined || method === null)) return SHORT;
      return evaluateCall(node, frame, { callee: method, self, key });
    }
    const fn = chain(callee, frame);
    if (fn === SHORT || (node.optional && (fn === undefined || fn === null))) return SHORT;
    return evaluateCall(node, frame, { callee: fn, self: undefined, key: '' });
  }
  return evaluate(node, frame);
}

function yieldExpression(node: N.YieldExpression, frame: Frame): Value {
  const value = node.argument ? evaluate(node.argument, frame) : undefined;
  if (!frame.yields) throw new Undecided('a generator', placeOf(node, frame.file));
  if (frame.yields.length > 1_000) throw new Undecided('a generator without end', placeOf(node, frame.file), true);
  if (!node.delegate) { frame.yields.push(value); return undefined; }
  const items = iterate(frame.machine, value, placeOf(node, frame.file));
  if (items instanceof Unknown) throw new Undecided(items.reason, items.at);
  frame.yields.push(...items);
  return undefined;
}

function metaProperty(node: N.MetaProperty, frame: Frame): Value {
  if (node.meta.name === 'new') return frame.newTarget;
  const at = placeOf(node, frame.file);
  const { machine } = frame;
  // Whether the application is tested on its development server or as a build is not known: MODE, DEV and PROD stay unknown.
  const env = machine.namespace('the environment', at, { SSR: machine.options.host === 'node', BASE_URL: machine.options.base ?? '/' });
  const glob = machine.fn('glob', ([patterns, options]) => {
    const list = (patterns instanceof Arr ? patterns.items : [patterns]).filter((pattern) => typeof pattern === 'string');
    return globModules(machine, list, isObject(options) && machine.get(options, 'eager') === true, frame.file, at);
  });
  // The repository is mounted at `/`, as for `__dirname`.
  const folder = frame.file.split('/').slice(0, -1).join('/');
  const place = machine.options.host === 'node' ? { dirname: `/${folder}`, filename: `/${frame.file}`, url: `file:///${frame.file}` } : {};
  return machine.namespace('import.meta', at, { env, glob, hot: undefined, ...place });
}
