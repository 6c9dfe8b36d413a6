import type { Config } from '#config';
import { Failure } from '#contracts';
import { withBudget, type BudgetedModel } from './budget.js';
import { withFallback } from './fallback.js';
import type { LanguageModel } from './model.js';
import { priceOf } from './prices.js';
import { withRecording } from './recordings.js';
import { withRedaction } from './redaction.js';
import { withRetry } from './retry.js';
import { withTrace, type Observer } from './trace.js';

/**
 * The model that the settings name, with everything around it; `undefined` when they name none. A question goes
 *   budget (is it still allowed?) → redaction (no credential leaves) → trace → recording → fallback (who answers?) → retry (of each) → adapter
 * An adapter, and the vendor's SDK with it, is loaded when it is named. Throws `Failure('bad-request')` and `ModelFailure('model-misconfigured')` for settings that cannot be.
 */
export async function openModel(config: Config, observer: Observer): Promise<BudgetedModel | undefined> {
  const { MODEL_PROVIDER: provider, MODEL: model } = config;
  if (provider === undefined || model === undefined) return undefined;
  const asked = provider === 'scripted' ? await scripted(model, config) : withFallback([await adapter(provider, model, config), ...await Promise.all((config.MODEL_FALLBACK ?? []).map((one) => adapter(one.provider, one.model, config)))]);
  const recorded = provider !== 'scripted' && config.MODEL_RECORDINGS !== undefined ? withRecording(asked, config.MODEL_RECORDINGS) : asked;
  const keys = [config.ANTHROPIC_API_KEY, config.OPENAI_API_KEY].filter((key) => key !== undefined);
  return withBudget(withRedaction(withTrace(recorded, observer), keys), { tokens: config.MODEL_STEP_TOKENS, usd: config.MODEL_STEP_USD });
}

async function scripted(model: string, { MODEL_RECORDINGS: folder }: Config): Promise<LanguageModel> {
  if (folder === undefined) throw new Failure('bad-request', 'MODEL_RECORDINGS: name the folder with the recorded answers');
  const { scriptedModel } = await import('./scripted.js');
  return scriptedModel({ folder, model });
}

async function adapter(provider: 'anthropic' | 'openai', model: string, config: Config): Promise<LanguageModel> {
  const price = priceOf(model) ?? config.MODEL_PRICE;
  if (provider === 'openai') {
    const { openAiModel } = await import('./openai.js');
    return withRetry(openAiModel({ baseUrl: config.OPENAI_BASE_URL, apiKey: config.OPENAI_API_KEY, model, price, temperature: config.MODEL_TEMPERATURE }));
  }
  if (config.ANTHROPIC_API_KEY === undefined) throw new Failure('bad-request', 'ANTHROPIC_API_KEY: is needed for a model of anthropic');
  const { anthropicModel } = await import('./anthropic.js');
  return withRetry(anthropicModel({ apiKey: config.ANTHROPIC_API_KEY, baseUrl: config.ANTHROPIC_BASE_URL, model, price }));
}
