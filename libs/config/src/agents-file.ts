import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { AgentsFile, Failure, registerAgents } from '#contracts';
import { OPTIONS, type Option } from './options.js';

/**
 * Registers the agents of an operator's file. Throws `Failure('bad-request')` that names the file, each wrong field and what to do about it.
 * The variables that hold the services' own credentials are refused: an agent works on hostile input.
 */
export function loadAgents(file: string): void {
  const refuse = (problem: string, cause?: unknown) => new Failure('bad-request', `AGENTS_FILE ${file}: ${problem}`, { cause });
  let document: unknown;
  try {
    document = parse(readFileSync(file, 'utf8'), { maxAliasCount: 20 });
  } catch (cause) {
    const what = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw refuse(`${what}; name a YAML file that this process can read`, cause);
  }
  const parsed = AgentsFile.safeParse(document);
  if (!parsed.success) throw refuse(parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole file'}: ${message}`).join('; '));
  const { agents, modules } = parsed.data;
  const secrets = new Set(Object.entries<Option>(OPTIONS).filter(([, option]) => option.secret).map(([name]) => name));
  for (const [agent, { environment }] of Object.entries(agents)) {
    const secret = environment.find((name) => secrets.has(name));
    if (secret !== undefined) throw refuse(`agents.${agent}.environment: ${secret} is a credential of the services and goes to no agent; use a variable of its own`);
  }
  try {
    registerAgents(agents, Object.fromEntries(Object.entries(modules).map(([service, path]) => [service, pathToFileURL(resolve(file, '..', path)).href])));
  } catch (error) {
    throw error instanceof Failure && error.detail !== undefined ? refuse(error.detail, error) : error;
  }
}
