/** What looks like a credential, by the marks that its issuer gave it. Each takes the whole of it. */
const SHAPES: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,}/g,
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})/g,
  /\bglpat-[\w-]{16,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bAIza[\w-]{30,}/g,
  /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}/g,
  /\bnpm_[A-Za-z0-9]{30,}/g,
  /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/g,
  /\b(?<=[a-z]+:\/\/[^\s:/@"']{1,100}:)[^\s/@"']{3,}(?=@)/g,
];
export const REDACTED = '[redacted]';

/** The text without credentials: those with a known shape, and these very values. */
export function redact(text: string, values: readonly string[] = []): string {
  const known = values.filter((value) => value.length >= 8).reduce((words, value) => words.replaceAll(value, REDACTED), text);
  return SHAPES.reduce((words, shape) => words.replaceAll(shape, REDACTED), known);
}
