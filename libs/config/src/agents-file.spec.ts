import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { agentContract, agentNames, AGENTS, consumers, Failure, moduleOf, services } from '#contracts';
import { loadConfig } from './load.js';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pullwright-agents-'));
  file = join(folder, 'agents.yaml');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function load(text: string): Promise<void> {
  await writeFile(file, text);
  loadConfig({ AGENTS_FILE: file });
}

test('an operator’s agents are known everywhere, with their defaults, beside the built-in ones', async () => {
  await load(`
agents:
  linter/check:
    inputs: { map: { kind: repo-map@1 } }
    facts: [problems]
    isolation: inline
modules:
  linter: ./linter.agent.js
`);
  expect(agentContract('linter/check')).toEqual({ inputs: { map: { kind: 'repo-map@1' } }, outputs: {}, facts: ['problems'], environment: [], isolation: 'inline', version: 1 });
  expect(agentNames()).toEqual([...Object.keys(AGENTS), 'linter/check']);
  expect(services()).toContain('linter');
  expect(moduleOf('linter')).toBe(pathToFileURL(join(folder, 'linter.agent.js')).href);
  expect(consumers().find(({ durable }) => durable === 'linter-check')).toMatchObject({ stream: 'PULLWRIGHT_TASKS', filterSubject: 'pullwright.task.linter.check', service: 'linter' });
});

test('the same file again changes nothing, another contract for a registered name is refused', async () => {
  await load('agents: { twice/told: { facts: [n] } }');
  await load('agents: { twice/told: { facts: [n] } }');
  await expect(load('agents: { twice/told: { facts: [m] } }')).rejects.toMatchObject({ code: 'bad-request', detail: expect.stringContaining('agents.twice/told') as string });
  expect(agentContract('twice/told')?.facts).toEqual(['n']);
});

test.each<[string, string, string]>([
  ['no YAML', 'agents: [', 'name a YAML file'],
  ['no agents', '{}', 'agents: '],
  ['an unknown kind', 'agents: { a/b: { inputs: { x: { kind: poem@1 } } } }', 'agents.a/b.inputs.x.kind: '],
  ['a misspelt key', 'agents: { a/b: { input: {} } }', 'agents.a/b: '],
  ['a name that is none', 'agents: { A: {} }', 'agents.A: '],
  ['an agent of a built-in service', 'agents: { crawler/lint: {} }', 'use another service'],
  ['a reserved service', 'agents: { coordinator/results: {} }', 'use another name'],
  ['two agents with one queue', 'agents: { a/b-c: {}, a-b/c: {} }', 'share its queue with a/b-c'],
  ['a module of nobody', 'agents: { a/b: {} }\nmodules: { c: ./c.js }', 'modules.c: '],
  ['a credential of the services', 'agents: { a/b: { environment: [NATS_PASSWORD] } }', 'agents.a/b.environment: NATS_PASSWORD'],
])('%s is refused with the field and a remedy, and nothing of the file is registered', async (_what, text, told) => {
  await expect(load(text)).rejects.toMatchObject({ code: 'bad-request', detail: expect.stringContaining(told) as string });
  expect(agentContract('a/b')).toBeUndefined();
});

test('a file that is not there is refused', () => {
  expect(() => loadConfig({ AGENTS_FILE: join(folder, 'nowhere.yaml') })).toThrow(Failure);
});
