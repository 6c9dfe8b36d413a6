import { choose, type Machine, type ModuleModel, type ModuleModels } from '../../interpret/machine.js';
import { fulfilled, isPromise } from '../../interpret/promises.js';
import { Arr, Boxed, Fn, isObject, Obj, Thrown, Unknown, type Native, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import { Special } from '../instance.js';
import type { Renderer } from '../renderer.js';
import { produce } from './drafts.js';

/** `redux`, `@reduxjs/toolkit` and `react-redux`. Thunks are always understood; middleware of the repository runs, that of other packages only watches. */
export function reduxModels(renderer: () => Renderer): ModuleModels {
  const redux: ModuleModel = (machine, at) => named(machine, 'redux', at, core(machine, renderer()));
  const toolkit: ModuleModel = (machine, at) => named(machine, '@reduxjs/toolkit', at, { ...core(machine, renderer()), ...slices(machine, renderer()) });
  let bindings: Obj | undefined;
  return new Map<string, ModuleModel>([
    ['redux', redux], ['@reduxjs/toolkit', toolkit], ['react-redux', (machine, at) => (bindings ??= named(machine, 'react-redux', at, componentBindings(machine, renderer())))],
    ['immer', (machine, at) => { const fn = producer(machine); return machine.namespace('immer', at, { produce: fn, default: fn }); }],
    ...['redux-devtools-extension', '@redux-devtools/extension'].map((name): [string, ModuleModel] => [name, (machine, at) => named(machine, name, at, { composeWithDevTools: (given) => given[0] ?? undefined })]),
    ['redux-thunk', (machine, at) => machine.namespace('redux-thunk', at)], ['reselect', (machine, at) => named(machine, 'reselect', at, { createSelector: selector(machine) })],
  ]);
}

const named = (machine: Machine, name: string, at: Place, natives: Readonly<Record<string, Native>>): Obj => machine.namespace(name, at, Object.fromEntries(Object.entries(natives).map(([key, native]) => [key, typeable(machine, machine.fn(key, native))])));
/** `useSelector.withTypes<RootState>()` and its like are the same function to JavaScript. */
const typeable = (machine: Machine, fn: Fn): Fn => fn.put('withTypes', machine.fn('withTypes', () => fn), false);
const producer = (machine: Machine): Fn => machine.fn('produce', ([base, recipe], _self, at) => (recipe instanceof Fn ? produce(machine, base, recipe, [], at) : machine.fn('produced', ([state, ...more], _inner, place) => produce(machine, state, base, more, place))));

/** What `applyMiddleware` was given. */
class Middleware { constructor(readonly list: readonly Value[]) {} }

/** A store; an update that may not have happened leaves a choice of the states before and after. */
function makeStore(machine: Machine, renderer: Renderer, given: { reducer: Value; preloaded: Value; middleware: readonly Value[] }, at: Place): Obj {
  const { reducer, preloaded } = given;
  const holder = { state: preloaded };
  renderer.stores.push(holder);
  const listeners = new Set<Value>();
  const reduce = (action: Value, place: Place): void => {
    const next = machine.call(reducer, [holder.state, action], undefined, place);
    const after = machine.uncertain ? choose(machine.uncertain, [holder.state, next]) : next;
    if (after === holder.state) return;
    holder.state = after;
    renderer.schedule();
    for (const listener of listeners) machine.call(listener, [], undefined, place);
  };
  const chain: { first: Value } = { first: machine.fn('dispatch', ([action], _self, place) => {
    machine.effect('a store', place, 'allowed');
    reduce(action, place);
    return action;
  }) };
  const dispatch: Fn = machine.fn('dispatch', ([action], _self, place) => (action instanceof Fn ? machine.call(action, [dispatch, getState, undefined], undefined, place) : machine.call(chain.first, [action], undefined, place)));
  const getState = machine.fn('getState', () => holder.state);
  holder.state = machine.call(reducer, [preloaded, machine.object({ type: '@@INIT' })], undefined, at);
  const api = machine.object({ dispatch, getState });
  for (const middleware of given.middleware.toReversed()) {
    if (!(middleware instanceof Fn)) continue;
    const next = machine.call(middleware, [api], undefined, at);
    if (next instanceof Fn) chain.first = machine.call(next, [chain.first], undefined, at);
  }
  return machine.object({
    dispatch, getState, replaceReducer: machine.fn('replaceReducer', () => undefined),
    subscribe: machine.fn('subscribe', ([listener]) => { listeners.add(listener); return machine.fn('unsubscribe', () => { listeners.delete(listener); return undefined; }); }),
  });
}

function combined(machine: Machine, reducers: Value, at: Place): Value {
  if (!isObject(reducers)) return reducers;
  return machine.fn('combined', ([state, action], _self, place) => {
    const next = machine.object();
    let changed = !isObject(state);
    for (const key of reducers.keys()) {
      const before = state === undefined ? undefined : machine.get(state, key, place);
      const after = machine.call(machine.get(reducers, key, at), [before, action], undefined, place);
      changed ||= after !== before;
      next.put(key, after);
    }
    return changed ? next : state;
  });
}

function core(machine: Machine, renderer: Renderer): Record<string, Native> {
  const createStore: Native = ([reducer, ...more], _self, at) => {
    const middleware = more.flatMap((option) => (option instanceof Boxed && option.inner instanceof Middleware ? option.inner.list : []));
    return makeStore(machine, renderer, { reducer, preloaded: more[0] instanceof Boxed || more[0] instanceof Fn || !isObject(more[0]) ? undefined : more[0], middleware }, at);
  };
  return {
    createStore, legacy_createStore: createStore,
    applyMiddleware: (list) => new Boxed(machine.intrinsic('Object'), new Middleware(list)),
    combineReducers: ([reducers], _self, at) => combined(machine, reducers, at),
    bindActionCreators: ([creators, dispatch]) => bound(machine, creators, dispatch),
    compose: (fns) => fns.find((fn) => fn instanceof Boxed && fn.inner instanceof Middleware) ?? machine.fn('composed', (args, _self, at) => fns.toReversed().reduce<Value>((value, fn, index) => machine.call(fn, index === 0 ? args : [value], undefined, at), args[0])),
  };
}

function bound(machine: Machine, creators: Value, dispatch: Value): Value {
  const bind = (creator: Value): Value => machine.fn('bound', (args, _self, at) => machine.call(dispatch, [machine.call(creator, args, undefined, at)], undefined, at));
  if (creators instanceof Fn) return bind(creators);
  const result = machine.object();
  if (isObject(creators)) for (const key of creators.keys()) result.put(key, bind(machine.get(creators, key)));
  return result;
}

// ── Toolkit ──────────────────────────────────────────────────────────────────────────────────────────────────────

function actionCreator(machine: Machine, type: string, prepare?: Value): Fn {
  const creator = machine.fn(type, (args, _self, at) => {
    const prepared = prepare instanceof Fn ? machine.call(prepare, args, undefined, at) : undefined;
    const action = machine.object({ type, payload: isObject(prepared) ? machine.get(prepared, 'payload') : args[0] });
    if (isObject(prepared)) action.put('meta', machine.get(prepared, 'meta'));
    return action;
  });
  return creator.put('type', type).put('match', machine.fn('match', ([action]) => isObject(action) && machine.get(action, 'type') === type)).put('toString', machine.fn('toString', () => type), false);
}

const typeOf = (machine: Machine, action: Value): Value => (isObject(action) ? machine.get(action, 'type') : action);

/** Reducers by action type, with matchers, run on drafts. */
function draftReducer(machine: Machine, initial: Value, cases: ReadonlyMap<string, Value>, matchers: ReadonlyArray<readonly [Value, Value]>): Fn {
  return machine.fn('reducer', ([state, action], _self, at) => {
    let current = state === undefined ? (initial instanceof Fn ? machine.call(initial, [], undefined, at) : initial) : state;
    const type = typeOf(machine, action);
    const handler = typeof type === 'string' ? cases.get(type) : undefined;
    if (handler !== undefined) current = produce(machine, current, handler, [action], at);
    for (const [matcher, reducer] of matchers) if (machine.call(matcher, [action], undefined, at) === true) current = produce(machine, current, reducer, [action], at);
    return current;
  });
}

function extraCases(machine: Machine, extra: Value, cases: Map<string, Value>, matchers: Array<readonly [Value, Value]>, at: Place): void {
  if (!(extra instanceof Fn)) { if (isObject(extra)) for (const key of extra.keys()) cases.set(key, machine.get(extra, key)); return; }
  const builder: Obj = machine.object();
  builder.put('addCase', machine.fn('addCase', ([action, reducer]) => { const type = typeOf(machine, action); if (typeof type === 'string') cases.set(type, reducer); return builder; }));
  builder.put('addMatcher', machine.fn('addMatcher', ([matcher, reducer]) => { matchers.push([matcher, reducer]); return builder; }));
  builder.put('addDefaultCase', machine.fn('addDefaultCase', () => builder));
  machine.call(extra, [builder], undefined, at);
}

function slices(machine: Machine, renderer: Renderer): Record<string, Native> {
  return {
    configureStore: ([options], _self, at) => {
      const reducer = machine.get(options, 'reducer', at);
      const own = machine.get(options, 'middleware', at);
      const list = own instanceof Fn ? machine.call(own, [machine.fn('getDefaultMiddleware', () => machine.array([]))], undefined, at) : own;
      return makeStore(machine, renderer, { reducer: reducer instanceof Fn || reducer instanceof Unknown ? reducer : combined(machine, reducer, at), preloaded: machine.get(options, 'preloadedState', at), middleware: list instanceof Arr ? list.items : [] }, at);
    },
    createSlice: ([options], _self, at) => {
      const name = machine.get(options, 'name', at);
      const cases = new Map<string, Value>();
      const matchers: Array<readonly [Value, Value]> = [];
      const actions = machine.object();
      const reducers = machine.get(options, 'reducers', at);
      // Reducers that a callback builds are not followed.
      if (reducers instanceof Fn) actions.missing = new Unknown('reducers that are built', at);
      else if (isObject(reducers)) for (const key of reducers.keys()) {
        const reducer = machine.get(reducers, key);
        const type = `${typeof name === 'string' ? name : ''}/${key}`;
        cases.set(type, isObject(reducer) && !(reducer instanceof Fn) ? machine.get(reducer, 'reducer') : reducer);
        actions.put(key, actionCreator(machine, type, isObject(reducer) && !(reducer instanceof Fn) ? machine.get(reducer, 'prepare') : undefined));
      }
      extraCases(machine, machine.get(options, 'extraReducers', at), cases, matchers, at);
      const initial = machine.get(options, 'initialState', at);
      return machine.object({ name, actions, reducer: draftReducer(machine, initial, cases, matchers), caseReducers: reducers, getInitialState: machine.fn('getInitialState', () => (initial instanceof Fn ? machine.call(initial, []) : initial)), selectors: ofSlice(machine, name, machine.get(options, 'selectors', at)) });
    },
    createReducer: ([initial, build], _self, at) => { const cases = new Map<string, Value>(); const matchers: Array<readonly [Value, Value]> = []; extraCases(machine, build, cases, matchers, at); return draftReducer(machine, initial, cases, matchers); },
    createAction: ([type, prepare]) => actionCreator(machine, typeof type === 'string' ? type : '', prepare),
    createAsyncThunk: ([type, payload]) => asyncThunk(machine, typeof type === 'string' ? type : '', payload),
    createSelector: selector(machine),
    current: ([value]) => value, original: ([value]) => value,
    nanoid: (_args, _self, at) => new Unknown('a generated id', at),
  };
}

/** Selectors of a slice, made to take the whole state. */
function ofSlice(machine: Machine, name: Value, selectors: Value): Value {
  if (!isObject(selectors) || typeof name !== 'string') return selectors;
  const made = machine.object();
  for (const key of selectors.keys()) made.put(key, machine.fn(key, ([state, ...more], _self, at) => machine.call(machine.get(selectors, key), [machine.get(state, name, at), ...more], undefined, at)));
  return made;
}

/** `pending`, then `fulfilled` where the outcome is certain; otherwise both outcomes, uncertain. */
function asyncThunk(machine: Machine, type: string, payload: Value): Fn {
  const steps = { pending: actionCreator(machine, `${type}/pending`), fulfilled: actionCreator(machine, `${type}/fulfilled`), rejected: actionCreator(machine, `${type}/rejected`) };
  const creator = machine.fn(type, ([arg]) => machine.fn('thunk', ([dispatch, getState], _self, at) => {
    const send = (step: Fn, value: Value): Value => { const action = machine.call(step, [value], undefined, at); if (isObject(action)) action.put('meta', machine.object({ arg })).put('error', step === steps.rejected ? machine.object({ message: new Unknown('an error', at) }) : undefined); return machine.call(dispatch, [action], undefined, at); };
    send(steps.pending, undefined);
    const api = machine.namespace('thunkAPI', at, { dispatch, getState, rejectWithValue: machine.fn('rejectWithValue', ([value]) => { throw new Thrown(value, at); }) });
    const result = machine.call(payload, [arg, api], undefined, at);
    if (isPromise(machine, result)) machine.settle(() => result.inner.status !== 'pending');
    const certain = isPromise(machine, result) && result.inner.status !== 'pending' && !result.inner.uncertain && !(result.inner.value instanceof Unknown);
    if (certain && isPromise(machine, result)) {
      const action = send(result.inner.status === 'fulfilled' ? steps.fulfilled : steps.rejected, result.inner.value);
      return fulfilled(machine, action);
    }
    const why = result instanceof Unknown ? result : new Unknown('the answer of an API', at);
    machine.uncertainly(why, () => { send(steps.fulfilled, why); send(steps.rejected, why); });
    return new Unknown(why.reason, why.at);
  }));
  for (const [name, step] of Object.entries(steps)) creator.put(name, step);
  return creator.put('typePrefix', type);
}

const selector = (machine: Machine): Native => (args) => {
  const parts = args.flatMap((arg) => (arg instanceof Arr ? arg.items : [arg])).filter((arg) => arg instanceof Fn || arg instanceof Unknown);
  return machine.fn('selector', (given, _self, at) => machine.call(parts.at(-1), parts.slice(0, -1).map((part) => machine.call(part, given, undefined, at)), undefined, at));
};

// ── Components ───────────────────────────────────────────────────────────────────────────────────────────────────

function componentBindings(machine: Machine, renderer: Renderer): Record<string, Native> {
  const context = new Special(machine.intrinsic('Object'), 'context', undefined);
  const store = (): Value => renderer.context(context) ?? new Unknown('a store', { file: '', line: 1 });
  const state = (at: Place): Value => machine.call(machine.get(store(), 'getState', at), [], undefined, at);
  const useSelector: Native = ([select], _self, at) => machine.call(select, [state(at)], undefined, at);
  const useDispatch: Native = (_args, _self, at) => machine.get(store(), 'dispatch', at);
  return {
    Provider: ([props], _self, at) => machine.element(context, machine.object({ value: machine.get(props, 'store', at), children: machine.get(props, 'children', at) }), null, at),
    useSelector, useDispatch, useStore: store, shallowEqual: () => false, batch: ([callback], _self, at) => machine.call(callback, [], undefined, at),
    connect: ([mapState, mapDispatch]) => machine.fn('connected', ([component]) => {
      const connected = machine.fn('Connected', ([props], _self, at) => {
        const full = machine.object();
        const dispatch = machine.get(store(), 'dispatch', at);
        const parts = [props, mapState instanceof Fn ? machine.call(mapState, [state(at), props], undefined, at) : undefined, mapDispatch instanceof Fn ? machine.call(mapDispatch, [dispatch, props], undefined, at) : isObject(mapDispatch) ? bound(machine, mapDispatch, dispatch) : machine.object({ dispatch })];
        for (const part of parts) {
          if (part instanceof Unknown) full.missing = part;
          if (isObject(part)) { for (const key of part.keys()) full.put(key, machine.get(part, key)); if (part.missing) full.missing = part.missing; }
        }
        return machine.element(component, full, null, at);
      });
      return connected.put('WrappedComponent', component);
    }),
  };
}
