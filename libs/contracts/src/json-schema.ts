import { z } from 'zod';
import { ARTIFACTS, type ArtifactKind } from './artifacts.js';

/** JSON Schema 2020-12 of what a schema accepts or, for an artifact, of what is stored: every default filled in, no unknown key. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  return z.toJSONSchema(schema, { target: 'draft-2020-12', io });
}

export function artifactJsonSchema(kind: ArtifactKind): Record<string, unknown> {
  return jsonSchema(ARTIFACTS[kind].schema, 'output');
}
