import { addUsage, ModelFailure, NO_USAGE, type LanguageModel, type Price } from './model.js';

/** Asks the next model where one is over its limit or away; a key or a request that is wrong is not hidden that way. `ids` of the answer say who has answered. It counts as the first one, at the dearest one's price. */
export function withFallback(chain: readonly [LanguageModel, ...LanguageModel[]]): LanguageModel {
  const [first] = chain;
  return {
    ...first, price: dearest(chain.map(({ price }) => price)),
    generate: async (step, schema, options) => {
      let wasted = NO_USAGE;
      for (const model of chain) {
        try {
          const answer = await model.generate(step, schema, options);
          return { ...answer, usage: addUsage(answer.usage, wasted) };
        } catch (error) {
          if (!(error instanceof ModelFailure)) throw error;
          wasted = addUsage(wasted, error.usage);
          if (!error.retryable || model === chain.at(-1)) throw error.again({ usage: wasted });
        }
      }
      throw new TypeError('a chain has a model');
    },
  };
}

function dearest(prices: ReadonlyArray<Price | undefined>): Price | undefined {
  const known = prices.filter((price) => price !== undefined);
  if (known.length < prices.length) return undefined;
  const most = (figure: (price: Price) => number) => Math.max(...known.map(figure));
  const longest = known.filter(({ above }) => above).map(({ above }) => above as NonNullable<Price['above']>);
  return {
    input: most(({ input }) => input), output: most(({ output }) => output), cacheRead: most(({ cacheRead }) => cacheRead), cacheWrite: most(({ cacheWrite }) => cacheWrite),
    ...(longest.length > 0 && { above: { inputTokens: Math.min(...longest.map(({ inputTokens }) => inputTokens)), factor: Math.max(...longest.map(({ factor }) => factor)) } }),
  };
}
