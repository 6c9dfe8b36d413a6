import type { Machine, ModuleModel, ModuleModels } from '../../interpret/machine.js';
import { Arr, ElementObj, Fn, FRAGMENT, isObject, Obj, Unknown, type Native, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import { hooks } from '../hooks.js';
import { Special } from '../instance.js';
import type { Renderer } from '../renderer.js';

/** `react`, its JSX runtimes and `react-dom`. */
export function reactModels(renderer: () => Renderer): ModuleModels {
  let react: Obj | undefined;
  const model: ModuleModel = (machine, at) => (react ??= reactNamespace(machine, renderer(), at));
  const dom: ModuleModel = (machine, at) => domNamespace(machine, renderer(), at);
  return new Map<string, ModuleModel>([
    ['react', model], ['react/jsx-runtime', runtime], ['react/jsx-dev-runtime', runtime], ['react-dom', dom], ['react-dom/client', dom], ['react-dom/server', (machine, at) => machine.namespace('react-dom/server', at)],
  ]);
}

const jsx = (machine: Machine): Native => ([type, props, key], _self, at) => machine.element(type, isObject(props) ? props : machine.object(), key ?? null, at);

const runtime: ModuleModel = (machine, at) => machine.namespace('react/jsx-runtime', at, { Fragment: FRAGMENT, jsx: machine.fn('jsx', jsx(machine)), jsxs: machine.fn('jsxs', jsx(machine)), jsxDEV: machine.fn('jsxDEV', jsx(machine)) });

function reactNamespace(machine: Machine, renderer: Renderer, at: Place): Obj {
  const react = machine.namespace('react', at, { Fragment: FRAGMENT, StrictMode: FRAGMENT, Suspense: FRAGMENT, Profiler: FRAGMENT, version: new Unknown('the version of React', at) });
  for (const [name, native] of Object.entries({ ...hooks(renderer), ...elements(machine), ...types(machine) })) react.put(name, machine.fn(name, native));
  const component = componentClass(machine, renderer);
  react.put('Component', component).put('PureComponent', component);
  react.put('Children', childrenTools(machine));
  react.put('default', react, false).put('module.exports', react, false);
  return react;
}

function elements(machine: Machine): Record<string, Native> {
  const build = (type: Value, given: Value, children: readonly Value[], at: Place, base?: ElementObj): Value => {
    const props = machine.object();
    let key: Value = base?.key ?? null;
    for (const source of [base?.props, given]) {
      if (source instanceof Unknown) props.missing = source;
      if (!isObject(source)) continue;
      if (source.missing) props.missing ??= source.missing;
      for (const name of source.keys()) if (name === 'key') key = machine.get(source, name); else props.put(name, machine.get(source, name));
    }
    if (children.length > 0) props.put('children', children.length === 1 ? children[0] : machine.array([...children]));
    return machine.element(type, props, key, base?.at ?? at);
  };
  return {
    createElement: ([type, props, ...children], _self, at) => build(type, props, children, at),
    cloneElement: ([element, props, ...children], _self, at) => (element instanceof ElementObj ? build(element.type, props, children, at, element) : element),
    isValidElement: ([value]) => (value instanceof Unknown ? value : value instanceof ElementObj),
    createRef: () => machine.object({ current: null }),
    cache: ([fn]) => fn,
    act: ([fn], _self, at) => machine.call(fn, [], undefined, at),
  };
}

function types(machine: Machine): Record<string, Native> {
  const special = (kind: Special['kind'], inner: Value, context: Special | null = null): Special => new Special(machine.intrinsic('Object'), kind, inner, context);
  return {
    memo: ([type]) => special('memo', type),
    forwardRef: ([render]) => special('forwardRef', render),
    lazy: ([load]) => special('lazy', load),
    createContext: ([initial]) => {
      const context = special('context', initial);
      return context.put('Provider', special('provider', initial, context)).put('Consumer', special('consumer', initial, context));
    },
  };
}

function componentClass(machine: Machine, renderer: Renderer): Fn {
  const proto = machine.object();
  const component = machine.fn('Component', ([props], _self, _at, newTarget) => {
    const own = newTarget ? machine.get(newTarget, 'prototype') : proto;
    return new Obj(isObject(own) ? own : proto).put('props', props ?? machine.object()).put('state', null).put('refs', machine.object());
  });
  component.constructable = true;
  component.put('prototype', proto, false);
  proto.put('isReactComponent', machine.object(), false).put('constructor', component, false);
  proto.put('setState', machine.fn('setState', ([update, callback], self, at) => {
    if (isObject(self)) renderer.setState(self, update, at);
    if (callback instanceof Fn) machine.microtasks.push(() => machine.call(callback, [], self, at));
    return undefined;
  }), false);
  proto.put('forceUpdate', machine.fn('forceUpdate', () => { renderer.schedule(); return undefined; }), false);
  return component;
}

function childrenTools(machine: Machine): Obj {
  const list = (children: Value): Value[] | Unknown => {
    if (children === undefined || children === null) return [];
    if (children instanceof Unknown) return children;
    if (!(children instanceof Arr)) return [children];
    const items: Value[] = [];
    for (const item of children.items) { const inner = item instanceof Arr ? list(item) : [item]; if (inner instanceof Unknown) return inner; items.push(...inner); }
    return items;
  };
  const mapped = (name: string): Fn => machine.fn(name, ([children, callback], _self, at) => {
    const items = list(children);
    return items instanceof Unknown ? items : machine.array(items.map((item, index) => machine.call(callback, [item, index], undefined, at)));
  });
  return machine.object({
    map: mapped('map'), forEach: mapped('forEach'),
    count: machine.fn('count', ([children]) => { const items = list(children); return items instanceof Unknown ? items : items.length; }),
    toArray: machine.fn('toArray', ([children]) => { const items = list(children); return items instanceof Unknown ? items : machine.array(items.filter((item) => item !== null && item !== undefined && typeof item !== 'boolean')); }),
    only: machine.fn('only', ([children]) => children),
  });
}

function domNamespace(machine: Machine, renderer: Renderer, at: Place): Obj {
  const root = (): Obj => machine.object({ render: machine.fn('render', ([element]) => { renderer.mount(element); return undefined; }), unmount: machine.fn('unmount', () => undefined) });
  const dom = machine.namespace('react-dom', at, {
    createRoot: machine.fn('createRoot', () => root()),
    hydrateRoot: machine.fn('hydrateRoot', ([, element]) => { renderer.mount(element); return root(); }),
    render: machine.fn('render', ([element]) => { renderer.mount(element); return undefined; }),
    hydrate: machine.fn('hydrate', ([element]) => { renderer.mount(element); return undefined; }),
    createPortal: machine.fn('createPortal', ([children]) => children),
    flushSync: machine.fn('flushSync', ([callback], _self, place) => machine.call(callback, [], undefined, place)),
    unstable_batchedUpdates: machine.fn('batchedUpdates', ([callback], _self, place) => machine.call(callback, [], undefined, place)),
  });
  const { useFormStatus, useFormState } = hooks(renderer);
  for (const [name, native] of Object.entries({ useFormStatus, useFormState })) if (native) dom.put(name, machine.fn(name, native));
  return dom.put('default', dom, false).put('module.exports', dom, false);
}
