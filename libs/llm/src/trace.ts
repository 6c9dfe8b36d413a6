import { CHAT, GEN_AI, METRICS } from './conventions.js';
import { ModelFailure, type Answer, type LanguageModel, type Usage } from './model.js';

export type Attributes = Record<string, string | number | string[]>;

/** Where spans and metrics go. Seconds, tokens, US dollars. Nothing of what was asked or answered is among them. */
export interface Observer {
  span(name: string, attributes: Attributes, seconds: number): void;
  metric(name: string, value: number, attributes: Attributes): void;
}

/** One span `chat <model>` for each question, and its metrics, whatever comes of it. */
export function withTrace(inner: LanguageModel, observer: Observer): LanguageModel {
  return {
    ...inner,
    generate: async (step, schema, options) => {
      const about: Attributes = { [GEN_AI.operation]: CHAT, [GEN_AI.provider]: inner.provider, [GEN_AI.requestModel]: inner.model, [GEN_AI.agent]: step.name };
      const started = performance.now();
      const seconds = () => (performance.now() - started) / 1_000;
      const tell = (usage: Usage, end: Attributes) => {
        observer.span(`${CHAT} ${inner.model}`, { ...about, [GEN_AI.maxTokens]: step.maxOutputTokens, ...tokens(usage), ...end }, seconds());
        const labels = { ...about, ...(end[GEN_AI.errorType] !== undefined && { [GEN_AI.errorType]: end[GEN_AI.errorType] as string }) };
        observer.metric(METRICS.duration, seconds(), labels);
        observer.metric(METRICS.tokenUsage, inputOf(usage), { ...labels, [GEN_AI.tokenType]: 'input' });
        observer.metric(METRICS.tokenUsage, usage.outputTokens, { ...labels, [GEN_AI.tokenType]: 'output' });
        if (usage.costUsd !== null) observer.metric(METRICS.cost, usage.costUsd, labels);
      };
      let begun = false;
      const onFirstToken = () => {
        if (!begun) observer.metric(METRICS.timeToFirstChunk, seconds(), about);
        begun = true;
        options?.onFirstToken?.();
      };
      try {
        const answer = await inner.generate(step, schema, { ...options, onFirstToken });
        tell(answer.usage, ended(answer));
        return answer;
      } catch (error) {
        if (error instanceof ModelFailure) tell(error.usage, { [GEN_AI.errorType]: error.code });
        throw error;
      }
    },
  };
}

const inputOf = ({ inputTokens, cacheReadTokens, cacheWriteTokens }: Usage) => inputTokens + cacheReadTokens + cacheWriteTokens;
const tokens = (usage: Usage): Attributes => ({
  [GEN_AI.inputTokens]: inputOf(usage), [GEN_AI.outputTokens]: usage.outputTokens, [GEN_AI.cacheReadTokens]: usage.cacheReadTokens, [GEN_AI.cacheWriteTokens]: usage.cacheWriteTokens, [GEN_AI.reasoningTokens]: usage.reasoningTokens,
});
const ended = ({ stop, ids }: Answer): Attributes => ({ [GEN_AI.finishReasons]: [stop], [GEN_AI.responseModel]: ids.model, ...(ids.message !== undefined && { [GEN_AI.responseId]: ids.message }) });
