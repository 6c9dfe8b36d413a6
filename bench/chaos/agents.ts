import { fileURLToPath } from 'node:url';
import type { AgentsFile } from '#contracts';
import { LEDGER } from './effects.js';

const item = { kind: 'pull-request@1' } as const;
const optional = { ...item, optional: true } as const;
const many = { ...item, many: true } as const;
const inline = { facts: [], environment: [], isolation: 'inline', version: 1 } as const;

/** The services of the suite: `worker` has quick agents inside the service, in two instances; `apart` has one in a process of its own. `folder`: of the compiled agents. */
export function agentsFile(folder: URL): AgentsFile {
  return {
    agents: {
      'worker/work': { ...inline, inputs: { item: optional }, outputs: { item } },
      'worker/flaky': { ...inline, inputs: { item: optional }, outputs: { item } },
      'worker/doomed': { ...inline, inputs: { item: optional }, outputs: { item } },
      'worker/list': { ...inline, inputs: {}, outputs: { items: many } },
      'worker/gather': { ...inline, inputs: { items: many }, outputs: { item } },
      'worker/undo': { ...inline, inputs: { item: optional }, outputs: {} },
      'apart/work': { ...inline, inputs: { item: optional }, outputs: { item }, isolation: 'process', environment: [LEDGER] },
    },
    modules: { worker: fileURLToPath(new URL('worker.agent.js', folder)), apart: fileURLToPath(new URL('apart.agent.js', folder)) },
  };
}
