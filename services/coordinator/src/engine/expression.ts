import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { Failure, type Fact, type Params, type StepStatus } from '#contracts';

/**
 * Conditions of pipelines in CEL. They see `params.<name>`, `steps.<step>.facts.<fact>` and `steps.<step>.status`
 * (`steps["a-b"]` for a key with a dash), nothing else: no clock, no artifact, no other run.
 * Numbers are doubles, so arithmetic needs `1.0`; comparing with `1` works. `has(steps.x.facts.y)` asks whether a fact is there.
 */
export interface Scope { params: Params; steps: Record<string, { status: StepStatus; facts: Record<string, Fact> }> }

export interface Condition {
  /** The steps that it looks at. */
  steps: readonly string[];
  /** Throws `Failure('expression-failed')` when a name is missing, types do not fit, or the result is not a boolean. */
  holds(scope: Scope): boolean;
}

const LANGUAGE = new Environment({ limits: { maxAstNodes: 200, maxDepth: 30, maxListElements: 50, maxMapEntries: 10, maxCallArguments: 4 } })
  .registerVariable('params', 'map<string, dyn>')
  .registerVariable('steps', 'map<string, dyn>');

/** Parses and type-checks once. Throws `Failure('expression-failed')` for what can never be evaluated. */
export function compileCondition(source: string): Condition {
  const program = guarded(source, () => LANGUAGE.parse(source));
  const checked = program.check();
  if (!checked.valid) throw new Failure('expression-failed', line(source, checked.error));
  if (checked.type !== 'bool' && checked.type !== 'dyn') throw new Failure('expression-failed', line(source, `it gives ${checked.type}, not a boolean`));
  const steps = new Set<string>();
  visit(program.ast, (node) => {
    // JavaScript's regular expressions can be driven to exponential time by a fact that comes from a repository.
    if (node.op === 'rcall' && node.args[0] === 'matches') throw new Failure('expression-failed', line(source, '`matches` is not allowed; compare or use startsWith, endsWith, contains'));
    if (node.op === 'id' && node.args !== 'params' && node.args !== 'steps' && !isMacroVariable(program.ast, node.args)) throw new Failure('expression-failed', line(source, `it knows \`params\` and \`steps\`, not \`${node.args}\``));
    const step = stepOf(node);
    if (step) steps.add(step);
  });
  return {
    steps: [...steps],
    holds(scope) {
      const value: unknown = guarded(source, () => program(scope));
      if (typeof value !== 'boolean') throw new Failure('expression-failed', line(source, `it gave ${typeof value}, not a boolean`));
      return value;
    },
  };
}

/** `steps.crawl` or `steps["crawl"]`. */
function stepOf(node: ASTNode): string | undefined {
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [object, property] = node.args;
  if (object.op !== 'id' || object.args !== 'steps') return undefined;
  if (typeof property === 'string') return property;
  return property.op === 'value' && typeof property.args === 'string' ? property.args : undefined;
}

/** The first argument of `exists`, `all`, `map` … names a variable of its own. */
function isMacroVariable(ast: ASTNode, name: string): boolean {
  let found = false;
  visit(ast, (node) => {
    if (node.op === 'rcall' && node.args[2].length >= 2 && node.args[2][0]?.op === 'id' && node.args[2][0].args === name) found = true;
  });
  return found;
}

function visit(node: ASTNode, see: (node: ASTNode) => void): void {
  see(node);
  for (const child of [node.args].flat(3) as unknown[]) {
    if (typeof child === 'object' && child !== null && 'op' in child && 'args' in child) visit(child as ASTNode, see);
  }
}

function guarded<T>(source: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new Failure('expression-failed', line(source, cause), { cause });
  }
}

/** One line: the library's messages go on with a drawing of the place. */
function line(source: string, reason: unknown): string {
  const text = reason instanceof Error ? reason.message : String(reason);
  return `${source}: ${text.split('\n')[0] ?? ''}`.slice(0, 500);
}
