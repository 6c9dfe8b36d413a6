import type { LanguageModel, ModelStep } from './model.js';
import { redact } from './secrets.js';

/** No credential that a repository holds, and none of these values, goes to the service or comes back from it. */
export function withRedaction(inner: LanguageModel, values: readonly string[] = []): LanguageModel {
  const clean = (step: ModelStep): ModelStep => ({ ...step, turns: step.turns.map(({ role, text }) => ({ role, text: redact(text, values) })) });
  return { ...inner, generate: (step, schema, options) => inner.generate(clean(step), schema, options), countTokens: (step, schema, signal) => inner.countTokens(clean(step), schema, signal) };
}
