import type * as N from '@babel/types';
import { choose, type Frame } from './machine.js';
import { placeOf } from './syntax.js';
import { FRAGMENT, isObject, Undecided, Unknown, type Obj, type Value } from './values.js';

/** JSX: elements with props as plain objects, `children` as React's JSX runtime lays them out. */
export function jsxElement(node: N.JSXElement, frame: Frame): Value {
  const { machine } = frame;
  const at = placeOf(node, frame.file);
  const type = elementType(node.openingElement.name, frame);
  const props = machine.object();
  let key: Value = null;
  for (const attribute of node.openingElement.attributes) {
    if (attribute.type === 'JSXSpreadAttribute') {
      const source = machine.evaluate(attribute.argument, frame);
      spreadProps(frame, props, source);
      continue;
    }
    const name = attribute.name.type === 'JSXNamespacedName' ? `${attribute.name.namespace.name}:${attribute.name.name.name}` : attribute.name.name;
    const value = attribute.value ? attributeValue(attribute.value, frame) : true;
    if (name === 'key') key = value; else props.put(name, value);
  }
  const children = jsxChildren(node.children, frame);
  if (children.length > 0) props.put('children', children.length === 1 ? children[0] : machine.array(children));
  return machine.element(type, props, key, at);
}

export function jsxFragment(node: N.JSXFragment, frame: Frame): Value {
  const props = frame.machine.object();
  const children = jsxChildren(node.children, frame);
  if (children.length > 0) props.put('children', children.length === 1 ? children[0] : frame.machine.array(children));
  return frame.machine.element(FRAGMENT, props, null, placeOf(node, frame.file));
}

function spreadProps(frame: Frame, props: Obj, source: Value): void {
  if (source instanceof Unknown) {
    for (const property of props.properties.values()) property.value = choose(source, [property.value, source]);
    props.missing ??= source;
  } else if (isObject(source)) {
    if (source.missing) spreadProps(frame, props, source.missing);
    for (const key of source.keys()) props.put(key, frame.machine.get(source, key));
  }
}

function elementType(name: N.JSXElement['openingElement']['name'], frame: Frame): Value {
  switch (name.type) {
    case 'JSXIdentifier': {
      if (/^[a-z]/.test(name.name)) return name.name;
      const binding = frame.scope.find(name.name);
      if (binding) return binding.value;
      return frame.machine.globals.get(name.name) ?? new Unknown(name.name, placeOf(name, frame.file));
    }
    case 'JSXMemberExpression': return frame.machine.get(name.object.type === 'JSXIdentifier' && name.object.name === 'this' ? frame.self : memberObject(name.object, frame), name.property.name, placeOf(name, frame.file));
    case 'JSXNamespacedName': return `${name.namespace.name}:${name.name.name}`;
    default: throw new Undecided('an element name', placeOf(name, frame.file));
  }
}

function memberObject(name: N.JSXIdentifier | N.JSXMemberExpression, frame: Frame): Value {
  if (name.type === 'JSXIdentifier') return frame.scope.find(name.name)?.value ?? new Unknown(name.name, placeOf(name, frame.file));
  return frame.machine.get(memberObject(name.object, frame), name.property.name, placeOf(name, frame.file));
}

function attributeValue(node: N.Node, frame: Frame): Value {
  if (node.type === 'JSXExpressionContainer') return frame.machine.evaluate(node.expression, frame);
  if (node.type === 'StringLiteral') return node.value.replace(/\s*\n\s*/g, ' ');
  return frame.machine.evaluate(node, frame);
}

function jsxChildren(nodes: readonly N.Node[], frame: Frame): Value[] {
  const children: Value[] = [];
  for (const node of nodes) {
    if (node.type === 'JSXText') {
      const text = foldText(node.value);
      if (text) children.push(text);
    } else if (node.type === 'JSXExpressionContainer') {
      if (node.expression.type !== 'JSXEmptyExpression') children.push(frame.machine.evaluate(node.expression, frame));
    } else if (node.type === 'JSXSpreadChild') children.push(frame.machine.evaluate(node.expression, frame));
    else children.push(frame.machine.evaluate(node, frame));
  }
  return children;
}

/** Lines are trimmed where they touch a line break and joined by one space; blank lines vanish. */
function foldText(text: string): string {
  const lines = text.split(/\r\n|\n|\r/);
  const kept = lines.map((line, index) => {
    let part = line.replace(/\t/g, ' ');
    if (index > 0) part = part.trimStart();
    if (index < lines.length - 1) part = part.trimEnd();
    return part;
  });
  return kept.filter((line) => line !== '').join(' ');
}
