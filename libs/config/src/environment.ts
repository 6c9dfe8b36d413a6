/** What every child process needs to run at all; none of it is a secret. */
const BASE = ['PATH', 'HOME', 'TMPDIR', 'LANG'] as const;

/** The environment of a child process: PATH, HOME, TMPDIR, LANG and the given names, as far as they are set. Nothing is inherited unnamed. */
export function childEnvironment(names: readonly string[] = []): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of [...BASE, ...names]) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
