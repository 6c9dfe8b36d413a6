import { isatty } from 'node:tty';
import pc from 'picocolors';

/** Messages go to stderr; stdout is for data alone. */
const live = isatty(2);
let status = '';

/** One line for people. */
export function say(line = ''): void {
  clear();
  process.stderr.write(`${line}\n`);
  if (status) process.stderr.write(status);
}

/** One line that is overwritten by the next; nothing where it could not be. The empty text removes it. */
export function sayNow(text: string): void {
  if (!live) return;
  clear();
  status = text.slice(0, (process.stderr.columns ?? 80) - 1);
  process.stderr.write(status);
}

function clear(): void {
  if (live && status) process.stderr.write('\r\u001b[2K');
}

/** One line, or several, of data. */
export function print(text: string): void { process.stdout.write(`${text}\n`); }

export function printJson(value: unknown): void { print(JSON.stringify(value, undefined, isatty(1) ? 2 : undefined)); }

/** Text from a repository may hold escape sequences that would steer the terminal, and marks that turn the order of what is shown. */
export function safe(text: string): string { return text.replaceAll(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd'); }

/** Columns, as wide as their widest cell. */
export function table(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

export function seconds(ms: number): string { return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`; }

/** On stderr. */
export const { dim, green, red, yellow } = pc.createColors(live && pc.isColorSupported);
/** On stdout, which may be a pipe while stderr is not. */
export const { bold } = pc.createColors(isatty(1) && pc.isColorSupported);
