import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { z } from 'zod';
import { RequestFailure, type FieldError } from './problem.js';

const ERRORS_TOLD = 50;

/** What to do about one thing that is wrong, from the kind of mistake; zod's own message says what is wrong. */
function remedy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value': return `Use ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}.`;
    case 'invalid_type': return issue.path.length === 0 ? 'Send a JSON object with Content-Type: application/json.' : `Send a value of type ${issue.expected}.`;
    case 'unrecognized_keys': return `Leave out ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}.`;
    case 'too_small': return `Use at least ${issue.minimum}.`;
    case 'too_big': return `Use at most ${issue.maximum}.`;
    case 'invalid_format': return issue.pattern ? `Match ${issue.pattern}.` : `Send a valid ${issue.format}.`;
    default: return 'Change the value as the message says; /api/openapi.json describes it.';
  }
}

function refusal(issues: readonly z.core.$ZodIssue[]): RequestFailure {
  return new RequestFailure('bad-request', {
    errors: issues.slice(0, ERRORS_TOLD).map((issue): FieldError => ({ field: issue.path.map(String).join('.'), message: issue.message, remedy: remedy(issue) })),
  });
}

/** Every parameter with a `schema` passes through here; what is wrong is told field by field. The API's schemas are zod's, so its issues are too. */
export const validation = new StandardSchemaValidationPipe({ exceptionFactory: (issues) => refusal(issues as readonly z.core.$ZodIssue[]) });

/** The same for what Nest hands to no pipe: headers, and what path and body say only together. */
export function checked<T extends z.ZodType>(schema: T, input: unknown): z.infer<T> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw refusal(parsed.error.issues);
  return parsed.data;
}
