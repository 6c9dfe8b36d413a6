import { parse } from 'yaml';
import { agentContract, Failure, Params, Pipeline, type AgentContract, type PipelineStep, type Slot } from '#contracts';
import { compileCondition, type Condition } from './expression.js';

/**
 * The format of a pipeline, read and checked. What a file says wrongly is refused when it is loaded, not in the middle of a run:
 * unknown agents, circles, references to what is not there or of another kind, conditions that cannot be evaluated.
 *
 * Skipped steps: a skipped step satisfies `needs`. Its outputs are empty lists, and single outputs are missing; therefore a single
 * output of a step with `when` may only feed an optional input.
 */
export type RunSpec = Extract<PipelineStep, { run: string }>;
type ApprovalSpec = Extract<PipelineStep, { approve: unknown }>;

/** A pipeline ready to decide on: everything that needs parsing is parsed. Immutable, shared by all runs that pinned it. */
export interface CompiledPipeline {
  definition: Pipeline;
  /** Keys so that each comes after all it needs; ties keep the order of the file. */
  order: readonly string[];
  conditions: ReadonlyMap<string, Condition>;
  /** Every step behind a step, directly or not. */
  downstream: ReadonlyMap<string, ReadonlySet<string>>;
}

export const isApproval = (step: PipelineStep): step is ApprovalSpec => 'approve' in step;

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** `30m` in milliseconds. The schema has checked the form. */
export function milliseconds(duration: string): number {
  return Number.parseInt(duration, 10) * UNITS[duration.replace(/^\d+/, '') as keyof typeof UNITS];
}

/** Throws `Failure('bad-request')` that names every problem of the file; `source` is the file's name, for people. */
export function parsePipeline(text: string, source: string): CompiledPipeline {
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 20 });
  } catch (cause) {
    throw new Failure('bad-request', `${source}: ${cause instanceof Error ? cause.message.split('\n')[0] : String(cause)}`, { cause });
  }
  const parsed = Pipeline.safeParse(document);
  if (!parsed.success) throw new Failure('bad-request', `${source}: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`);
  const problems = [...structureProblems(parsed.data)];
  if (problems.length === 0) problems.push(...conditionProblems(parsed.data), ...bindingProblems(parsed.data), ...paramProblems(parsed.data));
  if (problems.length > 0) throw new Failure('bad-request', `${source}: ${problems.join('; ')}`);
  return compile(parsed.data);
}

/** For a definition that was checked when it was pinned. */
export function compile(definition: Pipeline): CompiledPipeline {
  const keys = Object.keys(definition.steps);
  const conditions = new Map<string, Condition>();
  for (const [key, step] of Object.entries(definition.steps)) if (step.when) conditions.set(key, compileCondition(step.when));
  const order: string[] = [];
  while (order.length < keys.length) {
    const next = keys.find((key) => !order.includes(key) && needsOf(definition, key).every((need) => order.includes(need)));
    if (!next) throw new Failure('bad-request', `${definition.name}: steps need each other in a circle`);
    order.push(next);
  }
  const downstream = new Map<string, Set<string>>(keys.map((key) => [key, new Set()]));
  for (const key of order) for (const before of ancestors(definition, key)) downstream.get(before)?.add(key);
  return { definition, order, conditions, downstream };
}

/** Fills in defaults. Throws `Failure('bad-request')` naming the parameter that is unknown or out of bounds. */
export function resolveParams(definition: Pipeline, given: Params): Params {
  const params: Params = {};
  for (const name of Object.keys(given)) if (!Object.hasOwn(definition.params, name)) throw new Failure('bad-request', `params.${name}: ${definition.name} has no such parameter`);
  for (const [name, param] of Object.entries(definition.params)) {
    const value = Object.hasOwn(given, name) ? given[name] : param.default;
    const problem = valueProblem(param, value);
    if (problem) throw new Failure('bad-request', `params.${name}: ${problem}`);
    params[name] = value as Params[string];
  }
  return params;
}

type ParamSpec = Pipeline['params'][string];
function valueProblem(param: ParamSpec, value: unknown): string | undefined {
  if ('enum' in param) return typeof value === 'string' && param.enum.includes(value) ? undefined : `must be one of ${param.enum.join(', ')}`;
  if (typeof value !== param.type) return `must be a ${param.type}`;
  if (param.type === 'number' && (!Number.isFinite(value) || (value as number) < (param.min ?? -Infinity) || (value as number) > (param.max ?? Infinity))) return `must be between ${param.min ?? '-∞'} and ${param.max ?? '∞'}`;
  if (param.type === 'string' && (value as string).length > Math.min(param.maxLength, 256)) return `must be at most ${Math.min(param.maxLength, 256)} characters`;
  return undefined;
}

function* paramProblems(definition: Pipeline): Generator<string> {
  for (const [name, param] of Object.entries(definition.params)) {
    const problem = valueProblem(param, param.default);
    if (problem) yield `params.${name}.default: ${problem}`;
  }
}

function needsOf(definition: Pipeline, key: string): readonly string[] {
  return definition.steps[key]?.needs ?? [];
}

/** Every step in front of `key`, directly or not; ends on circles too. */
function ancestors(definition: Pipeline, key: string): Set<string> {
  const seen = new Set<string>();
  const open = [...needsOf(definition, key)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...needsOf(definition, next));
  }
  return seen;
}

function* structureProblems(definition: Pipeline): Generator<string> {
  const steps = Object.entries(definition.steps);
  if (steps.length === 0) yield 'steps: a pipeline needs at least one step';
  for (const [key, step] of steps) {
    for (const need of step.needs) if (!Object.hasOwn(definition.steps, need)) yield `steps.${key}.needs: there is no step ${need}`;
    if (ancestors(definition, key).has(key)) yield `steps.${key}.needs: it needs itself, in a circle`;
    if (isApproval(step)) continue;
    if (!agentContract(step.run)) yield `steps.${key}.run: there is no agent ${step.run}`;
    if (step.undo && !agentContract(step.undo)) yield `steps.${key}.undo: there is no agent ${step.undo}`;
    if (milliseconds(step.timeout) === 0) yield `steps.${key}.timeout: must be longer than zero`;
  }
}

function* conditionProblems(definition: Pipeline): Generator<string> {
  for (const [key, step] of Object.entries(definition.steps)) {
    if (!step.when) continue;
    try {
      const before = ancestors(definition, key);
      for (const used of compileCondition(step.when).steps) if (!before.has(used)) yield `steps.${key}.when: it looks at ${used}, which is not among the steps it needs`;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      yield `steps.${key}.when: ${error.detail}`;
    }
  }
}

function* bindingProblems(definition: Pipeline): Generator<string> {
  for (const [key, step] of Object.entries(definition.steps)) {
    if (isApproval(step)) continue;
    const agent = agentContract(step.run) as AgentContract;
    const before = ancestors(definition, key);
    const element = step.forEach ? referenced(definition, step.forEach, before) : undefined;
    if (step.forEach === 'each') yield `steps.${key}.forEach: names a list, such as crawl.features`;
    else if (typeof element === 'string') yield `steps.${key}.forEach: ${element}`;
    else if (element && !element.many) yield `steps.${key}.forEach: ${step.forEach} is a single artifact, not a list`;
    for (const [name, reference] of Object.entries(step.with)) {
      const slot = Object.hasOwn(agent.inputs, name) ? agent.inputs[name] : undefined;
      if (!slot) { yield `steps.${key}.with.${name}: ${step.run} has no such input`; continue; }
      const bound = reference !== 'each' ? referenced(definition, reference, before)
        : typeof element === 'object' ? { kind: element.kind } : '`each` needs forEach';
      const problem = typeof bound === 'string' ? bound : mismatch(slot, bound);
      if (problem) yield `steps.${key}.with.${name}: ${problem}`;
    }
    for (const [name, slot] of Object.entries(agent.inputs)) if (!slot.optional && !Object.hasOwn(step.with, name)) yield `steps.${key}.with: ${step.run} needs the input ${name}`;
    if (step.undo) yield* undoProblems(key, agent, agentContract(step.undo) as AgentContract);
  }
}

/** The slot a reference stands for: `optional` when the step behind it may be skipped. A string says what is wrong. */
function referenced(definition: Pipeline, reference: string, before: ReadonlySet<string>): Slot | string {
  const [key, output] = reference.split('.') as [string, string];
  const step = definition.steps[key];
  if (!step || !before.has(key)) return `${key} is not among the steps it needs`;
  const outputs = isApproval(step) ? {} : agentContract(step.run)?.outputs ?? {};
  const slot = Object.hasOwn(outputs, output) ? outputs[output] : undefined;
  if (isApproval(step) || !slot) return `${key} has no output ${output}`;
  return { kind: slot.kind, many: slot.many || step.forEach !== undefined, optional: slot.optional || step.when !== undefined };
}

function mismatch(wanted: Slot, bound: Slot): string | undefined {
  if (wanted.kind !== bound.kind) return `takes ${wanted.kind}, and this is ${bound.kind}`;
  if (Boolean(wanted.many) !== Boolean(bound.many)) return wanted.many ? 'takes a list, and this is a single artifact' : 'takes a single artifact, and this is a list';
  if (bound.optional && !bound.many && !wanted.optional) return 'may be missing, because that step may be skipped, but the input is not optional';
  return undefined;
}

/** An undo gets the outputs of its step, by name, and its inputs where there is no such output. The step may have ended without outputs. */
function* undoProblems(key: string, step: AgentContract, undo: AgentContract): Generator<string> {
  for (const [name, slot] of Object.entries(undo.inputs)) {
    const source = step.outputs[name] ?? step.inputs[name];
    if (source && source.kind !== slot.kind) yield `steps.${key}.undo: its input ${name} takes ${slot.kind}, and this is ${source.kind}`;
    if (!slot.optional && (step.outputs[name] || !step.inputs[name] || step.inputs[name].optional)) yield `steps.${key}.undo: its input ${name} may be missing when the step has failed, so it must be optional`;
  }
}
