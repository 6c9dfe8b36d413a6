import type { Config } from './options.js';

/** What the settings of the model must be together; each by itself is checked by its schema. Nothing is wrong where no provider is named: then no model is asked. */
export function modelProblems(config: Partial<Config>): string[] {
  const { MODEL_PROVIDER: provider, MODEL: model, MODEL_FALLBACK: fallback = [] } = config;
  if (provider === undefined) return model === undefined ? [] : ['MODEL_PROVIDER: say whose model MODEL is: anthropic, openai or scripted'];
  const asked = new Set([provider, ...fallback.map((one) => one.provider)]);
  return [
    ...(model === undefined ? ['MODEL: name the model that MODEL_PROVIDER is to be asked for'] : []),
    ...(asked.has('anthropic') && config.ANTHROPIC_API_KEY === undefined ? ['ANTHROPIC_API_KEY: is needed for a model of anthropic'] : []),
    ...(asked.has('openai') && config.OPENAI_API_KEY === undefined && new URL(config.OPENAI_BASE_URL ?? '').hostname === 'api.openai.com' ? ['OPENAI_API_KEY: is needed for api.openai.com; or set OPENAI_BASE_URL to a server of yours'] : []),
    ...(provider === 'scripted' && config.MODEL_RECORDINGS === undefined ? ['MODEL_RECORDINGS: name the folder with the recorded answers'] : []),
    ...(provider === 'scripted' && fallback.length > 0 ? ['MODEL_FALLBACK: recorded answers have none'] : []),
  ];
}
