import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { AgentContext, AgentHandlers } from '#agent';
import { loadConfig, type Config } from '#config';
import type { Feature, TestCases } from '#contracts';
import type { BudgetedModel, Observer } from '#llm';
import { design } from './design.js';
import { hasRoom } from './question.js';

/** The build does not copy it: from there it is found among the sources. */
const PROMPT = fileURLToPath(new URL('./design.prompt.md', import.meta.url)).replace(/[/\\]dist(?=[/\\]services[/\\])/, '');
const NOTHING_SPENT = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, costUsd: 0 };

export const agents: AgentHandlers = {
  'case-generator/design': async (inputs, context) => {
    const { feature } = inputs as { feature: Feature };
    const designed = design(feature);
    context.progress('designing', feature.behaviours.length, feature.behaviours.length);
    const config = loadConfig();
    const isAsked = config.MODEL_PROVIDER !== undefined && feature.depth !== 'smoke' && hasRoom(feature);
    if (!isAsked) return { outputs: { cases: designed }, facts: { cases: designed.cases.length, leftOut: designed.leftOut.length, proposed: 0, accepted: 0, ...NOTHING_SPENT } };
    return withModel(feature, designed, config, context);
  },
};

async function withModel(feature: Feature, designed: TestCases, config: Config, context: AgentContext) {
  // Nobody pays for loading them where no model is asked.
  const [{ openModel }, { propose }] = await Promise.all([import('#llm'), import('./propose.js')]);
  const model = await openModel(config, logTo(context)) as BudgetedModel;
  context.progress('asking', 0, 1);
  const { cases, leftOut, proposed, provisional } = await propose(feature, designed, {
    model, system: await readFile(PROMPT, 'utf8'), maxOutputTokens: config.MODEL_MAX_OUTPUT_TOKENS, effort: config.MODEL_EFFORT, canWait: config.MODEL_BATCH, signal: context.signal,
  });
  context.progress('asking', 1, 1);
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, costUsd } = model.spent();
  const output: TestCases = { ...designed, cases: [...designed.cases, ...cases], leftOut: [...designed.leftOut, ...leftOut] };
  return {
    outputs: { cases: output }, provisional,
    facts: { cases: output.cases.length, leftOut: output.leftOut.length, proposed, accepted: cases.length, inputTokens: inputTokens + cacheReadTokens + cacheWriteTokens, outputTokens, cacheReadTokens, costUsd: costUsd ?? 0 },
  };
}

/** Spans to the operator's log; there is no other receiver yet. */
function logTo({ log }: AgentContext): Observer {
  return { span: (name, attributes, seconds) => { log(`${name} ${seconds.toFixed(2)} s ${JSON.stringify(attributes)}`); }, metric: () => undefined };
}
