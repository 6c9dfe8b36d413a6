import type { Value } from './values.js';

/** The text of a value that is known and plain; empty for objects, `undefined`, `null` and what is unknown. For names and keys, where the language would convert. */
export function spelled(value: Value): string {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : '';
}
