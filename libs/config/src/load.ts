import { Failure } from '#contracts';
import { loadAgents } from './agents-file.js';
import { armCrashPoint } from './crash-point.js';
import { modelProblems } from './model-settings.js';
import { OPTIONS, type Config, type Option, type OptionName } from './options.js';

/**
 * Reads and checks every setting at once. Throws `Failure('bad-request')` that names each wrong variable and what it must be; a secret's value is never repeated.
 * `overrides` win over the environment: the standalone passes what it has started itself. The agents of `AGENTS_FILE` are registered before anybody can ask for them.
 */
export function loadConfig(environment: Record<string, string | undefined> = process.env, overrides: Partial<Record<OptionName, string>> = {}): Config {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(OPTIONS) as Array<[OptionName, Option]>) {
    const raw = overrides[name] ?? (environment[name] || option.default);
    if (raw === undefined) continue;
    const parsed = option.schema.safeParse(raw);
    if (parsed.success) config[name] = parsed.data;
    else problems.push(`${name}: ${parsed.error.issues[0]?.message ?? 'not valid'}${option.secret ? '' : `, but it is ${JSON.stringify(raw.replace(/\/\/[^/@]*@/, '//…@'))}`}`);
  }
  if (problems.length === 0) problems.push(...modelProblems(config));
  if (problems.length > 0) throw new Failure('bad-request', problems.join('; '));
  if (typeof config.AGENTS_FILE === 'string') loadAgents(config.AGENTS_FILE);
  if (typeof config.PULLWRIGHT_CRASH_AT === 'string') armCrashPoint(config.PULLWRIGHT_CRASH_AT);
  return config as Config;
}
