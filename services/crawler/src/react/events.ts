import { FIELDS, Pairs } from '../interpret/builtins/addresses.js';
import type { Machine } from '../interpret/machine.js';
import { Boxed, DocumentPart, Fn, Thrown, Undecided, Unknown, type Key, type Obj, type Value } from '../interpret/values.js';
import type { UserEvent } from '../framework.js';
import { isKnown, type MarkupElement } from '../markup.js';

/** React's handler props by the event they answer to, in the order in which a browser fires them. */
const PROPS: Readonly<Record<UserEvent['type'], readonly string[]>> = {
  click: ['onPointerDown', 'onMouseDown', 'onPointerUp', 'onMouseUp', 'onClick'], dblclick: ['onDoubleClick'], input: ['onInput'], change: ['onChange'], submit: ['onSubmit'],
  keydown: ['onKeyDown', 'onKeyPress'], keyup: ['onKeyUp'], focus: ['onFocus'], blur: ['onBlur'], mouseenter: ['onMouseEnter', 'onMouseOver', 'onPointerEnter'], reset: ['onReset'],
};
const STAYS = new Set(['onMouseEnter', 'onPointerEnter']);

/** What an element of the page is handed back to the application by. */
export interface HandlerToken { readonly path: string }

/** The events that a tag listens to. */
export function handlersOf(tag: string, props: Obj, path: string): Map<string, HandlerToken> {
  const handlers = new Map<string, HandlerToken>();
  const listens = (prop: string): boolean => { const value = props.own(prop)?.value; return value instanceof Fn || value instanceof Unknown; };
  for (const [type, names] of Object.entries(PROPS)) if (names.some(listens)) handlers.set(type, { path });
  const action = props.own('action')?.value;
  if (tag === 'form' && (action instanceof Fn)) handlers.set('submit', { path });
  return handlers;
}

interface Target { readonly path: string; readonly props: Obj; readonly parent: string | null; readonly element: MarkupElement }

/** Runs the handlers of an event from its target outwards. Returns whether the default action was prevented. Throws `Undecided`. */
export function dispatchTo(machine: Machine, hosts: ReadonlyMap<string, Target>, path: string, event: UserEvent, form: { onReset(): void; fieldOf(path: string, key: 'value' | 'checked'): Value }): boolean {
  const state = { prevented: false, stopped: false };
  const target = hosts.get(path);
  if (!target) throw new Undecided('the element is not on the page any more', undefined);
  const part = targetOf(machine, target, event, form);
  const synthetic = syntheticEvent(machine, event, part, state);
  for (const prop of PROPS[event.type]) {
    state.stopped = false;
    for (let at: Target | undefined = target; at && !state.stopped; at = at.parent === null ? undefined : hosts.get(at.parent)) {
      const handler = at.props.own(prop)?.value;
      if (handler instanceof Unknown) throw new Undecided(`a handler that is not known (${handler.reason})`, at.element.at);
      if (handler instanceof Fn) {
        synthetic.put('currentTarget', at === target ? part : targetOf(machine, at, event, form));
        runHandler(machine, handler, [synthetic], at.element);
      }
      if (STAYS.has(prop)) break;
    }
  }
  const action = event.type === 'submit' && !state.prevented ? target.props.own('action')?.value : undefined;
  if (action instanceof Fn) {
    state.prevented = true;
    runHandler(machine, action, [new Boxed(machine.intrinsic('FormData'), new Pairs((event.fields ?? []).map(([name, value]): [string, Value] => [name, value])))], target.element);
  }
  return state.prevented;
}

/** An error in a handler is logged by the browser and changes nothing else. */
function runHandler(machine: Machine, handler: Fn, args: Value[], element: MarkupElement): void {
  machine.branch(handler.at ?? element.at);
  try {
    machine.call(handler, args, undefined, handler.at ?? element.at);
    machine.runMicrotasks();
  } catch (error) {
    if (!(error instanceof Thrown)) throw error;
  }
}

function syntheticEvent(machine: Machine, event: UserEvent, target: DocumentPart, state: { prevented: boolean; stopped: boolean }): Obj {
  const synthetic = machine.namespace('event', target.at, {
    type: event.type, target, currentTarget: target, bubbles: true, key: event.key ?? '', code: event.key ?? '', button: 0, detail: 1,
    ctrlKey: false, shiftKey: false, altKey: false, metaKey: false, defaultPrevented: false, isTrusted: true,
  });
  const native: Obj = machine.namespace('event.nativeEvent', target.at, { key: event.key ?? '', isComposing: false });
  synthetic.put('nativeEvent', native);
  synthetic.put('preventDefault', machine.fn('preventDefault', () => { state.prevented = true; synthetic.put('defaultPrevented', true); return undefined; }));
  synthetic.put('stopPropagation', machine.fn('stopPropagation', () => { state.stopped = true; return undefined; }));
  synthetic.put('persist', machine.fn('persist', () => undefined));
  synthetic.put('isDefaultPrevented', machine.fn('isDefaultPrevented', () => state.prevented));
  for (const [name, code] of [['Enter', 13], ['Escape', 27], ['Tab', 9], [' ', 32], ['ArrowDown', 40], ['ArrowUp', 38]] as const) if (event.key === name) synthetic.put('keyCode', code).put('which', code);
  return synthetic;
}

/** The element of an event, as a program reads it: value, checked state, attributes, and the controls of a form by name. */
function targetOf(machine: Machine, target: Target, event: UserEvent, form: { onReset(): void; fieldOf(path: string, key: 'value' | 'checked'): Value }): DocumentPart {
  const { element } = target;
  const attribute = (name: string): Value => {
    const words = element.attributes.get(name);
    return words === undefined ? null : words === true ? '' : isKnown(words) ? words : new Unknown(words.undecided, element.at);
  };
  const fields = event.type === 'submit' ? event.fields ?? [] : [];
  const control = (name: string): Value => {
    const values = fields.filter(([field]) => field === name).map(([, value]) => value);
    return values.length === 0 ? undefined : new DocumentPart(`the field ${name}`, element.at, (key) => (key === 'value' ? values[0] : key === 'name' ? name : key === 'checked' ? true : undefined));
  };
  const elements = new DocumentPart('the controls of a form', element.at, (key) => (typeof key === 'string' ? control(key) : undefined));
  const read = (key: Key): Value => {
    switch (key) {
      case 'value': return event.value ?? (element.tag === 'button' || element.tag === 'input' || element.tag === 'option' ? form.fieldOf(target.path, 'value') ?? (attribute('value') ?? undefined) : form.fieldOf(target.path, 'value'));
      case 'checked': return event.checked ?? form.fieldOf(target.path, 'checked');
      case 'name': case 'id': case 'type': case 'placeholder': return attribute(key) ?? '';
      case 'className': return attribute('class') ?? '';
      case 'tagName': case 'nodeName': return element.tag.toUpperCase();
      case 'files': return new Unknown('chosen files', element.at);
      case 'dataset': return dataset(machine, element);
      case 'getAttribute': return machine.fn('getAttribute', ([name]) => (typeof name === 'string' ? attribute(name) : null));
      case 'elements': return elements;
      case 'reset': return machine.fn('reset', (_args, _self, at) => { machine.effect('the fields of a form', at); form.onReset(); return undefined; });
      case FIELDS: return new Boxed(null, new Pairs(fields.map(([name, value]): [string, Value] => [name, value])));
      default: return typeof key === 'string' && element.tag === 'form' ? control(key) : undefined;
    }
  };
  return new DocumentPart(`<${element.tag}>`, element.at, read);
}

function dataset(machine: Machine, element: MarkupElement): Obj {
  const data = machine.object();
  for (const [name, words] of element.attributes) {
    if (name.startsWith('data-')) data.put(name.slice(5).replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase()), words === true ? '' : isKnown(words) ? words : new Unknown(words.undecided, element.at));
  }
  return data;
}
