import type { Repo } from '../framework.js';
import type { Place } from '../markup.js';
import type { Machine } from '../interpret/machine.js';
import { startMachine } from '../interpret/start.js';
import { Arr, Fn, isObject, Undecided, Unknown, type Value } from '../interpret/values.js';
import { settled } from './components.js';
import { fillDestination, matchSource } from './sources.js';

/** What `next.config` says about addresses. */
export interface NextConfig {
  basePath: string;
  /** In order. `null` as destination: it depends on something that is not known. */
  redirects: ReadonlyArray<{ source: string; destination: string | null; at: Place }>;
  /** Sources of addresses that something else than their page may answer: in any case, or (`after`) where no page has exactly this path. */
  rewrites: { before: readonly string[]; after: readonly string[] };
  /** Whether addresses end with a slash. */
  trailingSlash: boolean;
  /** Several languages: which one a visitor gets depends on the browser. */
  languages: boolean;
}

const NAMES = ['next.config.ts', 'next.config.mjs', 'next.config.js', 'next.config.mts'];
const PLAIN: NextConfig = { basePath: '', redirects: [], rewrites: { before: [], after: [] }, languages: false, trailingSlash: false };

/** The configuration; `null` when it says something about addresses that cannot be followed. */
export function readConfig(repo: Repo, root: string): NextConfig | null {
  const path = NAMES.map((name) => (root === '' ? name : `${root}/${name}`)).find((name) => repo.text(name) !== null);
  if (path === undefined) return PLAIN;
  const at: Place = { file: path, line: 1 };
  const machine = startMachine({ repo, root, host: 'node', models: new Map() });
  const read = machine.attempt(() => {
    const exported = machine.get(machine.load(path), 'default', at);
    const config = exported instanceof Fn ? settled(machine, machine.call(exported, ['phase-production-server', machine.object({ defaultConfig: machine.object() })], undefined, at), at) : exported;
    if (!isObject(config)) return null;
    const basePath = machine.get(config, 'basePath', at);
    const i18n = machine.get(config, 'i18n', at);
    const trailingSlash = machine.get(config, 'trailingSlash', at);
    if (basePath instanceof Unknown || i18n instanceof Unknown || trailingSlash instanceof Unknown) return null;
    const locales = isObject(i18n) ? machine.get(i18n, 'locales', at) : undefined;
    return {
      basePath: typeof basePath === 'string' ? basePath : '', trailingSlash: trailingSlash === true, languages: locales instanceof Arr && locales.items.length > 1,
      redirects: items(answerOf(machine, config, 'redirects', at)).map((entry) => redirectOf(machine, entry, at)), rewrites: rewritesOf(machine, answerOf(machine, config, 'rewrites', at), at),
    };
  });
  if (read.ok && read.value) return read.value;
  // A plugin that wraps the configuration does not change addresses that the file does not speak of.
  const speaks = /\b(?:basePath|redirects|rewrites|i18n|trailingSlash)\b/.test(repo.text(path) ?? '');
  repo.leaveOut('unsupported-syntax', path, speaks ? 'its addresses are not known' : 'a plugin changes it; taken to leave addresses alone', at);
  return speaks ? null : PLAIN;
}

function answerOf(machine: Machine, config: Value, name: string, at: Place): Value {
  const f = machine.get(config, name, at);
  const answer = f instanceof Fn ? settled(machine, machine.call(f, [], config, at), at) : undefined;
  if (answer instanceof Unknown) throw new Undecided(answer.reason, answer.at);
  return answer;
}
const items = (list: Value): readonly Value[] => (list instanceof Arr ? list.items : []);

/** A list, or lists by when they apply. */
function rewritesOf(machine: Machine, answer: Value, at: Place): NextConfig['rewrites'] {
  const sources = (list: Value): string[] => items(list).map((entry) => { const source = machine.get(entry, 'source', at); return typeof source === 'string' ? source : '/:anything*'; });
  if (answer instanceof Arr || !isObject(answer)) return { before: [], after: sources(answer) };
  return { before: sources(machine.get(answer, 'beforeFiles', at)), after: [...sources(machine.get(answer, 'afterFiles', at)), ...sources(machine.get(answer, 'fallback', at))] };
}

function redirectOf(machine: Machine, entry: Value, at: Place): NextConfig['redirects'][number] {
  const [source, destination, has, missing] = ['source', 'destination', 'has', 'missing'].map((name) => machine.get(entry, name, at));
  const certain = typeof destination === 'string' && has === undefined && missing === undefined;
  return { source: typeof source === 'string' ? source : '', destination: certain ? destination : null, at };
}

/** Where the configuration sends a path; `undecided` when it may send it somewhere. */
export function redirected(config: NextConfig, pathname: string): { href: string; at: Place } | null | 'undecided' {
  for (const { source, destination, at } of config.redirects) {
    const params = source === '' ? 'undecided' : matchSource(source, pathname);
    if (params === null) continue;
    const href = params === 'undecided' || destination === null ? null : fillDestination(destination, params);
    return href === null ? 'undecided' : { href, at };
  }
  return null;
}

/** Whether something else than a page may answer; `exact`: a page has this very path. */
export function mayBeRewritten(config: NextConfig, pathname: string, exact: boolean): boolean {
  return [...config.rewrites.before, ...(exact ? [] : config.rewrites.after)].some((source) => matchSource(source, pathname) !== null);
}

/** A path of the application with or without a slash at its end, as the configuration has it; search and hash stay. */
export function slashed(config: NextConfig, href: string): string {
  const [, path = '/', rest = ''] = /^([^?#]*)(.*)$/s.exec(href) ?? [];
  const bare = path.replace(/\/$/, '');
  return `${bare === '' ? '/' : config.trailingSlash && !/\.\w+$/.test(bare) ? `${bare}/` : bare}${rest}`;
}

/** What an `href` or the address bar shows for a path of the application; other addresses as they are. */
export function shownAddress(config: NextConfig, href: string): string {
  if (!href.startsWith('/') || href.startsWith('//')) return href;
  const path = `${config.basePath}${slashed(config, href)}`;
  // The root of a base path has no slash at its end.
  return config.basePath !== '' && !config.trailingSlash ? path.replace(/\/(?=$|[?#])/, '') : path;
}
