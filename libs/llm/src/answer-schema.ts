import { z } from 'zod';
import type { Answer, AnswerSchema } from './model.js';

type JsonSchema = Record<string, unknown>;

const MAX_PROBLEM = 1_000;
/** What both kinds of service understand in their strict modes. Anything else (lengths, patterns, bounds) is checked here, after the answer. */
const UNDERSTOOD = new Set(['type', 'properties', 'required', 'items', 'enum', 'const', 'anyOf', 'description', '$ref', '$defs']);

/** Throws for a schema with optional keys: strict modes have none, `null` says that something is left out. */
export function answerSchema(name: string, zod: z.ZodType): AnswerSchema {
  return { name, zod, json: strict(z.toJSONSchema(zod, { target: 'draft-2020-12' })) };
}

function strict(schema: JsonSchema): JsonSchema {
  const kept = Object.fromEntries(Object.entries({ ...schema, ...(schema.oneOf !== undefined && { anyOf: schema.oneOf }) }).filter(([key]) => UNDERSTOOD.has(key)));
  if (Array.isArray(kept.anyOf)) kept.anyOf = kept.anyOf.map((one) => strict(one as JsonSchema));
  if (kept.items !== undefined) kept.items = strict(kept.items as JsonSchema);
  for (const place of ['properties', '$defs']) if (kept[place] !== undefined) kept[place] = Object.fromEntries(Object.entries(kept[place] as Record<string, JsonSchema>).map(([key, one]) => [key, strict(one)]));
  if (kept.type !== 'object') return kept;
  const optional = Object.keys(kept.properties ?? {}).filter((key) => !(kept.required as string[] | undefined)?.includes(key));
  if (optional.length > 0) throw new TypeError(`an answer may not have optional keys, use nullable: ${optional.join(', ')}`);
  return { ...kept, additionalProperties: false };
}

/** What a model wrote, when it has ended of itself: an answer, or what is wrong with it. */
export function readAnswer(text: string, { zod }: AnswerSchema): Pick<Answer, 'stop' | 'json' | 'problem' | 'text'> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { stop: 'invalid', problem: 'The answer is not JSON.', text };
  }
  const parsed = zod.safeParse(json);
  return parsed.success ? { stop: 'complete', json: parsed.data, text } : { stop: 'invalid', problem: `The answer does not match its schema. ${z.prettifyError(parsed.error)}`.slice(0, MAX_PROBLEM), text };
}
