import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Answer, LanguageModel, ModelStep, AnswerSchema } from './model.js';
import { redact } from './secrets.js';

/** A folder of recorded answers: `<hash of the request>.json`, one answer each, so that many processes can write at once. */

const count = z.number().min(0);
const Recording = z.object({
  /** For people. */
  step: z.string(), model: z.string(),
  answer: z.object({
    stop: z.enum(['complete', 'invalid', 'truncated', 'refused']), json: z.unknown().optional(), problem: z.string().optional(), text: z.string(),
    usage: z.object({ inputTokens: count, cacheReadTokens: count, cacheWriteTokens: count, outputTokens: count, reasoningTokens: count, costUsd: count.nullable() }),
    ids: z.object({ provider: z.string(), model: z.string(), message: z.string().optional(), request: z.string().optional() }),
  }),
});

/** Everything that an answer depends on and that we decide: model, prompt, turns, schema, settings. */
export function requestHash(model: string, { name, system, turns, maxOutputTokens, effort }: ModelStep, schema: AnswerSchema): string {
  const request = [model, name, system, turns.map(({ role, text }) => [role, text]), maxOutputTokens, effort ?? null, schema.name, schema.json];
  return createHash('sha256').update(JSON.stringify(request)).digest('hex');
}

/** `undefined` when nothing is recorded under that hash. Throws what the file system or the schema says about a file that is there and wrong. */
export async function readRecording(folder: string, hash: string): Promise<Answer | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, `${hash}.json`), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return Recording.parse(JSON.parse(text)).answer;
}

/** Keeps every answer in the folder, secrets taken out, for `scriptedModel` to play again. */
export function withRecording(inner: LanguageModel, folder: string): LanguageModel {
  return {
    ...inner,
    generate: async (step, schema, options) => {
      const answer = await inner.generate(step, schema, options);
      await mkdir(folder, { recursive: true });
      const hash = requestHash(inner.model, step, schema);
      const unfinished = join(folder, `${hash}.${randomUUID()}`);
      await writeFile(unfinished, `${redact(JSON.stringify({ step: step.name, model: inner.model, answer }, null, 2))}\n`);
      await rename(unfinished, join(folder, `${hash}.json`));
      return answer;
    },
  };
}
