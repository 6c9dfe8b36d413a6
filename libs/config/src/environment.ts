import { OPTIONS, type Option } from './options.js';

/** What every child process needs to run at all; none of it is a secret. */
const BASE = ['PATH', 'HOME', 'TMPDIR', 'LANG'] as const;

/** What a child that fetches packages needs beside it, where a proxy or an own certificate authority stands before the registries. */
export const NETWORK_ENVIRONMENT = [
  'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR',
  'npm_config_cache', 'npm_config_registry', 'npm_config_cafile', 'npm_config_userconfig', 'GOPATH', 'GOCACHE', 'GOMODCACHE', 'GOPROXY', 'GONOSUMDB', 'GOSUMDB',
] as const;

/** The environment of a child process: PATH, HOME, TMPDIR, LANG and the given names, as far as they are set. Nothing is inherited unnamed. */
export function childEnvironment(names: readonly string[] = []): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of [...BASE, ...names]) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/** Values of those of the variables that are set and are no credentials of Pullwright: what an agent that is given them may depend on. */
export function settingsAmong(names: readonly string[]): Record<string, string> {
  const options: Readonly<Record<string, Option>> = OPTIONS;
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined || options[name]?.secret ? [] : [[name, process.env[name]]])));
}

/**
 * Options of Node for a service's process. V8 collects garbage with as many threads as there are cores; a service works in one thread and shares the cores with others, which costs it a quarter of its CPU time
 * (`npm run bench:orchestration`). It cannot be set once the process runs.
 */
export const SERVICE_FLAGS: readonly string[] = ['--single-threaded-gc'];
