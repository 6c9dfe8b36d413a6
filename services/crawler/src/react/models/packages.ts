import { toText } from '../../interpret/convert.js';
import { putCookie, readCookie } from '../../interpret/builtins/browser.js';
import type { Machine, ModuleModel, ModuleModels } from '../../interpret/machine.js';
import { Arr, ElementObj, Fn, FRAGMENT, isObject, Obj, Unknown, type Native, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import type { Renderer } from '../renderer.js';
import { hookFormModels } from './hook-form.js';
import { iconModels } from './icons.js';
import { motionModels } from './motion.js';
import { reduxModels } from './redux.js';
import { storeModels } from './stores.js';
import { styledModels } from './styled.js';

/** Small packages that many React applications use, where what they do can be said in a few lines. */
export function packageModels(renderer: () => Renderer): ModuleModels {
  return new Map<string, ModuleModel>([
    ['js-cookie', cookies], ['clsx', classes], ['classnames', classes], ['tailwind-merge', (machine, at) => namespaceOf(machine, 'tailwind-merge', at, { twMerge: classNames(machine) })], ['prop-types', propTypes],
    ['react-helmet', helmet], ['react-helmet-async', helmet], ['uuid', generated('uuid', ['v1', 'v4', 'v7'])], ['nanoid', generated('nanoid', ['nanoid', 'customAlphabet'])],
    ['axios', axios], ['web-vitals', (machine, at) => machine.namespace('web-vitals', at)],
    ...iconModels(), ...storeModels(renderer), ...reduxModels(renderer), ...styledModels(), ...motionModels(), ...hookFormModels(renderer),
  ]);
}

/** A namespace whose default export is one of its values, or itself. */
export function namespaceOf(machine: Machine, name: string, at: Place, natives: Readonly<Record<string, Native>>, fallback?: Value): Obj {
  const namespace = machine.namespace(name, at);
  for (const [key, native] of Object.entries(natives)) namespace.put(key, machine.fn(key, native));
  const main = fallback ?? namespace;
  return namespace.put('default', main, false).put('module.exports', main, false);
}

function cookies(machine: Machine, at: Place): Obj {
  const name = (value: Value, place: Place): string => { const text = toText(machine, value, place); return text instanceof Unknown ? '' : text; };
  return namespaceOf(machine, 'js-cookie', at, {
    get: ([key], _self, place) => (key === undefined ? machine.fromHost(Object.fromEntries(machine.storage.cookies)) : readCookie(machine, name(key, place))),
    set: ([key, value], _self, place) => { putCookie(machine, name(key, place), isObject(value) ? new Unknown('a cookie', place) : toText(machine, value, place), place); return undefined; },
    remove: ([key], _self, place) => { putCookie(machine, name(key, place), null, place); return undefined; },
  });
}

/** The class names in strings, arrays and objects, as `clsx` joins them. */
const classNames = (machine: Machine): Native => (args, _self, at) => {
  const names: string[] = [];
  let unknown: Unknown | undefined;
  const add = (value: Value): void => {
    if (value instanceof Unknown) unknown ??= value;
    else if (typeof value === 'string' || typeof value === 'number') { if (value) names.push(String(value)); }
    else if (value instanceof Arr) for (const item of value.items) add(item);
    else if (isObject(value) && !(value instanceof Fn)) {
      if (value.missing) unknown ??= value.missing;
      for (const key of value.keys()) { const on = machine.get(value, key, at); if (on instanceof Unknown) unknown ??= on; else if (isObject(on) || Boolean(on)) names.push(key); }
    }
  };
  for (const arg of args) add(arg);
  return unknown ? new Unknown(unknown.reason, unknown.at) : names.join(' ');
};
function classes(machine: Machine, at: Place): Obj {
  const join = machine.fn('clsx', classNames(machine));
  return namespaceOf(machine, 'clsx', at, { clsx: classNames(machine) }, join);
}

/** Checks of props say nothing about markup. */
function propTypes(machine: Machine, at: Place): Obj { return machine.namespace('prop-types', at).put('default', machine.namespace('PropTypes', at)); }

function helmet(machine: Machine, at: Place): Obj {
  const read = (value: Value): void => {
    if (value instanceof Arr) for (const item of value.items) read(item);
    if (!(value instanceof ElementObj)) return;
    if (value.type === FRAGMENT) read(machine.get(value.props, 'children'));
    if (value.type !== 'title') return;
    const children = machine.get(value.props, 'children');
    const text = children instanceof Arr ? machine.call(machine.get(children, 'join'), [''], children, value.at) : children ?? '';
    machine.title = text instanceof Unknown ? text : toText(machine, text, value.at);
  };
  return namespaceOf(machine, 'react-helmet', at, {
    Helmet: ([props]) => { const title = machine.get(props, 'title'); if (title !== undefined) machine.title = title; read(machine.get(props, 'children')); return null; },
    HelmetProvider: ([props]) => machine.get(props, 'children'),
  });
}

/** Values that differ each time. */
const generated = (name: string, exported: readonly string[]) => (machine: Machine, at: Place): Obj => {
  const natives = Object.fromEntries(exported.map((key): [string, Native] => [key, (_args, _self, place) => new Unknown(`a generated id (${name})`, place)]));
  return namespaceOf(machine, name, at, natives);
};

function axios(machine: Machine, at: Place): Obj {
  const request: Native = ([target], _self, place) => {
    const address = isObject(target) ? machine.get(target, 'url', place) : target;
    machine.need('api', typeof address === 'string' ? address : 'axios', place);
    return new Unknown('the answer of an API', place);
  };
  const client = (): Fn => {
    const made = machine.fn('axios', request);
    for (const method of ['get', 'post', 'put', 'patch', 'delete', 'head', 'request', 'options']) made.put(method, machine.fn(method, request));
    made.put('create', machine.fn('create', () => client()));
    made.put('defaults', machine.namespace('axios.defaults', at)).put('interceptors', machine.namespace('axios.interceptors', at)).put('isAxiosError', new Unknown('axios.isAxiosError', at));
    return made;
  };
  const main = client();
  return machine.namespace('axios', at, { default: main, 'module.exports': main });
}
