import type { Machine } from '../../interpret/machine.js';
import { Arr, ElementObj, Fn, FRAGMENT, isObject, Unknown, type Native, type Obj, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import { hooks } from '../hooks.js';
import type { Renderer } from '../renderer.js';
import type { History } from './history.js';
import { matchPath } from './matching.js';
import type { RouteTree } from './routes.js';

/** What only version 5 has: `Switch`, `Redirect`, `Route` as a component of its own, `withRouter`, `useHistory`, `useRouteMatch`. */
export function versionFive(machine: Machine, renderer: Renderer, history: History, tree: RouteTree): Record<string, Native> {
  const { useEffect } = hooks(renderer);
  return {
    Route: ([props], _self, at) => route(machine, history, tree, props, machine.get(props, 'computedMatch', at), at),
    Switch: ([props], _self, at) => firstMatch(machine, history, tree, machine.get(props, 'children', at), at),
    Redirect: ([props], self, at) => {
      const target = history.resolve(machine.get(props, 'to', at), '/', at);
      const to = machine.get(props, 'to', at);
      const go = machine.fn('redirect', () => machine.call(history.navigate(() => '/', 'redirect'), [target, machine.object({ replace: machine.get(props, 'push') !== true, state: isObject(to) ? machine.get(to, 'state') : null })], undefined, at));
      history.navigators.add(go);
      useEffect?.([go, machine.array([target])], self, at);
      return null;
    },
    useHistory: () => history.object,
    useRouteMatch: ([pattern], _self, at) => (pattern === undefined ? here(machine, tree) : match(machine, history, pattern, true, at)),
    withRouter: ([component]) => {
      const wrapped = machine.fn('withRouter', ([props], _self, at) => {
        const copy = machine.object();
        if (isObject(props)) for (const key of props.keys()) copy.put(key, machine.get(props, key));
        copy.put('history', history.object).put('location', history.location).put('match', here(machine, tree));
        return machine.element(component, copy, null, at);
      });
      return wrapped.put('WrappedComponent', component);
    },
  };
}

const here = (machine: Machine, tree: RouteTree): Obj => machine.object({ params: tree.here('params'), url: tree.here('base'), path: tree.here('pattern') ?? '/', isExact: true });

/** `null` when it does not match; without a path everything matches. */
function match(machine: Machine, history: History, pattern: Value, exact: boolean, at: Place): Value {
  const options = isObject(pattern) && !(pattern instanceof Arr) ? pattern : null;
  const path = options ? machine.get(options, 'path', at) : pattern;
  const whole = options ? machine.get(options, 'exact') === true : exact;
  if (path === undefined) return machine.object({ params: machine.object(), url: history.pathname, path: '/', isExact: true });
  if (path instanceof Unknown) return path;
  for (const candidate of path instanceof Arr ? path.items : [path]) {
    if (typeof candidate !== 'string') continue;
    history.patterns.set(candidate, at);
    const found = matchPath(candidate, history.pathname, whole && candidate !== '*');
    if (found) return machine.object({ params: machine.fromHost({ ...found.params }), url: found.base, path: candidate, isExact: found.base === history.pathname });
  }
  return null;
}

function route(machine: Machine, history: History, tree: RouteTree, props: Value, computed: Value, at: Place): Value {
  const found = computed ?? match(machine, history, machine.get(props, 'path', at), machine.get(props, 'exact', at) === true, at);
  const children = machine.get(props, 'children', at);
  const given = machine.object({ history: history.object, location: history.location, match: found });
  if (!isObject(found)) return children instanceof Fn ? machine.call(children, [given], undefined, at) : null;
  const path = machine.get(found, 'path');
  if (machine.get(props, 'path', at) !== undefined && typeof path === 'string') history.matched = { pattern: path, at };
  const component = machine.get(props, 'component', at);
  const render = machine.get(props, 'render', at);
  const content = children instanceof Fn ? machine.call(children, [given], undefined, at)
    : children !== undefined && children !== null ? children
      : component !== undefined ? machine.element(component, given, null, at)
        : render instanceof Fn ? machine.call(render, [given], undefined, at) : render instanceof Unknown ? render : null;
  const value = machine.object({ outlet: null, params: machine.get(found, 'params'), base: machine.get(found, 'url'), pattern: path });
  return machine.element(tree.context, machine.object({ value, children: content }), null, at);
}

/** The first child whose path (or `from`) matches. */
function firstMatch(machine: Machine, history: History, tree: RouteTree, children: Value, at: Place): Value {
  const items: ElementObj[] = [];
  const collect = (value: Value): void => {
    if (value instanceof Arr) for (const item of value.items) collect(item);
    else if (value instanceof ElementObj) if (value.type === FRAGMENT) collect(machine.get(value.props, 'children')); else items.push(value);
  };
  collect(children);
  let chosen: { item: ElementObj; found: Value } | undefined;
  for (const item of items) {
    const path = machine.get(item.props, 'path', at) ?? machine.get(item.props, 'from', at);
    const found = match(machine, history, path, machine.get(item.props, 'exact', at) === true, item.at);
    if (found !== null) chosen ??= { item, found };
  }
  if (!chosen) return null;
  const { item, found } = chosen;
  const props = machine.object();
  for (const key of item.props.keys()) props.put(key, machine.get(item.props, key));
  return machine.element(item.type, props.put('computedMatch', found), `switch-${items.indexOf(item)}`, item.at);
}
