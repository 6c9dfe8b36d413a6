import type * as N from '@babel/types';
import { makeFunction } from './closures.js';
import type { Frame } from './machine.js';

/** Declares, before a body runs, what the language hoists: `var` names of the function, and the function declarations of this body. */
export function hoist(body: readonly N.Node[], frame: Frame): void {
  for (const statement of body) for (const name of varNames(statement)) if (!frame.scope.own(name)) frame.scope.declare(name, undefined);
  hoistFunctions(body, frame);
}

/** Function declarations and the dead zone of `let`, `const` and `class` of one block. */
export function hoistFunctions(body: readonly N.Node[], frame: Frame): void {
  for (const statement of body) {
    const declaration = statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportDefaultDeclaration' ? statement.declaration : statement;
    if (declaration?.type === 'FunctionDeclaration' && !declaration.declare) frame.scope.declare(declaration.id?.name ?? '*default*', makeFunction(declaration, frame, declaration.id?.name ?? 'default'));
    if (declaration?.type === 'ClassDeclaration' && declaration.id && !declaration.declare) frame.scope.declare(declaration.id.name, undefined).dead = true;
    if (declaration?.type === 'VariableDeclaration' && declaration.kind !== 'var' && !declaration.declare) {
      for (const { id } of declaration.declarations) for (const name of patternNames(id)) frame.scope.declare(name, undefined, false).dead = true;
    }
  }
}

const varNamesOf = new WeakMap<N.Node, readonly string[]>();
function varNames(node: N.Node): readonly string[] {
  let names = varNamesOf.get(node);
  if (!names) varNamesOf.set(node, names = collectVarNames(node));
  return names;
}
function collectVarNames(node: N.Node | null | undefined): string[] {
  if (!node) return [];
  const inAll = (nodes: ReadonlyArray<N.Node | null | undefined>): string[] => nodes.flatMap(collectVarNames);
  switch (node.type) {
    case 'VariableDeclaration': return node.kind === 'var' && !node.declare ? node.declarations.flatMap((declarator) => patternNames(declarator.id)) : [];
    case 'ExportNamedDeclaration': return collectVarNames(node.declaration);
    case 'BlockStatement': return inAll(node.body);
    case 'IfStatement': return inAll([node.consequent, node.alternate]);
    case 'ForStatement': return inAll([node.init, node.body]);
    case 'ForInStatement': case 'ForOfStatement': return inAll([node.left, node.body]);
    case 'WhileStatement': case 'DoWhileStatement': case 'LabeledStatement': return collectVarNames(node.body);
    case 'TryStatement': return inAll([node.block, node.handler?.body, node.finalizer]);
    case 'SwitchStatement': return node.cases.flatMap((item) => inAll(item.consequent));
    default: return [];
  }
}

export function patternNames(node: N.Node): string[] {
  switch (node.type) {
    case 'Identifier': return [node.name];
    case 'ArrayPattern': return node.elements.flatMap((element) => (element ? patternNames(element) : []));
    case 'ObjectPattern': return node.properties.flatMap((property) => patternNames(property.type === 'RestElement' ? property.argument : property.value));
    case 'AssignmentPattern': return patternNames(node.left);
    case 'RestElement': return patternNames(node.argument);
    default: return [];
  }
}
