import { FIELDS, Pairs } from '../../interpret/builtins/addresses.js';
import type { Machine } from '../../interpret/machine.js';
import { Boxed, DocumentPart, Fn, isObject, Unknown, type Native, type Obj, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import type { Renderer } from '../renderer.js';
import type { History } from './history.js';
import type { RouteTree } from './routes.js';

/** `Link`, `NavLink` and `Form`: anchors and forms that navigate without a page load. */
export function linkComponents(machine: Machine, _renderer: Renderer, history: History, tree: RouteTree): Record<string, Native> {
  return {
    Link: ([props], _self, at) => link(machine, history, props, tree.base, at),
    NavLink: ([props], _self, at) => navLink(machine, history, props, tree.base, at),
    Form: ([props], _self, at) => form(machine, history, tree, props, tree.base, at),
  };
}

const SETTINGS = new Set(['to', 'replace', 'state', 'reloadDocument', 'preventScrollReset', 'relative', 'viewTransition', 'unstable_viewTransition', 'discover', 'prefetch', 'end', 'exact', 'strict', 'caseSensitive', 'activeClassName', 'activeStyle', 'isActive', 'innerRef', 'component', 'onClick']);

/** The props of a component that are meant for its tag. */
function rest(machine: Machine, props: Value): Obj {
  const kept = machine.object();
  if (!isObject(props)) return kept;
  for (const key of props.keys()) if (!SETTINGS.has(key)) kept.put(key, machine.get(props, key));
  if (props.missing) kept.missing = props.missing;
  return kept;
}

function link(machine: Machine, history: History, props: Value, base: string, at: Place): Value {
  const inner = rest(machine, props);
  const to = machine.get(props, 'to', at);
  const external = typeof to === 'string' && /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(to);
  const target = external ? to : history.resolve(to instanceof Fn ? machine.call(to, [history.location], undefined, at) : to, base, at);
  const onClick = machine.get(props, 'onClick', at);
  inner.put('href', target instanceof Unknown || external ? target : history.shown(target));
  if (external || machine.get(props, 'reloadDocument') === true) {
    if (onClick !== undefined) inner.put('onClick', onClick);
    return machine.element('a', inner, null, at);
  }
  const navigate = history.navigate(() => base, base);
  const click = machine.fn('click', ([event], self, place) => {
    if (onClick instanceof Fn || onClick instanceof Unknown) machine.call(onClick, [event], self, place);
    const frame = inner.own('target')?.value;
    if (machine.get(event, 'defaultPrevented') === true || (frame !== undefined && frame !== '_self')) return undefined;
    machine.call(machine.get(event, 'preventDefault'), [], event, place);
    const replace = machine.get(props, 'replace') === true || (typeof target === 'string' && target === history.inner);
    const state = machine.get(props, 'state') ?? (isObject(to) ? machine.get(to, 'state') : undefined) ?? null;
    machine.call(navigate, [target, machine.object({ replace, state })], undefined, at);
    return undefined;
  });
  return machine.element('a', inner.put('onClick', click), null, at);
}

function navLink(machine: Machine, history: History, props: Value, base: string, at: Place): Value {
  const target = history.resolve(machine.get(props, 'to', at), base, at);
  const path = target instanceof Unknown ? target : (target.split(/[?#]/)[0] ?? '/').toLowerCase().replace(/(.)\/$/, '$1');
  const here = history.pathname.toLowerCase().replace(/(.)\/$/, '$1');
  const end = machine.get(props, 'end') === true || machine.get(props, 'exact') === true;
  const active: boolean | Unknown = path instanceof Unknown ? path : here === path || (!end && path !== '/' && here.startsWith(`${path}/`));
  const state = machine.object({ isActive: active, isPending: false, isTransitioning: false });
  const resolved = (value: Value): Value => (value instanceof Fn ? machine.call(value, [state], undefined, at) : value);
  const given = machine.get(props, 'className', at);
  const copy = machine.object();
  if (isObject(props)) for (const key of props.keys()) copy.put(key, machine.get(props, key));
  const extra = machine.get(props, 'activeClassName', at);
  if (given instanceof Fn) copy.put('className', resolved(given));
  else if (active === true) copy.put('className', given instanceof Unknown ? given : `${typeof given === 'string' ? given : ''} ${typeof extra === 'string' ? extra : 'active'}`.trim());
  else if (active instanceof Unknown) copy.put('className', active);
  copy.put('style', resolved(machine.get(props, 'style', at))).put('children', resolved(machine.get(props, 'children', at)));
  if (active === true) copy.put('aria-current', machine.get(props, 'aria-current') ?? 'page');
  else if (active instanceof Unknown) copy.put('aria-current', active);
  return link(machine, history, copy, base, at);
}

/** A submitted `<Form>` navigates with its fields as the query, or runs the action of its route. */
function form(machine: Machine, history: History, tree: RouteTree, props: Value, base: string, at: Place): Value {
  const inner = rest(machine, props);
  const method = machine.get(props, 'method', at);
  const action = machine.get(props, 'action', at);
  const routeAction = tree.here('action');
  const params = tree.here('params');
  const onSubmit = machine.get(props, 'onSubmit', at);
  const target = action === undefined ? history.pathname : history.resolve(action, base, at);
  inner.put('action', target instanceof Unknown ? target : history.shown(target));
  inner.put('onSubmit', machine.fn('submit', ([event], self, place) => {
    if (onSubmit instanceof Fn) machine.call(onSubmit, [event], self, place);
    if (machine.get(event, 'defaultPrevented') === true) return undefined;
    machine.call(machine.get(event, 'preventDefault'), [], event, place);
    const part = machine.get(event, 'target');
    const fields = part instanceof DocumentPart ? part.reader?.(FIELDS) : undefined;
    const pairs = fields instanceof Boxed && fields.inner instanceof Pairs ? fields.inner : new Pairs([]);
    if (typeof method === 'string' && method.toLowerCase() !== 'get') {
      // An action of another route may be anywhere in the tree: only the form's own route is followed.
      const known = action === undefined || target === history.pathname ? routeAction : new Unknown('the action of another route', place);
      tree.submit(known, new Boxed(machine.intrinsic('FormData'), pairs), params, place);
      return undefined;
    }
    const query = new URLSearchParams(pairs.list.flatMap(([name, value]): Array<[string, string]> => (typeof value === 'string' ? [[name, value]] : []))).toString();
    machine.call(history.navigate(() => base, base), [target instanceof Unknown ? target : `${target}${query ? `?${query}` : ''}`], undefined, place);
    return undefined;
  }));
  return machine.element('form', inner, null, at);
}
