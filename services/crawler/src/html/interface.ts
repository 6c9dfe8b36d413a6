import { methods } from '../interpret/builtins/define.js';
import { toText, truth } from '../interpret/convert.js';
import type { Machine } from '../interpret/machine.js';
import { isFn, Obj, Undecided, Unknown, type Key, type Property, type Value } from '../interpret/values.js';
import { isKnown, type Place } from '../markup.js';
import { documentOf } from '../templates/document.js';
import { append, change, detach, doubtOf, elementsOf, fromMarkup, HtmlNode, HtmlText, textContent, valueOf, walk, wordsOf, type DocumentHost } from './node.js';
import { select, selects } from './query.js';

/** What scripts can do with elements: the part of the DOM that small pages use. Anything else is unknown, or ends what is being followed. */
export interface PageDocument extends DocumentHost { readonly root: HtmlNode; readonly body: HtmlNode }

const nodeOf = (value: Value, at: Place, what: string): HtmlNode => {
  if (value instanceof HtmlNode) return value;
  throw new Undecided(`${what} of something that is no known element`, at);
};
const textOr = (machine: Machine, value: Value, at: Place, what: string): string => {
  const text = toText(machine, value, at);
  if (text instanceof Unknown) throw new Undecided(`${what} is ${text.reason}`, at);
  return text;
};
const BOOLEAN_PROPERTIES = ['hidden', 'disabled', 'required', 'readonly', 'multiple', 'selected', 'open', 'autofocus', 'novalidate'];
const TEXT_PROPERTIES = ['id', 'title', 'alt', 'src', 'placeholder', 'name', 'type', 'role', 'href', 'htmlFor', 'className', 'lang', 'dir', 'rel', 'target', 'action', 'method', 'min', 'max', 'step', 'pattern', 'autocomplete', 'width', 'height', 'ariaLabel', 'ariaExpanded', 'ariaHidden', 'ariaSelected', 'ariaPressed'];
const ATTRIBUTE_OF: Readonly<Record<string, string>> = { htmlFor: 'for', className: 'class', ariaLabel: 'aria-label', ariaExpanded: 'aria-expanded', ariaHidden: 'aria-hidden', ariaSelected: 'aria-selected', ariaPressed: 'aria-pressed' };

/** Builds the prototype of elements. */
export function elementPrototype(machine: Machine, page: PageDocument): Obj {
  const proto = new Obj(machine.intrinsic('Object'));
  // Geometry, animation and the rest of the platform.
  proto.missing = new Unknown('a property of an element', { file: '', line: 1 });
  const property = (name: string, get: (node: HtmlNode, at: Place) => Value, set?: (node: HtmlNode, value: Value, at: Place) => void): void => {
    proto.properties.set(name, {
      value: undefined, enumerable: false, writable: true, get: machine.fn(name, (_args, self, at) => doubtful(nodeOf(self, at, name), at) ?? get(nodeOf(self, at, name), at)),
      ...(set && { set: machine.fn(name, ([value], self, at) => { set(nodeOf(self, at, name), value, at); return undefined; }) }),
    });
  };
  const method = (name: string, run: (node: HtmlNode, args: Value[], at: Place) => Value): void => methods(machine, proto, { [name]: (args, self, at) => run(nodeOf(self, at, name), args, at) });
  const setAttribute = (node: HtmlNode, name: string, value: Value, at: Place): void => change(node, at, () => { const text = value instanceof Unknown ? value : toText(machine, value, at); node.attributes.set(name, text instanceof Unknown ? { undecided: text.reason } : text); });

  for (const name of BOOLEAN_PROPERTIES) {
    property(name === 'readonly' ? 'readOnly' : name === 'novalidate' ? 'noValidate' : name, (node, at) => flag(node, name, at), (node, value, at) => {
      const on = truth(value);
      if (on instanceof Unknown) { change(node, at, () => { node.attributes.set(name, { undecided: on.reason }); }); return; }
      change(node, at, () => { if (on) node.attributes.set(name, ''); else node.attributes.delete(name); });
    });
  }
  for (const name of TEXT_PROPERTIES) {
    const attribute = ATTRIBUTE_OF[name] ?? name;
    property(name, (node, at) => { const words = node.attributes.get(attribute); return words === undefined || words === true ? '' : name === 'href' || name === 'src' || name === 'action' ? new Unknown(`the address in ${name}`, at) : valueOf(words, at); }, (node, value, at) => setAttribute(node, attribute, value, at));
  }
  installContent(machine, page, property, method);
  installTree(machine, page, property, method);
  installFields(machine, page, property, method);
  method('getAttribute', (node, [name], at) => doubtful(node, at) ?? attributeValue(node, textOr(machine, name, at, 'an attribute').toLowerCase(), at));
  method('hasAttribute', (node, [name], at) => doubtful(node, at) ?? node.attributes.has(textOr(machine, name, at, 'an attribute').toLowerCase()));
  method('setAttribute', (node, [name, value], at) => { setAttribute(node, textOr(machine, name, at, 'an attribute').toLowerCase(), value, at); return undefined; });
  method('removeAttribute', (node, [name], at) => { const key = textOr(machine, name, at, 'an attribute').toLowerCase(); change(node, at, () => { node.attributes.delete(key); }); return undefined; });
  method('toggleAttribute', (node, [name, force], at) => {
    const key = textOr(machine, name, at, 'an attribute').toLowerCase();
    const on = force === undefined ? !node.attributes.has(key) : truth(force);
    if (on instanceof Unknown) throw new Undecided(`${key} is toggled by ${on.reason}`, at);
    change(node, at, () => { if (on) node.attributes.set(key, ''); else node.attributes.delete(key); });
    return on;
  });
  property('classList', (node) => classList(machine, node));
  property('style', (node) => new StyleObject(machine, node), (node, value, at) => setAttribute(node, 'style', value, at));
  property('dataset', (node) => new DataObject(machine, node));
  property('tagName', (node) => node.tag.toUpperCase());
  property('nodeName', (node) => node.tag.toUpperCase());
  property('localName', (node) => node.tag);
  property('nodeType', (node) => (node.tag === '#document' ? 9 : node.tag === '#fragment' ? 11 : 1));
  method('addEventListener', (node, [type, callback, options], at) => { listen(machine, node, type, callback, options, at); return undefined; });
  method('removeEventListener', (node, [type, callback]) => { const index = node.listeners.findIndex((listener) => listener.type === type && listener.callback === callback); if (index >= 0) node.listeners.splice(index, 1); return undefined; });
  for (const name of ['focus', 'blur', 'scrollIntoView', 'scrollTo', 'select', 'setSelectionRange', 'animate', 'normalize', 'setPointerCapture', 'releasePointerCapture']) method(name, () => undefined);
  for (const name of ['click', 'submit', 'requestSubmit', 'dispatchEvent', 'attachShadow', 'setHTMLUnsafe', 'requestFullscreen', 'showPopover', 'hidePopover', 'togglePopover', 'setCustomValidity']) method(name, (_node, _args, at) => { throw new Undecided(`a script calls ${name}()`, at); });
  return proto;
}

/** Of a node that may be otherwise, nothing can be read. */
const doubtful = (node: HtmlNode, at: Place): Unknown | undefined => { const doubt = doubtOf(node); return doubt === undefined ? undefined : new Unknown(doubt, at); };
function attributeValue(node: HtmlNode, name: string, at: Place): Value {
  const words = node.attributes.get(name);
  return words === undefined ? null : words === true ? '' : valueOf(words, at);
}
function flag(node: HtmlNode, name: string, at: Place): Value {
  const words = node.attributes.get(name);
  return words !== undefined && words !== true && !isKnown(words) ? new Unknown(words.undecided, at) : words !== undefined;
}

export function listen(machine: Machine, node: HtmlNode, type: Value, callback: Value, options: Value, at: Place): void {
  const name = textOr(machine, type, at, 'the event');
  if (machine.speculations.length > 0 || machine.uncertain) { node.unsure ??= `a handler is set under a condition (${at.file}:${at.line})`; node.host.version++; return; }
  const capture = options === true || (options instanceof Obj && machine.get(options, 'capture', at) === true);
  if (isFn(callback) && node.listeners.some((listener) => listener.type === name && listener.callback === callback && listener.capture === capture)) return;
  node.listeners.push({ type: name, callback, capture, once: options instanceof Obj && machine.get(options, 'once', at) === true });
  node.host.version++;
}

type DefineProperty = (name: string, get: (node: HtmlNode, at: Place) => Value, set?: (node: HtmlNode, value: Value, at: Place) => void) => void;
type DefineMethod = (name: string, run: (node: HtmlNode, args: Value[], at: Place) => Value) => void;

function installContent(machine: Machine, page: PageDocument, property: DefineProperty, method: DefineMethod): void {
  const replaceText = (node: HtmlNode, value: Value, at: Place): void => {
    const text = value === null || value === undefined ? '' : value instanceof Unknown ? value : toText(machine, value, at);
    change(node, at, () => {
      for (const child of node.children.slice()) detach(child);
      node.opaque = undefined;
      if (text !== '') append(node, new HtmlText(text instanceof Unknown ? { undecided: text.reason } : text, at));
    });
  };
  for (const name of ['textContent', 'innerText']) property(name, (node, at) => valueOf(textContent(node), at), replaceText);
  property('innerHTML', (node, at) => (node.children.length === 0 && !node.opaque ? '' : new Unknown('innerHTML', at)), (node, value, at) => {
    change(node, at, () => { for (const child of node.children.slice()) detach(child); node.opaque = undefined; insertHtml(machine, page, node, value, null, at); });
  });
  property('outerHTML', (_node, at) => new Unknown('outerHTML', at));
  method('insertAdjacentHTML', (node, [position, value], at) => {
    const where = textOr(machine, position, at, 'a position').toLowerCase();
    const inside = where === 'beforeend' || where === 'afterbegin';
    const target = inside ? node : node.parent;
    if (!target) return undefined;
    const before = where === 'afterbegin' ? node.children[0] ?? null : where === 'beforebegin' ? node : where === 'afterend' ? target.children[target.children.indexOf(node) + 1] ?? null : null;
    change(target, at, () => insertHtml(machine, page, target, value, before, at));
    return undefined;
  });
}

/** Markup from a string: what the source does not give may hold anything. */
function insertHtml(machine: Machine, page: PageDocument, target: HtmlNode, value: Value, before: HtmlNode | HtmlText | null, at: Place): void {
  const text = value instanceof Unknown ? value : toText(machine, value, at);
  if (text instanceof Unknown) { target.opaque = { what: `markup from ${text.reason}`, at }; return; }
  const holder = new HtmlNode(page, '#fragment', at);
  fromMarkup(page, documentOf([{ kind: 'html', text: `<!doctype html><body>${text}`, at, advances: false }]).markup, holder);
  for (const child of holder.children.slice()) append(target, child, before);
}

const sibling = (node: HtmlNode, step: number): Value => { const all = node.parent ? elementsOf(node.parent) : []; return all[all.indexOf(node) + step] ?? null; };
function installTree(machine: Machine, page: PageDocument, property: DefineProperty, method: DefineMethod): void {
  const list = (nodes: HtmlNode[]): Value => { const array = machine.array(nodes); methods(machine, array, { item: ([index]) => (typeof index === 'number' ? nodes[index] ?? null : null) }); return array; };
  const query = (node: HtmlNode, selector: Value, at: Place): HtmlNode[] => select(page.root, node, textOr(machine, selector, at, 'a selector'), at);
  const asNode = (value: Value, at: Place): HtmlNode | HtmlText => (value instanceof HtmlNode ? value : new HtmlText(value instanceof Unknown ? { undecided: value.reason } : textOr(machine, value, at, 'a text'), at));
  const insert = (parent: HtmlNode, value: Value, before: HtmlNode | HtmlText | null, at: Place): void => {
    const added = value instanceof TextObject ? value.text : asNode(value, at);
    for (const child of added instanceof HtmlNode && added.tag === '#fragment' ? [...added.children] : [added]) append(parent, child, before);
  };
  method('querySelector', (node, [selector], at) => query(node, selector, at)[0] ?? null);
  method('querySelectorAll', (node, [selector], at) => list(query(node, selector, at)));
  method('getElementById', (node, [id], at) => { const wanted = textOr(machine, id, at, 'an id'); return [...walk(node)].find((one) => one.attributes.get('id') === wanted) ?? null; });
  method('getElementsByTagName', (node, [tag], at) => { const wanted = textOr(machine, tag, at, 'a tag').toLowerCase(); return list([...walk(node)].filter((one) => wanted === '*' || one.tag === wanted)); });
  method('getElementsByClassName', (node, [names], at) => list(query(node, textOr(machine, names, at, 'a class').trim().split(/\s+/).map((name) => `.${name}`).join(''), at)));
  method('getElementsByName', (node, [name], at) => { const wanted = textOr(machine, name, at, 'a name'); return list([...walk(node)].filter((one) => one.attributes.get('name') === wanted)); });
  method('matches', (node, [selector], at) => doubtful(node, at) ?? selects(page.root, node, textOr(machine, selector, at, 'a selector'), at));
  method('closest', (node, [selector], at) => {
    const text = textOr(machine, selector, at, 'a selector');
    for (let one: HtmlNode | null = node; one && one.tag !== '#document'; one = one.parent) if (selects(page.root, one, text, at)) return one;
    return null;
  });
  method('contains', (node, [other]) => { for (let one = other instanceof HtmlNode ? other : null; one; one = one.parent) if (one === node) return true; return false; });
  property('parentElement', (node) => (node.parent && node.parent.tag !== '#document' ? node.parent : null));
  property('parentNode', (node) => node.parent);
  property('children', (node) => list(elementsOf(node)));
  property('childElementCount', (node) => elementsOf(node).length);
  property('firstElementChild', (node) => elementsOf(node)[0] ?? null);
  property('lastElementChild', (node) => elementsOf(node).at(-1) ?? null);
  property('firstChild', (node, at) => { const [first] = node.children; return first instanceof HtmlText ? new Unknown('a text node', at) : first ?? null; });
  property('nextElementSibling', (node) => sibling(node, 1));
  property('previousElementSibling', (node) => sibling(node, -1));
  method('hasChildNodes', (node) => node.children.length > 0);
  method('appendChild', (node, [child], at) => { change(node, at, () => insert(node, child, null, at)); return child; });
  method('append', (node, children, at) => { change(node, at, () => { for (const child of children) insert(node, child, null, at); }); return undefined; });
  method('prepend', (node, children, at) => { change(node, at, () => { const first = node.children[0] ?? null; for (const child of children) insert(node, child, first, at); }); return undefined; });
  method('insertBefore', (node, [child, before], at) => { change(node, at, () => insert(node, child, before instanceof HtmlNode ? before : null, at)); return child; });
  method('before', (node, children, at) => { const { parent } = node; if (parent) change(parent, at, () => { for (const child of children) insert(parent, child, node, at); }); return undefined; });
  method('after', (node, children, at) => { const { parent } = node; if (parent) change(parent, at, () => { const next = parent.children[parent.children.indexOf(node) + 1] ?? null; for (const child of children) insert(parent, child, next, at); }); return undefined; });
  method('insertAdjacentElement', (node, [position, child], at) => {
    const where = textOr(machine, position, at, 'a position').toLowerCase();
    const target = where === 'beforeend' || where === 'afterbegin' ? node : node.parent;
    if (target) change(target, at, () => insert(target, child, where === 'afterbegin' ? node.children[0] ?? null : where === 'beforebegin' ? node : where === 'afterend' ? target.children[target.children.indexOf(node) + 1] ?? null : null, at));
    return child;
  });
  method('remove', (node, _args, at) => { const { parent } = node; if (parent) change(certainOr(node, machine), at, () => detach(node)); return undefined; });
  method('removeChild', (node, [child], at) => { const gone = nodeOf(child, at, 'removeChild'); change(node, at, () => detach(gone)); return child; });
  method('replaceChildren', (node, children, at) => { change(node, at, () => { for (const child of node.children.slice()) detach(child); node.opaque = undefined; for (const child of children) insert(node, child, null, at); }); return undefined; });
  method('replaceWith', (node, children, at) => { const { parent } = node; if (parent) change(parent, at, () => { for (const child of children) insert(parent, child, node, at); detach(node); }); return undefined; });
  method('replaceChild', (node, [added, old], at) => { const gone = nodeOf(old, at, 'replaceChild'); change(node, at, () => { insert(node, added, gone, at); detach(gone); }); return old; });
  method('cloneNode', (node, [deep]) => clone(page, node, deep === true));
}
/** Removing a node that may stay makes that node unsure, not all that is around it. */
const certainOr = (node: HtmlNode, machine: Machine): HtmlNode => (machine.uncertain || machine.speculations.length > 0 ? node : node.parent ?? node);

function clone(page: PageDocument, node: HtmlNode, deep: boolean): HtmlNode {
  const copy = new HtmlNode(page, node.tag, node.at);
  for (const [name, value] of node.attributes) copy.attributes.set(name, value);
  copy.unsure = doubtOf(node);
  if (deep) for (const child of node.children) append(copy, child instanceof HtmlText ? new HtmlText(child.text, child.at) : clone(page, child, true));
  return copy;
}

/** `document.createTextNode`. */
export class TextObject extends Obj {
  constructor(proto: Obj | null, readonly text: HtmlText) { super(proto); }
}

function installFields(machine: Machine, page: PageDocument, property: DefineProperty, method: DefineMethod): void {
  property('value', (node, at) => fieldValue(node, at), (node, value, at) => {
    const text = value === null || value === undefined ? '' : value instanceof Unknown ? value : toText(machine, value, at);
    change(node, at, () => { if (node.tag === 'option' || node.tag === 'button' || node.tag === 'li') node.attributes.set('value', wordsOf(text) ?? ''); else node.value = text instanceof Unknown ? { undecided: text.reason } : text; });
  });
  property('defaultValue', (node, at) => attributeValue(node, 'value', at) ?? '');
  property('checked', (node) => node.checked ?? node.attributes.has('checked'), (node, value, at) => {
    const on = truth(value);
    if (on instanceof Unknown) { change(node, at, () => { node.unsure = on.reason; }); return; }
    change(node, at, () => { node.checked = on; });
  });
  property('form', (node) => formOf(page, node));
  property('labels', (_node, at) => new Unknown('labels', at));
  property('validity', (_node, at) => new Unknown('validity', at));
  property('files', (_node, at) => new Unknown('chosen files', at));
  property('options', (node) => machine.array([...walk(node)].filter((one) => one.tag === 'option')));
  property('selectedIndex', (node, at) => { const value = fieldValue(node, at); const index = [...walk(node)].filter((one) => one.tag === 'option').findIndex((option) => optionValue(option, at) === value); return value instanceof Unknown ? value : index; });
  property('selectedOptions', (node, at) => machine.array([...walk(node)].filter((one) => one.tag === 'option' && optionValue(one, at) === fieldValue(node, at)).slice(0, 1)));
  property('elements', (node) => new Controls(machine, page, node));
  property('length', (node) => controlsOf(page, node).length);
  property('text', (node, at) => valueOf(textContent(node), at));
  method('reset', (node, _args, at) => { change(node, at, () => { for (const control of controlsOf(page, node)) { control.value = undefined; control.checked = undefined; } }); return undefined; });
  method('checkValidity', (_node, _args, at) => new Unknown('checkValidity()', at));
  method('reportValidity', (_node, _args, at) => new Unknown('reportValidity()', at));
  for (const [name, open] of [['show', true], ['showModal', true], ['close', false]] as const) method(name, (node, _args, at) => { change(node, at, () => { if (open) node.attributes.set('open', ''); else node.attributes.delete('open'); }); return undefined; });
}

const CONTROLS = new Set(['input', 'select', 'textarea', 'button', 'fieldset', 'output']);
export function controlsOf(page: PageDocument, form: HtmlNode): HtmlNode[] { return [...walk(page.root)].filter((node) => CONTROLS.has(node.tag) && formOf(page, node) === form); }
function formOf(page: PageDocument, node: HtmlNode): HtmlNode | null {
  const id = node.attributes.get('form');
  if (typeof id === 'string') return [...walk(page.root)].find((one) => one.tag === 'form' && one.attributes.get('id') === id) ?? null;
  for (let at = node.parent; at; at = at.parent) if (at.tag === 'form') return at;
  return null;
}
function optionValue(option: HtmlNode, at: Place): Value {
  const value = option.attributes.get('value');
  if (value !== undefined && value !== true) return valueOf(value, at);
  const text = textContent(option);
  return isKnown(text) ? text.replaceAll(/\s+/g, ' ').trim() : valueOf(text, at);
}
export function fieldValue(node: HtmlNode, at: Place): Value {
  if (node.value !== undefined) return valueOf(node.value, at);
  if (node.tag === 'textarea') return valueOf(textContent(node), at);
  if (node.tag === 'option') return optionValue(node, at);
  if (node.tag === 'select') { const options = [...walk(node)].filter((one) => one.tag === 'option'); const chosen = options.find((one) => one.attributes.has('selected')) ?? options[0]; return chosen ? optionValue(chosen, at) : ''; }
  const type = node.attributes.get('type');
  return attributeValue(node, 'value', at) ?? (node.tag === 'input' ? (type === 'checkbox' || type === 'radio' ? 'on' : '') : undefined);
}

/** `form.elements`: by position and by name or id. */
class Controls extends Obj {
  constructor(private readonly machine: Machine, private readonly page: PageDocument, private readonly form: HtmlNode) { super(machine.intrinsic('Array')); }
  override own(key: Key): Property | undefined {
    const controls = controlsOf(this.page, this.form);
    if (key === 'length') return { value: controls.length, enumerable: false, writable: false };
    const found = typeof key === 'string' ? (/^\d{1,6}$/.test(key) ? controls[Number(key)] : namedControl(this.machine, controls, key)) : undefined;
    return found ? { value: found, enumerable: true, writable: false } : undefined;
  }
}
/** The control of a name; a group of radio buttons answers with the value of the chosen one. */
export function namedControl(machine: Machine, controls: readonly HtmlNode[], name: string): Value {
  const found = controls.filter((control) => control.attributes.get('name') === name || control.attributes.get('id') === name);
  if (found.length < 2) return found[0];
  const chosen = found.find((control) => control.checked ?? control.attributes.has('checked'));
  return machine.namespace('a group of fields', found[0]?.at ?? { file: '', line: 1 }, { value: chosen ? fieldValue(chosen, chosen.at) : '', length: found.length });
}

function classList(machine: Machine, node: HtmlNode): Obj {
  const list = machine.object();
  const names = (): string[] => { const words = node.attributes.get('class'); return typeof words === 'string' ? words.split(/\s+/).filter(Boolean) : []; };
  const write = (next: string[], at: Place): void => change(node, at, () => { node.attributes.set('class', next.join(' ')); });
  const token = (value: Value, at: Place): string => textOr(machine, value, at, 'a class');
  methods(machine, list, {
    add: (tokens, _self, at) => { const added = tokens.map((one) => token(one, at)); write([...new Set([...names(), ...added])], at); return undefined; },
    remove: (tokens, _self, at) => { const gone = new Set(tokens.map((one) => token(one, at))); write(names().filter((name) => !gone.has(name)), at); return undefined; },
    toggle: ([one, force], _self, at) => {
      const name = token(one, at);
      const doubt = doubtful(node, at);
      const on = force === undefined ? !names().includes(name) : truth(force);
      if (on instanceof Unknown || doubt) { change(node, at, () => { node.unsure ??= on instanceof Unknown ? on.reason : doubt?.reason; }); return new Unknown('a class that may be there', at); }
      write(on ? [...new Set([...names(), name])] : names().filter((other) => other !== name), at);
      return on;
    },
    replace: ([old, one], _self, at) => { const [from, to] = [token(old, at), token(one, at)]; const has = names().includes(from); if (has) write(names().map((name) => (name === from ? to : name)), at); return has; },
    contains: ([one], _self, at) => doubtful(node, at) ?? names().includes(token(one, at)),
  });
  return list;
}

const kebab = (name: string): string => (name.startsWith('--') ? name : name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace(/^css-?float$/, 'float'));
/** `element.style`: a view of the `style` attribute. */
class StyleObject extends Obj {
  constructor(private readonly machine: Machine, private readonly node: HtmlNode) {
    super(machine.intrinsic('Object'));
    methods(machine, this, {
      setProperty: ([name, value], _self, at) => { this.write(textOr(machine, name, at, 'a property'), value, at); return undefined; },
      removeProperty: ([name], _self, at) => { this.write(textOr(machine, name, at, 'a property'), '', at); return undefined; },
      getPropertyValue: ([name], _self, at) => this.read(textOr(machine, name, at, 'a property'), at),
    });
  }
  override own(key: Key): Property | undefined {
    const found = super.own(key);
    if (found || typeof key !== 'string') return found;
    if (key === 'cssText') return this.accessor((at) => attributeValue(this.node, 'style', at) ?? '', (value, at) => change(this.node, at, () => { this.node.attributes.set('style', wordsOf(value instanceof Unknown ? value : toText(this.machine, value, at)) ?? ''); }));
    return this.accessor((at) => this.read(kebab(key), at), (value, at) => this.write(kebab(key), value, at));
  }
  private accessor(get: (at: Place) => Value, set: (value: Value, at: Place) => void): Property {
    return { value: undefined, enumerable: false, writable: true, get: this.machine.fn('get', (_args, _self, at) => doubtful(this.node, at) ?? get(at)), set: this.machine.fn('set', ([value], _self, at) => { set(value, at); return undefined; }) };
  }
  private parts(): Map<string, string> {
    const text = this.node.attributes.get('style');
    return new Map((typeof text === 'string' ? text : '').split(';').flatMap((part): Array<[string, string]> => { const colon = part.indexOf(':'); return colon > 0 ? [[part.slice(0, colon).trim().toLowerCase(), part.slice(colon + 1).trim()]] : []; }));
  }
  private read(name: string, at: Place): Value {
    const text = this.node.attributes.get('style');
    return text !== undefined && text !== true && !isKnown(text) ? new Unknown(text.undecided, at) : this.parts().get(name) ?? '';
  }
  private write(name: string, value: Value, at: Place): void {
    const text = value === null || value === undefined ? '' : value instanceof Unknown ? value : toText(this.machine, value, at);
    change(this.node, at, () => {
      // What only moves or colours may stay unknown.
      if (text instanceof Unknown) { if (/^(display|visibility|opacity|width|height|max-.*|left|top|right|bottom|transform|pointer-events|clip.*)$/.test(name)) this.node.attributes.set('style', { undecided: text.reason }); return; }
      const parts = this.parts();
      if (text === '') parts.delete(name); else parts.set(name, text);
      this.node.attributes.set('style', [...parts].map(([property, one]) => `${property}: ${one}`).join('; '));
    });
  }
}

/** `element.dataset`: a view of the `data-` attributes. */
class DataObject extends Obj {
  constructor(private readonly machine: Machine, private readonly node: HtmlNode) { super(machine.intrinsic('Object')); }
  override own(key: Key): Property | undefined {
    if (typeof key !== 'string') return super.own(key);
    const name = `data-${kebab(key)}`;
    return {
      value: undefined, enumerable: true, writable: true, get: this.machine.fn('get', (_args, _self, at) => doubtful(this.node, at) ?? attributeValue(this.node, name, at) ?? undefined),
      set: this.machine.fn('set', ([value], _self, at) => { const text = value instanceof Unknown ? value : toText(this.machine, value, at); change(this.node, at, () => { this.node.attributes.set(name, text instanceof Unknown ? { undecided: text.reason } : text); }); return undefined; }),
    };
  }
  override keys(): string[] { return [...this.node.attributes.keys()].filter((name) => name.startsWith('data-')).map((name) => name.slice(5).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())); }
}
