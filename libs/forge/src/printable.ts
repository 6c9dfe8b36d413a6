/** The words of git and of forges hold names from the repository: one line, no control characters, bounded. */
export function printable(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replaceAll(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 300);
}
