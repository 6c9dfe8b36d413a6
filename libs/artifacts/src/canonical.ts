import { Failure } from '#contracts';

/** Deeper than any artifact is; keeps a hostile document from exhausting the stack. */
const MAX_DEPTH = 200;

/**
 * The one byte sequence of a JSON document (RFC 8785): keys sorted by UTF-16 code unit, no white space, UTF-8. Equal documents have equal bytes, so equal ids.
 * Throws `Failure('artifact-invalid')` for what JSON cannot say exactly: NaN, infinities, functions, a cycle.
 */
export function canonicalJson(document: unknown): Buffer {
  return Buffer.from(write(document, 0), 'utf8');
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new Failure('artifact-invalid', `nested deeper than ${MAX_DEPTH}`);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Failure('artifact-invalid', `${value} is not a JSON number`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(',')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${write(member, depth + 1)}`).join(',')}}`;
  }
  throw new Failure('artifact-invalid', `a ${typeof value} is not JSON`);
}
