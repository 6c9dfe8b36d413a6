import type { AgentHandlers } from '#agent';
import { act, artifact } from './acting.js';

/** The agent that runs in a process of its own. */
export const agents: AgentHandlers = {
  'apart/work': async (_inputs, context) => {
    await act(context);
    return { outputs: { item: artifact(context) }, facts: {} };
  },
};
