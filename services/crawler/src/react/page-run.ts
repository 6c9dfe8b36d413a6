import { elementKey } from '../accessibility/dom.js';
import type { Page, Repo, UserEvent } from '../framework.js';
import { copyStorage, emptyStorage, type BrowserStorage, type Machine } from '../interpret/machine.js';
import { startMachine } from '../interpret/start.js';
import { isObject, Unknown, type Value } from '../interpret/values.js';
import { isKnown, type Place } from '../markup.js';
import { dispatchTo } from './events.js';
import { packageModels } from './models/packages.js';
import { reactModels } from './models/react.js';
import { Renderer, type Host } from './renderer.js';
import { History } from './router/history.js';
import { routerModels } from './router/model.js';
import { taint } from './taint.js';

/** Storage of a browser between page loads. */
export class ReactSession { constructor(readonly storage: BrowserStorage) {} }

export interface Program { readonly repo: Repo; readonly root: string; readonly entries: readonly string[]; readonly title: string; readonly base: string; /** Whether its router moves in transitions: since version 7. */ readonly transitions: boolean }

/** One page load of an application and what has happened on it since: a machine, its rendered tree, its address. */
export class PageRun {
  readonly machine: Machine;
  readonly renderer: Renderer;
  readonly history: History;
  /** Reads a field for a program that looks at it through a ref or an event; set anew for each event. */
  private fieldOf: (path: string, key: 'value' | 'checked') => Value = () => undefined;

  constructor(program: Program, path: string, session: ReactSession | undefined) {
    const models = new Map([...reactModels(() => this.renderer), ...routerModels(() => this.renderer, () => this.history), ...packageModels(() => this.renderer)]);
    this.machine = startMachine({ repo: program.repo, root: program.root, models, host: 'browser', path, title: program.title, base: program.base, storage: session ? copyStorage(session.storage) : emptyStorage() });
    this.renderer = new Renderer(this.machine, { fieldOf: (host, key) => this.fieldOf(host, key) });
    this.history = new History(this.machine, (look) => {
      if (program.transitions) { this.renderer.transition(look); return; }
      look();
      this.renderer.schedule();
    });
    this.renderer.onLostEffect = (callback, why) => taint(this.renderer, callback, why, (value) => this.history.navigators.has(value) || value === this.machine.globals.get('location'));
  }

  /** Loads the entry modules and renders until the page stands still. */
  open(entries: readonly string[]): void {
    this.machine.startWatching();
    for (const entry of entries) this.machine.load(entry);
    this.renderer.settle();
  }

  /** Handles one event at the host of a path, and renders. `fields`: what the user has left in the page's fields. */
  fire(path: string, event: UserEvent, fields: (path: string, key: 'value' | 'checked') => Value): { defaultPrevented: boolean; formReset: boolean } {
    const { machine, renderer } = this;
    machine.startWatching();
    machine.hints.length = 0;
    renderer.fieldsReset = false;
    renderer.forgetTaints();
    this.fieldOf = fields;
    if (event.value !== undefined && event.value !== '') machine.typed.add(event.value);
    for (const [, value] of event.fields ?? []) if (value !== '') machine.typed.add(value);
    const defaultPrevented = machine.during('event', () => dispatchTo(machine, renderer.hosts, path, event, { onReset: () => { renderer.fieldsReset = true; }, fieldOf: fields }));
    renderer.settle();
    return { defaultPrevented, formReset: renderer.fieldsReset };
  }
}

/** What the fields of a page hold: as the user has left them, else as the source says. */
export function fieldReader(page: Page, hosts: ReadonlyMap<string, Host>): (path: string, key: 'value' | 'checked') => Value {
  return (path, key) => {
    const element = hosts.get(path)?.element;
    if (!element || !['input', 'textarea', 'select'].includes(element.tag)) return undefined;
    const state = page.fields.get(elementKey(page, element));
    if (state?.[key] !== undefined) return state[key];
    if (key === 'checked') return element.attributes.has('checked') ? isKnownTrue(element.attributes.get('checked'), element.at) : false;
    if (element.tag === 'input') {
      const value = element.attributes.get('value');
      return value === undefined || value === true ? '' : isKnown(value) ? value : new Unknown(value.undecided, element.at);
    }
    return element.tag === 'textarea' && element.children.length === 0 ? '' : undefined;
  };
}
const isKnownTrue = (words: unknown, at: Place): Value => (words === true || typeof words === 'string' ? true : new Unknown('a checked state', at));

/** `message` of a thrown error, for people. */
export function messageOf(machine: Machine, value: Value): string {
  const message = isObject(value) ? machine.get(value, 'message') : value;
  return typeof message === 'string' ? message.slice(0, 200) : 'an error';
}
