import { choose, type Machine, type ModuleModel, type ModuleModels } from '../../interpret/machine.js';
import { Fn, isObject, type Native, type Obj, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import type { Renderer } from '../renderer.js';

/** State kept outside of components: zustand. */
export function storeModels(renderer: () => Renderer): ModuleModels {
  const zustand: ModuleModel = (machine, at) => {
    const create: Native = ([initialiser], _self, place) => (initialiser instanceof Fn ? store(machine, renderer(), initialiser, place) : machine.fn('create', ([inner], _inner, there) => store(machine, renderer(), inner, there)));
    const namespace = machine.namespace('zustand', at);
    const made = machine.fn('create', create);
    return namespace.put('create', made).put('createStore', made).put('default', made, false).put('useStore', machine.fn('useStore', ([api, selector], _self, place) => machine.call(api, [selector], undefined, place)));
  };
  return new Map<string, ModuleModel>([['zustand', zustand], ['zustand/middleware', middleware], ['zustand/react/shallow', (machine, at) => machine.namespace('zustand/shallow', at, { useShallow: machine.fn('useShallow', ([selector]) => selector ?? undefined) })]]);
}

/** Middleware that only watches. */
const through: Native = ([initialiser]) => initialiser;

const middleware: ModuleModel = (machine, at) => {
  const namespace = machine.namespace('zustand/middleware', at);
  for (const name of ['devtools', 'subscribeWithSelector', 'immer']) namespace.put(name, machine.fn(name, through));
  return namespace;
};

function store(machine: Machine, renderer: Renderer, initialiser: Value, at: Place): Fn {
  const holder: { state: Value } = { state: undefined };
  const get = machine.fn('getState', () => holder.state);
  const set = machine.fn('setState', ([update, replace], _self, place) => {
    machine.effect('a store', place, 'allowed');
    const partial = update instanceof Fn ? machine.call(update, [holder.state], undefined, place) : update;
    const next = replace === true || !isObject(partial) || !isObject(holder.state) ? partial : assigned(machine, holder.state, partial);
    holder.state = machine.uncertain ? choose(machine.uncertain, [holder.state, next]) : next;
    renderer.schedule();
    return undefined;
  });
  renderer.stores.push(holder);
  const use = machine.fn('useStore', ([selector], _self, place) => (selector instanceof Fn ? machine.call(selector, [holder.state], undefined, place) : holder.state));
  use.put('getState', get).put('setState', set).put('subscribe', machine.fn('subscribe', () => machine.fn('unsubscribe', () => undefined)));
  holder.state = machine.call(initialiser, [set, get, use], undefined, at);
  use.put('getInitialState', machine.fn('getInitialState', () => holder.state));
  return use;
}

function assigned(machine: Machine, ...sources: readonly Obj[]): Obj {
  const next = machine.object();
  for (const source of sources) {
    for (const key of source.keys()) next.put(key, machine.get(source, key));
    if (source.missing) next.missing = source.missing;
  }
  return next;
}
