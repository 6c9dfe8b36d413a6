import type { Machine } from '../../interpret/machine.js';
import { toText } from '../../interpret/convert.js';
import { isObject, Obj, Undecided, Unknown, type Fn, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import { joinPaths } from './matching.js';

interface Entry { path: string; state: Value; location?: Obj }

/** The session history of one page load, as every router of the page sees it. */
export class History {
  private readonly entries: Entry[];
  private index = 0;
  /** What the router renders: the entry of the address, once the router has moved there. */
  private seen: Entry | undefined;
  private keys = 0;
  mode: 'browser' | 'hash' | 'memory' = 'browser';
  basename = '/';
  /** Pattern and place of the innermost route that the last render matched; every pattern that renders have come across. */
  matched: { pattern: string; at: Place } | null = null;
  readonly patterns = new Map<string, Place>();
  /** Functions and objects by which a program navigates. */
  readonly navigators = new Set<Value>();
  readonly listeners = new Set<() => void>();

  /** `move`: has the router look at the address again, at once or as a transition, and render. */
  constructor(private readonly machine: Machine, private readonly move: (look: () => void) => void) {
    this.entries = [{ path: machine.address, state: null }];
    [this.seen] = this.entries;
  }

  /** Path, search and hash inside of the router: without basename, or what stands behind `#`. */
  get inner(): string {
    const path = this.seen?.path ?? '/';
    if (this.mode === 'memory') return path;
    if (this.mode === 'hash') { const hash = path.indexOf('#'); return hash < 0 ? '/' : path.slice(hash + 1) || '/'; }
    const rest = this.basename !== '/' && (path === this.basename || path.startsWith(`${this.basename}/`) || path.startsWith(`${this.basename}?`)) ? path.slice(this.basename.length) : path;
    return rest.startsWith('/') ? rest : `/${rest}`;
  }
  /** What an address bar or an `href` shows for a path inside of the router. */
  shown(inner: string): string {
    if (this.mode === 'hash') return `#${inner}`;
    return this.basename === '/' ? inner : joinPaths(this.basename, inner);
  }
  get location(): Obj {
    const entry = this.seen;
    if (entry?.location) return entry.location;
    const url = parts(this.inner);
    const location = this.machine.object({ ...url, state: entry?.state ?? null, key: this.keys === 0 ? 'default' : `key${this.keys}` });
    if (entry) entry.location = location;
    return location;
  }
  get pathname(): string { return parts(this.inner).pathname; }

  go(to: string, replace: boolean, state: Value, at: Place): void {
    this.machine.effect('a navigation', at);
    const path = this.mode === 'hash' ? `${this.machine.address.split('#')[0] ?? '/'}#${to}` : this.shown(to);
    const entry: Entry = { path, state };
    this.keys++;
    if (replace) this.entries[this.index] = entry; else this.entries.splice(++this.index, this.entries.length, entry);
    this.changed();
  }
  travel(delta: number, at: Place): void {
    this.machine.effect('a navigation', at);
    const index = this.index + delta;
    if (delta === 0) return;
    if (!this.entries[index]) throw new Undecided('goes back to a page of before', at);
    this.index = index;
    this.changed();
  }
  private changed(): void {
    if (this.mode !== 'memory') this.machine.address = this.entries[this.index]?.path ?? '/';
    this.move(() => {
      this.seen = this.entries[this.index];
      for (const listener of this.listeners) listener();
    });
  }

  /** `useNavigate()`: `navigate(to, { replace, state })` or `navigate(-1)`. One function per base, so that effects which depend on it stay quiet. */
  navigate(base: () => string, key: string): Fn {
    const known = this.navigate_.get(key);
    if (known) return known;
    const navigate = this.machine.fn('navigate', ([to, options], _self, at) => {
      if (typeof to === 'number') { this.travel(to, at); return undefined; }
      const replace = isObject(options) && this.machine.get(options, 'replace') === true;
      const target = this.resolve(to, base(), at);
      if (target instanceof Unknown) throw new Undecided(`goes to ${target.reason}`, at);
      this.go(target, replace, isObject(options) ? this.machine.get(options, 'state') ?? null : null, at);
      return undefined;
    });
    this.navigate_.set(key, navigate);
    this.navigators.add(navigate);
    return navigate;
  }
  private readonly navigate_ = new Map<string, Fn>();

  /** A `to` (text or object) against a base path, as a path inside of the router. */
  resolve(to: Value, base: string, at: Place): string | Unknown {
    if (to instanceof Unknown) return to;
    if (isObject(to)) {
      let text = '';
      for (const [name, mark] of [['pathname', ''], ['search', '?'], ['hash', '#']] as const) {
        const value = this.machine.get(to, name, at);
        const part = value === undefined || value === null ? '' : toText(this.machine, value, at);
        if (part instanceof Unknown) return part;
        text += part === '' || part.startsWith(mark) ? part : mark + part;
      }
      return this.resolve(text, base, at);
    }
    const text = to === undefined || to === null ? '' : toText(this.machine, to, at);
    if (text instanceof Unknown) return text;
    if (text.startsWith('/')) return text;
    const own = parts(text);
    const folder = base.split('/').filter(Boolean);
    if (own.pathname === '') return `${text.startsWith('#') || text.startsWith('?') ? this.pathname : base}${own.search}${own.hash}`;
    for (const segment of own.pathname.split('/')) if (segment === '..') folder.pop(); else if (segment !== '.' && segment !== '') folder.push(segment);
    return `/${folder.join('/')}${own.search}${own.hash}`;
  }

  /** `history` of version 5 and of the `history` package. */
  get object(): Obj {
    if (this.object_) return this.object_;
    const { machine } = this;
    const go = (replace: boolean): Fn => machine.fn(replace ? 'replace' : 'push', ([to, state], _self, at) => {
      const target = this.resolve(to, parentOf(this.pathname), at);
      if (target instanceof Unknown) throw new Undecided(`goes to ${target.reason}`, at);
      this.go(target, replace, (isObject(to) ? machine.get(to, 'state') : undefined) ?? state ?? null, at);
      return undefined;
    });
    const travel = (delta: number): Fn => machine.fn('go', (_args, _self, at) => { this.travel(delta, at); return undefined; });
    const object = machine.object({
      push: go(false), replace: go(true), goBack: travel(-1), goForward: travel(1), back: travel(-1), forward: travel(1),
      go: machine.fn('go', ([delta], _self, at) => { this.travel(typeof delta === 'number' ? delta : 0, at); return undefined; }),
      listen: machine.fn('listen', ([listener], _self, at) => {
        const run = (): void => { machine.call(listener, [machine.object({ location: this.location, action: 'PUSH' })], undefined, at); };
        this.listeners.add(run);
        return machine.fn('unlisten', () => { this.listeners.delete(run); return undefined; });
      }),
      block: machine.fn('block', () => machine.fn('unblock', () => undefined)), createHref: machine.fn('createHref', ([to], _self, at) => { const target = this.resolve(to, '/', at); return target instanceof Unknown ? target : this.shown(target); }),
      action: 'POP', length: new Unknown('history.length', { file: '', line: 1 }),
    });
    object.properties.set('location', { value: undefined, enumerable: true, writable: true, get: machine.fn('location', () => this.location) });
    this.navigators.add(object);
    return this.object_ = object;
  }
  private object_: Obj | null = null;
}

const parentOf = (pathname: string): string => pathname.split('/').slice(0, -1).join('/') || '/';
function parts(path: string): { pathname: string; search: string; hash: string } {
  const hash = path.indexOf('#');
  const withoutHash = hash < 0 ? path : path.slice(0, hash);
  const query = withoutHash.indexOf('?');
  const search = query < 0 ? '' : withoutHash.slice(query);
  return { pathname: query < 0 ? withoutHash : withoutHash.slice(0, query), search: search === '?' ? '' : search, hash: hash < 0 || path.length === hash + 1 ? '' : path.slice(hash) };
}
