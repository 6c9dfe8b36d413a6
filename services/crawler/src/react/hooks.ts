import { iterate } from '../interpret/convert.js';
import { alike, choose, type Machine } from '../interpret/machine.js';
import { Fn, Undecided, Unknown, type Native, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';
import { sameDeps, Special, type Hook, type Instance } from './instance.js';
import type { Renderer } from './renderer.js';

/** The hook of this call: the one of the same position in the render before, or a new one. */
function hook<K extends Hook['kind']>(renderer: Renderer, kind: K, at: Place, make: (instance: Instance) => Extract<Hook, { kind: K }>): Extract<Hook, { kind: K }> {
  const instance = renderer.current;
  if (!instance) return renderer.machine.throwError('Error', 'Invalid hook call', at);
  const known = instance.hooks[instance.cursor++];
  if (known) {
    if (known.kind !== kind) throw new Undecided('hooks that are called in another order', at);
    return known as Extract<Hook, { kind: K }>;
  }
  const made = make(instance);
  instance.hooks.push(made);
  return made;
}

/** Sets a state so that what may not have happened stays a choice of before and after. */
export function update(renderer: Renderer, state: Extract<Hook, { kind: 'state' }>, value: Value): void {
  const why = renderer.machine.uncertain ?? state.tainted;
  const next = why ? choose(why, [state.value, value]) : value;
  state.tainted ??= renderer.machine.uncertain;
  if (alike(state.value, next)) return;
  state.value = next;
  renderer.schedule();
}

function stateHook(renderer: Renderer, at: Place, initial: () => Value, reduce: (value: Value, action: Value, at: Place) => Value): Value {
  const { machine } = renderer;
  const state = hook(renderer, 'state', at, () => {
    const made: Extract<Hook, { kind: 'state' }> = { kind: 'state', value: undefined, setter: undefined, tainted: null };
    made.value = initial();
    return made;
  });
  reducers.set(state, reduce);
  state.setter ??= machine.fn('setState', ([action], _self, place) => {
    machine.effect('state', place, 'allowed');
    update(renderer, state, (reducers.get(state) ?? reduce)(state.value, action, place));
    return undefined;
  });
  return machine.array([state.value, state.setter]);
}
/** The reducer of the latest render. */
const reducers = new WeakMap<Hook, (value: Value, action: Value, at: Place) => Value>();

const depsOf = (machine: Machine, deps: Value, at: Place): readonly Value[] | null => {
  if (deps === undefined || deps === null) return null;
  const items = iterate(machine, deps, at);
  return items instanceof Unknown ? [items] : items;
};

function effectHook(renderer: Renderer, layout: boolean): Native {
  return ([callback, list], _self, at) => {
    const { machine } = renderer;
    const deps = depsOf(machine, list, at);
    const effect = hook(renderer, 'effect', at, () => ({ kind: 'effect', deps, due: true, callback, cleanup: undefined, layout, uncertain: null, at }));
    if (!sameDeps(effect.deps, deps, alike)) effect.due = true;
    effect.deps = deps;
    effect.callback = callback;
    effect.uncertain = machine.uncertain;
    effect.at = at;
    return undefined;
  };
}

/** `useState` and its kin, by name. */
export function hooks(renderer: Renderer): Record<string, Native> {
  const { machine } = renderer;
  const memo = (make: (value: Value, at: Place) => Value): Native => ([value, list], _self, at) => {
    const deps = depsOf(machine, list, at);
    const known = hook(renderer, 'memo', at, () => ({ kind: 'memo', value: make(value, at), deps }));
    if (!sameDeps(known.deps, deps, alike)) { known.value = make(value, at); known.deps = deps; }
    return known.value;
  };
  const useContext: Native = ([context]) => (context instanceof Special ? renderer.context(context) : context instanceof Unknown ? context : undefined);
  return {
    useState: ([initial], _self, at) => stateHook(renderer, at, () => (initial instanceof Fn ? machine.call(initial, [], undefined, at) : initial), (value, action, place) => (action instanceof Fn ? machine.call(action, [value], undefined, place) : action)),
    useReducer: ([reducer, initial, init], _self, at) => stateHook(renderer, at, () => (init instanceof Fn ? machine.call(init, [initial], undefined, at) : initial), (value, action, place) => machine.call(reducer, [value, action], undefined, place)),
    useEffect: effectHook(renderer, false), useLayoutEffect: effectHook(renderer, true), useInsertionEffect: effectHook(renderer, true),
    useMemo: memo((factory, at) => machine.call(factory, [], undefined, at)), useCallback: memo((callback) => callback),
    useRef: ([initial], _self, at) => hook(renderer, 'ref', at, () => ({ kind: 'ref', value: machine.object({ current: initial }) })).value,
    useContext,
    use: ([source], self, at) => (source instanceof Special ? useContext([source], self, at) : source instanceof Unknown ? source : new Unknown('a promise', at)),
    // The real id depends on the version of React and the whole tree; this one only ties label and control together.
    useId: (_args, _self, at) => hook(renderer, 'ref', at, () => ({ kind: 'ref', value: machine.object({ current: renderer.newId() }) })).value.own('current')?.value,
    useTransition: () => machine.array([false, machine.fn('startTransition', ([callback], _self, at) => machine.call(callback, [], undefined, at))]),
    startTransition: ([callback], _self, at) => { machine.call(callback, [], undefined, at); return undefined; },
    useDeferredValue: ([value]) => value,
    useSyncExternalStore: ([subscribe, snapshot], _self, at) => externalStore(renderer, subscribe, snapshot, at),
    useDebugValue: () => undefined, useImperativeHandle: () => undefined,
    useActionState: ([action, initial], _self, at) => actionState(renderer, action, initial, at),
    useFormState: ([action, initial], _self, at) => actionState(renderer, action, initial, at),
    useFormStatus: () => machine.object({ pending: false, data: null, method: null, action: null }),
    useOptimistic: ([value], _self, at) => machine.array([value, machine.fn('setOptimistic', () => { throw new Undecided('an optimistic update', at); })]),
  };
}

function externalStore(renderer: Renderer, subscribe: Value, snapshot: Value, at: Place): Value {
  const { machine } = renderer;
  const value = machine.call(snapshot, [], undefined, at);
  hook(renderer, 'memo', at, () => {
    machine.call(subscribe, [machine.fn('onStoreChange', () => { renderer.schedule(); return undefined; })], undefined, at);
    return { kind: 'memo', value: undefined, deps: [] };
  });
  return value;
}

function actionState(renderer: Renderer, action: Value, initial: Value, at: Place): Value {
  const { machine } = renderer;
  const state = hook(renderer, 'state', at, () => ({ kind: 'state', value: initial, setter: undefined, tainted: null }));
  reducers.set(state, (value, form, place) => machine.call(action, [value, form], undefined, place));
  state.setter ??= machine.fn('action', ([form], _self, place) => {
    machine.effect('state', place, 'allowed');
    const result = reducers.get(state)?.(state.value, form, place);
    const done = machine.fn('', ([value]) => { update(renderer, state, value); return undefined; });
    const then = machine.get(result, 'then', place);
    if (then instanceof Fn) machine.call(then, [done], result, place);
    else if (result instanceof Unknown) machine.uncertainly(result, () => machine.call(done, [result]));
    else machine.call(done, [result]);
    return undefined;
  });
  return machine.array([state.value, state.setter, false]);
}
