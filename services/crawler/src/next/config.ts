import type { Repo } from '../framework.js';
import type { Place } from '../markup.js';
import type { Machine } from '../interpret/machine.js';
import { startMachine } from '../interpret/start.js';
import { Arr, Fn, isObject, Unknown, type Value } from '../interpret/values.js';
import { settled } from './components.js';
import { fillDestination, matchSource } from './sources.js';

/** What `next.config` says about addresses. */
export interface NextConfig {
  basePath: string;
  /** In order. `null` as destination: it depends on something that is not known. */
  redirects: ReadonlyArray<{ source: string; destination: string | null; at: Place }>;
  /** Sources whose pages come from elsewhere. */
  rewrites: readonly string[];
  /** Several languages: which one a visitor gets depends on the browser. */
  languages: boolean;
}

const NAMES = ['next.config.ts', 'next.config.mjs', 'next.config.js', 'next.config.mts'];
const PLAIN: NextConfig = { basePath: '', redirects: [], rewrites: [], languages: false };

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
    if (basePath instanceof Unknown || i18n instanceof Unknown) return null;
    const locales = isObject(i18n) ? machine.get(i18n, 'locales', at) : undefined;
    return {
      basePath: typeof basePath === 'string' ? basePath : '', languages: locales instanceof Arr && locales.items.length > 1,
      redirects: entriesOf(machine, config, 'redirects', at).map((entry) => redirectOf(machine, entry, at)),
      rewrites: entriesOf(machine, config, 'rewrites', at).flatMap((entry) => { const source = machine.get(entry, 'source', at); return typeof source === 'string' ? [source] : []; }),
    };
  });
  if (read.ok && read.value) return read.value;
  // A plugin that wraps the configuration does not change addresses that the file does not speak of.
  const speaks = /\b(?:basePath|redirects|rewrites|i18n)\b/.test(repo.text(path) ?? '');
  repo.leaveOut('unsupported-syntax', path, speaks ? 'its addresses are not known' : 'a plugin changes it; taken to leave addresses alone', at);
  return speaks ? null : PLAIN;
}

/** What the function of that name returns: a list, or (`rewrites`) an object of lists. */
function entriesOf(machine: Machine, config: Value, name: string, at: Place): Value[] {
  const f = machine.get(config, name, at);
  if (!(f instanceof Fn)) return [];
  const result = settled(machine, machine.call(f, [], config, at), at);
  const lists = result instanceof Arr ? [result] : isObject(result) ? result.keys().map((key) => machine.get(result, key, at)) : [];
  return lists.flatMap((list) => (list instanceof Arr ? list.items : []));
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
