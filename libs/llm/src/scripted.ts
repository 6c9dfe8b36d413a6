import { join } from 'node:path';
import { readAnswer } from './answer-schema.js';
import { ModelFailure, type LanguageModel } from './model.js';
import { readRecording, requestHash } from './recordings.js';

/** Plays the answers of a folder, recorded or written by hand. It makes nothing up: a request without an answer fails with `recording-missing`, which names the file to record or write. */
export function scriptedModel({ folder, model }: { folder: string; model: string }): LanguageModel {
  return {
    provider: 'scripted', model,
    generate: async (step, schema, { signal, onFirstToken } = {}) => {
      signal?.throwIfAborted();
      const hash = requestHash(model, step, schema);
      const answer = await readRecording(folder, hash);
      if (!answer) throw new ModelFailure('recording-missing', `${step.name}: ${join(folder, `${hash}.json`)}`);
      onFirstToken?.();
      // What is complete is held to the schema of today, whatever was true when it was recorded.
      return answer.stop === 'complete' ? { ...answer, ...readAnswer(answer.text, schema) } : answer;
    },
    countTokens: async (step, schema) => {
      const usage = (await readRecording(folder, requestHash(model, step, schema)))?.usage;
      return { tokens: usage ? usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens : 0, exact: usage !== undefined };
    },
  };
}
