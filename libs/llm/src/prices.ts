import type { Price, Usage } from './model.js';

/**
 * US dollars per million tokens, as read on 2026-11-20 on https://platform.claude.com/docs/en/models (each model's own page). Where two pages of the vendor differ the dearer figure stands here,
 * so that a cap is never passed; the writing of a cache that no page names is taken as 1.25 times the input, as for the others. For any other model the operator says it (`MODEL_PRICE`).
 */
const PRICES: ReadonlyArray<{ model: RegExp; price: Price }> = [
  { model: /^claude-opus-5-5(-\d{8})?$/, price: { input: 4, output: 20, cacheRead: 0.2, cacheWrite: 5, batch: 0.5 } },
  { model: /^claude-sonnet-5-5(-\d{8})?$/, price: { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5, batch: 0.5 } },
  { model: /^claude-haiku-5-5(-\d{8})?$/, price: { input: 0.1, output: 0.5, cacheRead: 0.01, cacheWrite: 0.125, batch: 0.5, above: { inputTokens: 100_000, factor: 5 } } },
];

/** `undefined` for a model that the table does not have. */
export function priceOf(model: string): Price | undefined {
  return PRICES.find((one) => one.model.test(model))?.price;
}

/** What this usage costs; `null` without a price. */
export function costOf(usage: Omit<Usage, 'costUsd'>, price: Price | undefined, waited = false): number | null {
  if (!price) return null;
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
  const factor = (price.above && inputTokens + cacheReadTokens + cacheWriteTokens > price.above.inputTokens ? price.above.factor : 1) * (waited ? price.batch ?? 1 : 1);
  return (factor * (inputTokens * price.input + cacheReadTokens * price.cacheRead + cacheWriteTokens * price.cacheWrite + outputTokens * price.output)) / 1_000_000;
}

/** The most that a question of so many tokens with so long an answer can cost: nothing in a cache, all of it written there. */
export function mostOf(inputTokens: number, outputTokens: number, price: Price): number {
  const factor = price.above && inputTokens > price.above.inputTokens ? price.above.factor : 1;
  return (factor * (inputTokens * Math.max(price.input, price.cacheWrite) + outputTokens * price.output)) / 1_000_000;
}
