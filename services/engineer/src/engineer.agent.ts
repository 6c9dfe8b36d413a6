import type { AgentHandlers } from '#agent';
import type { RepoMap, TestCases } from '#contracts';
import { write } from './write.js';

export const agents: AgentHandlers = {
  'engineer/write': async (inputs, context) => {
    const { map, cases } = inputs as { map: RepoMap; cases: TestCases[] };
    context.progress('writing', 0, cases.length);
    const { manifest, files, locators, refused } = write(map, cases);
    context.progress('writing', cases.length, cases.length);
    return { outputs: { bundle: { manifest, files } }, facts: { tests: manifest.tests.length, files: files.size, locators, refused } };
  },
};
