import type { AgentHandlers } from '../src/agent.js';

export const agents: AgentHandlers = {
  'case-generator/desing': async () => ({ outputs: {}, facts: {} }),
};
