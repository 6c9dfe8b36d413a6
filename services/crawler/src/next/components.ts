import type { Place, Words } from '../markup.js';
import type { Machine, ModuleModel, ModuleModels } from '../interpret/machine.js';
import { isPromise } from '../interpret/promises.js';
import { Arr, ElementObj, FRAGMENT, Fn, isObject, Obj, Thrown, Undecided, Unknown, type Key, type Property, type Value } from '../interpret/values.js';
import { hrefOf, type Navigator } from './navigation.js';

/** The components that Next ships, as plain elements: `Link`, `Image`, `Head`, `Script`, `Form`, `dynamic` and the fonts. */
export function componentModels(navigator: Navigator): ModuleModels {
  return new Map<string, ModuleModel>([
    ['next/link', (machine) => defaultExport(machine, linkComponent(machine, navigator))],
    ['next/form', (machine) => defaultExport(machine, machine.fn('Form', ([props], _self, at) => machine.element('form', without(machine, props, ['replace', 'scroll', 'prefetch']), null, at)))],
    ['next/image', (machine) => defaultExport(machine, machine.fn('Image', ([props], _self, at) => machine.element('img', without(machine, props, IMAGE_SETTINGS), null, at)))],
    ['next/legacy/image', (machine) => defaultExport(machine, machine.fn('Image', ([props], _self, at) => machine.element('img', without(machine, props, IMAGE_SETTINGS), null, at)))],
    ['next/script', (machine) => defaultExport(machine, machine.fn('Script', () => null))],
    ['next/head', (machine) => defaultExport(machine, machine.fn('Head', ([props], _self, at) => { readHead(machine, navigator, machine.get(props, 'children', at), at); return null; }))],
    ['next/dynamic', (machine) => defaultExport(machine, machine.fn('dynamic', ([loader], _self, at) => dynamicComponent(machine, loader, at)))],
    ['next/font/google', (machine) => new Fonts(machine)],
    ['next/font/local', (machine) => defaultExport(machine, fontLoader(machine))],
  ]);
}

export function defaultExport(machine: Machine, value: Value): Obj {
  const namespace = machine.object({ default: value });
  return namespace.put('module.exports', value, false);
}

const IMAGE_SETTINGS = ['src', 'loader', 'priority', 'preload', 'quality', 'placeholder', 'blurDataURL', 'fill', 'unoptimized', 'onLoadingComplete', 'overrideSrc', 'layout', 'objectFit', 'objectPosition', 'lazyBoundary'];
const LINK_SETTINGS = ['href', 'as', 'replace', 'scroll', 'prefetch', 'shallow', 'passHref', 'legacyBehavior', 'locale', 'onNavigate', 'onClick'];

/** The properties of `props` but these. Properties of an unknown object stay unknown. */
function without(machine: Machine, props: Value, names: readonly string[]): Obj {
  const kept = machine.object();
  if (!isObject(props)) return kept;
  for (const key of props.keys()) if (!names.includes(key)) kept.put(key, machine.get(props, key));
  if (props.missing) kept.missing = props.missing;
  return kept;
}

function linkComponent(machine: Machine, navigator: Navigator): Fn {
  return machine.fn('Link', ([props], _self, at) => {
    const href = hrefOf(machine, machine.get(props, 'href', at), at);
    const onClick = machine.get(props, 'onClick', at);
    const replace = machine.get(props, 'replace', at);
    const inner = without(machine, props, LINK_SETTINGS);
    const address = typeof href === 'string' ? navigator.shown(href) : href;
    const click = machine.fn('click', ([event], self, where) => {
      if (onClick instanceof Fn || onClick instanceof Unknown) machine.call(onClick, [event], self, where);
      // What is outside of the application, or opens elsewhere, the browser follows by itself.
      if (machine.get(event, 'defaultPrevented') === true || typeof href !== 'string' || !navigator.owns(href) || inner.own('target')?.value === '_blank' || inner.own('download')) return undefined;
      machine.call(machine.get(event, 'preventDefault'), [], event, where);
      navigator.go(href, replace === true ? 'replace' : 'push', where);
      return undefined;
    });
    const child = inner.own('children')?.value;
    if (machine.get(props, 'legacyBehavior', at) === true && child instanceof ElementObj) {
      const merged = without(machine, child.props, []).put('onClick', click);
      if (child.type === 'a' || machine.get(props, 'passHref', at) === true) merged.put('href', address);
      return machine.element(child.type, merged, child.key, child.at);
    }
    return machine.element('a', inner.put('href', address).put('onClick', click), null, at);
  });
}

/** The title among the children of `next/head`; later ones win, as the browser would see them. */
function readHead(machine: Machine, navigator: Navigator, children: Value, at: Place): void {
  if (children instanceof Arr) for (const child of children.items) readHead(machine, navigator, child, at);
  else if (children instanceof Unknown) navigator.title = { undecided: children.reason };
  else if (children instanceof ElementObj) {
    if (children.type === 'title') navigator.title = textOf(machine.get(children.props, 'children', at));
    else if (children.type === FRAGMENT) readHead(machine, navigator, machine.get(children.props, 'children', at), at);
  }
}

/** The text of children that hold no elements. */
export function textOf(children: Value): Words {
  if (typeof children === 'string' || typeof children === 'number') return String(children);
  if (children instanceof Arr) {
    const parts = children.items.map(textOf);
    return parts.find((part) => typeof part !== 'string') ?? parts.map((part) => (typeof part === 'string' ? part : '')).join('');
  }
  if (children instanceof Unknown) return { undecided: children.reason };
  return isObject(children) ? { undecided: 'an element in a text' } : '';
}

/** `dynamic(() => import('./x'))`: the component itself; where its code comes from is not seen by the user in the end. */
function dynamicComponent(machine: Machine, loader: Value, at: Place): Value {
  let loaded: Value;
  return machine.fn('Dynamic', ([props]) => {
    loaded ??= componentOf(machine, loader instanceof Fn ? machine.call(loader, [], undefined, at) : new Unknown('a component loaded later', at), at);
    return machine.element(loaded, isObject(props) ? props : machine.object(), null, at);
  });
}

function componentOf(machine: Machine, promise: Value, at: Place): Value {
  const value = settled(machine, promise, at);
  if (value instanceof Unknown || value instanceof Fn) return value;
  return machine.get(value, 'default', at);
}

/** What a promise comes to, waiting on the spot; other values stand for themselves. Throws `Thrown` when it is rejected. */
export function settled(machine: Machine, value: Value, at: Place): Value {
  if (!isPromise(machine, value)) return value;
  machine.settle(() => value.inner.status !== 'pending');
  const { status, value: result, uncertain } = value.inner;
  if (status === 'pending') throw new Undecided('waits for something that nothing brings about', at);
  if (status === 'rejected') throw new Thrown(result, value.inner.at ?? at);
  return uncertain ?? result;
}

/** A font only gives class names that no style sheet of the repository mentions. */
function fontLoader(machine: Machine): Fn {
  return machine.fn('font', () => machine.object({ className: 'next-font', variable: 'next-font-variable', style: machine.object() }));
}
class Fonts extends Obj {
  constructor(private readonly machine: Machine) { super(machine.intrinsic('Object')); }
  override own(key: Key): Property | undefined {
    return typeof key === 'string' && /^[A-Z]/.test(key) ? { value: fontLoader(this.machine), enumerable: true, writable: false } : super.own(key);
  }
}
