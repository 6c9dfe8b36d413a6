import { addUsage, ModelFailure, NO_USAGE, type LanguageModel, type ModelStep, type Usage, type AnswerSchema } from './model.js';
import { mostOf } from './prices.js';

/** Caps that are never passed. Without one nothing is refused. */
export interface Budget { tokens?: number; usd?: number }

export interface BudgetedModel extends LanguageModel {
  /** What was spent up to now, broken attempts included. */
  spent(): Usage;
}

/**
 * A hard cap: a question is asked only when the longest answer to it still fits. Bytes are an upper bound of tokens; only when that does not fit is the question counted.
 * Throws `ModelFailure('over-budget')`, and for a cap in money `ModelFailure('model-misconfigured')` where the model has no price.
 */
export function withBudget(inner: LanguageModel, budget: Budget): BudgetedModel {
  let spent = NO_USAGE;
  let reserved = { tokens: 0, usd: 0 };
  if (budget.usd !== undefined && inner.price === undefined && inner.provider !== 'scripted') throw new ModelFailure('model-misconfigured', `a budget in money needs the price of ${inner.model}; set MODEL_PRICE`);

  const most = (inputTokens: number, step: ModelStep) => ({ tokens: inputTokens + step.maxOutputTokens, usd: inner.price ? mostOf(inputTokens, step.maxOutputTokens, inner.price) : 0 });
  const fits = (one: { tokens: number; usd: number }) => (budget.tokens === undefined || tokensOf(spent) + reserved.tokens + one.tokens <= budget.tokens) && (budget.usd === undefined || (spent.costUsd ?? 0) + reserved.usd + one.usd <= budget.usd);

  async function reservation(step: ModelStep, schema: AnswerSchema, signal?: AbortSignal): Promise<{ tokens: number; usd: number }> {
    if (budget.tokens === undefined && budget.usd === undefined) return { tokens: 0, usd: 0 };
    const bound = most(Buffer.byteLength(JSON.stringify([step.system, step.turns, schema.json])), step);
    const one = fits(bound) ? bound : most((await inner.countTokens(step, schema, signal)).tokens, step);
    if (!fits(one)) throw new ModelFailure('over-budget', `${step.name}: ${tokensOf(spent)} tokens are spent, this one may take ${one.tokens}`);
    return one;
  }

  return {
    ...inner,
    spent: () => spent,
    generate: async (step, schema, options) => {
      const one = await reservation(step, schema, options?.signal);
      reserved = { tokens: reserved.tokens + one.tokens, usd: reserved.usd + one.usd };
      try {
        const answer = await inner.generate(step, schema, options);
        spent = addUsage(spent, answer.usage);
        return answer;
      } catch (error) {
        if (error instanceof ModelFailure) spent = addUsage(spent, error.usage);
        throw error;
      } finally {
        reserved = { tokens: reserved.tokens - one.tokens, usd: reserved.usd - one.usd };
      }
    },
  };
}

const tokensOf = ({ inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens }: Usage) => inputTokens + cacheReadTokens + cacheWriteTokens + outputTokens;
