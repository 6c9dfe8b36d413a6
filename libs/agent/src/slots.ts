import type { ArtifactStore } from '#artifacts';
import { Fact, Failure, type AgentContract, type ArtifactMap } from '#contracts';

/** Between artifacts by id, as messages carry them, and contents by name, as agents see them; both as the agent's contract says. */

/** Fetches what a task names. Throws `Failure('bad-request')` for inputs that the contract does not have or misses, and what the store throws. */
export async function fetchInputs(store: ArtifactStore, contract: AgentContract, inputs: ArtifactMap): Promise<Record<string, unknown>> {
  const unknown = Object.keys(inputs).find((name) => !Object.hasOwn(contract.inputs, name));
  if (unknown !== undefined) throw new Failure('bad-request', `no input ${unknown}`);
  const contents: Record<string, unknown> = {};
  for (const [name, slot] of Object.entries(contract.inputs)) {
    const given = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (given === undefined) {
      if (!slot.optional) throw new Failure('bad-request', `input ${name} is missing`);
    } else if (Array.isArray(given) !== Boolean(slot.many)) {
      throw new Failure('bad-request', `input ${name} must be ${slot.many ? 'a list' : 'one artifact'}`);
    } else {
      contents[name] = Array.isArray(given) ? await Promise.all(given.map((id) => store.get(slot.kind, id))) : await store.get(slot.kind, given);
    }
  }
  return contents;
}

/** What an agent returned, which may be anything, as outputs and facts. Throws `Failure('output-invalid')`. */
export function openOutput(output: unknown): { outputs: Record<string, unknown>; facts: Record<string, unknown>; provisional: boolean } {
  const { outputs, facts, provisional } = record(output, 'what the agent returned');
  return { outputs: record(outputs, 'outputs'), facts: record(facts, 'facts'), provisional: provisional === true };
}

/** Stores what an agent returned. Throws `Failure('output-invalid')` for outputs that the contract does not have, misses, or that do not match their kind. */
export async function storeOutputs(store: ArtifactStore, contract: AgentContract, given: Record<string, unknown>): Promise<ArtifactMap> {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(contract.outputs, name));
  if (unknown !== undefined) throw new Failure('output-invalid', `no output ${unknown.slice(0, 60)}`);
  const ids: ArtifactMap = {};
  for (const [name, slot] of Object.entries(contract.outputs)) {
    const content = given[name];
    if (content === undefined) {
      if (!slot.optional) throw new Failure('output-invalid', `output ${name} is missing`);
    } else if (slot.many) {
      if (!Array.isArray(content)) throw new Failure('output-invalid', `output ${name} must be a list`);
      ids[name] = await Promise.all(content.map((item) => storeOne(store, slot.kind, item, name)));
    } else {
      ids[name] = await storeOne(store, slot.kind, content, name);
    }
  }
  return ids;
}

/** Exactly the facts of the contract, each of them a number, a flag or a short word. */
export function checkFacts(contract: AgentContract, given: Record<string, unknown>): Record<string, Fact> {
  const checked: Record<string, Fact> = {};
  for (const name of contract.facts) {
    const fact = Fact.safeParse(given[name]);
    if (!fact.success) throw new Failure('output-invalid', `fact ${name} is ${name in given ? 'not a number, a flag or a short word' : 'missing'}`);
    checked[name] = fact.data;
  }
  const unknown = Object.keys(given).find((name) => !contract.facts.includes(name));
  if (unknown !== undefined) throw new Failure('output-invalid', `no fact ${unknown.slice(0, 60)}`);
  return checked;
}

async function storeOne(store: ArtifactStore, kind: Parameters<ArtifactStore['put']>[0], content: unknown, name: string): Promise<string> {
  try {
    return await store.put(kind, content as Parameters<ArtifactStore['put']>[1]);
  } catch (error) {
    if (error instanceof Failure && error.code === 'artifact-invalid') throw new Failure('output-invalid', `${name}: ${error.detail ?? ''}`, { cause: error });
    throw error;
  }
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Failure('output-invalid', `${what} is not an object`);
  return value as Record<string, unknown>;
}
