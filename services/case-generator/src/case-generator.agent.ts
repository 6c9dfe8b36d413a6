import type { AgentHandlers } from '#agent';
import type { Feature } from '#contracts';
import { design } from './design.js';

export const agents: AgentHandlers = {
  'case-generator/design': async (inputs, context) => {
    const { feature } = inputs as { feature: Feature };
    const cases = design(feature);
    context.progress('designing', feature.behaviours.length, feature.behaviours.length);
    return { outputs: { cases }, facts: { cases: cases.cases.length, leftOut: cases.leftOut.length } };
  },
};
