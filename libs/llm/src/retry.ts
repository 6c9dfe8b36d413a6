import { setTimeout as sleep } from 'node:timers/promises';
import { addUsage, ModelFailure, NO_USAGE, type LanguageModel } from './model.js';

export interface RetryOptions { attempts?: number; firstPauseMs?: number; longestPauseMs?: number }

/**
 * Asks again after a rate limit, an overload, a lost connection or a stream that broke off in the middle. It waits for as long as the service asks, and gives up at once when that is longer than
 * `longestPauseMs`: somebody else may answer sooner. What the broken attempts have cost is added to what comes out, answer or failure.
 */
export function withRetry(inner: LanguageModel, { attempts = 4, firstPauseMs = 500, longestPauseMs = 30_000 }: RetryOptions = {}): LanguageModel {
  return {
    ...inner,
    generate: async (step, schema, options) => {
      let wasted = NO_USAGE;
      for (let attempt = 1; ; attempt++) {
        try {
          const answer = await inner.generate(step, schema, options);
          return { ...answer, usage: addUsage(answer.usage, wasted) };
        } catch (error) {
          if (!(error instanceof ModelFailure)) throw error;
          wasted = addUsage(wasted, error.usage);
          const pause = error.retryAfterMs ?? Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1)) * (1 - Math.random() / 4);
          if (!error.retryable || attempt === attempts || pause > longestPauseMs) throw error.again({ usage: wasted });
          await sleep(pause, undefined, { signal: options?.signal }).catch(() => { throw options?.signal?.reason; });
        }
      }
    },
  };
}
