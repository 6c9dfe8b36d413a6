import type { LeftOut } from '#contracts';
import type { ValidityRule } from '#validity';
import { attribute, closest, descendants, domOf, isLabelable, known, labelledControl, tagOf, type Dom, type DomElement } from './accessibility/dom.js';
import { fieldFacts, formOwner, optionsOf } from './accessibility/facts.js';
import { inputType, isDisabled } from './accessibility/roles.js';
import { hashOf, pathOf, resolveAddress, withoutHash } from './browser/address.js';
import { buttonType, formTarget, isSubmitter, opensElsewhere, skipsValidation, successfulControls } from './browser/submission.js';
import { firstInvalid } from './browser/validity.js';
import type { Application, FieldState, Hint, Outcome, Page, PageRequest, Session, UserEvent } from './framework.js';
import type { Place } from './markup.js';
import { checkedState, openState } from './styles.js';

/**
 * The user agent: what a browser does with a user's step before, between and after the application's own handlers.
 * A tab is a value; every step makes a new one.
 */
export interface Tab { readonly page: Page; /** Key of the focused element, and its value when it got the focus. */ readonly focus: { key: string; value: string | undefined } | null }

export type Step =
  | { do: 'click' | 'double-click' | 'hover' | 'clear' | 'check' | 'uncheck'; key: string }
  | { do: 'fill' | 'select' | 'press'; key: string; data: string };

export interface Stepped {
  ok: true; tab: Tab; because: Place[]; writes: boolean; hints: Hint[];
  /** The browser refused to submit at this element. */
  invalid?: { key: string; rule: ValidityRule };
}
export interface Stuck { ok: false; reason: LeftOut['reason']; detail: string; at?: Place; hints: Hint[] }

/** Thrown inside of a step only: what the source does not decide ends the step. */
class StepStuck extends Error {
  constructor(readonly stuck: Stuck) { super(stuck.detail); }
}
interface Run { tab: Tab; because: Place[]; writes: boolean; hints: Hint[]; invalid?: Stepped['invalid'] }

/** Attributes by which libraries attach behaviour that no handler of the source shows. */
const FOREIGN = /^(on[a-z]+|hx-|data-hx-|x-on:|x-data|@|v-on:|ng-|data-ng-|data-bs-|data-toggle|data-action|data-controller|data-remote|data-method|data-confirm|data-turbo|wire:|command|popovertarget)/;
const TEXT_TYPES = new Set(['text', 'search', 'tel', 'url', 'email', 'password', 'number', 'textarea']);
/** Frameworks in whose words `change` of a text field means every keystroke. */
const CHANGE_ON_INPUT = new Set(['react', 'react-router', 'next']);

export class Browser {
  /** Requests and events so far; the explorer stops at its limit. */
  calls = 0;
  constructor(private readonly app: Application) {}

  open(path: string, session: Session | undefined): Stepped | Stuck {
    return this.attempt({ page: undefined as never, focus: null }, (run) => this.request(run, { method: 'get', path }, session));
  }

  step(tab: Tab, step: Step): Stepped | Stuck {
    return this.attempt(tab, (run) => {
      const element = find(run, step.key);
      if (isDisabled(element) !== false) throw stuck('no-observable-effect', `<${tagOf(element)}> is disabled`, element);
      switch (step.do) {
        case 'click': this.focus(run, focusTarget(element)); this.click(run, element); break;
        case 'double-click': this.focus(run, focusTarget(element)); this.click(run, element); this.click(run, find(run, step.key)); this.fire(run, find(run, step.key), { type: 'dblclick' }); break;
        case 'check': case 'uncheck': if (checkedState(domOf(run.tab.page), element) !== (step.do === 'check')) { this.focus(run, element); this.click(run, element); } break;
        case 'hover': for (let at: DomElement | null = element; at; at = at.parent) if (at.markup.handlers?.has('mouseenter')) this.fire(run, at, { type: 'mouseenter' }); break;
        case 'clear': this.focus(run, element); this.type(run, element, ''); break;
        case 'fill': this.focus(run, element); this.type(run, element, step.data); break;
        case 'select': this.focus(run, element); this.select(run, element, step.data); break;
        case 'press': this.focus(run, element); this.press(run, find(run, step.key), step.data); break;
      }
    });
  }

  private attempt(tab: Tab, act: (run: Run) => void): Stepped | Stuck {
    const run: Run = { tab, because: [], writes: false, hints: [] };
    try {
      act(run);
    } catch (error) {
      if (!(error instanceof StepStuck)) throw error;
      return { ...error.stuck, hints: [...run.hints, ...error.stuck.hints] };
    }
    return { ok: true, ...run };
  }

  /** A whole new document. */
  private request(run: Run, request: PageRequest, session: Session | undefined): void {
    this.calls++;
    this.settle(run, this.app.visit(request, session), null);
    run.tab = { page: run.tab.page, focus: null };
  }

  private settle(run: Run, outcome: Outcome, before: Page | null): void {
    if (!outcome.ok) throw new StepStuck({ ok: false, reason: outcome.reason, detail: outcome.detail, ...(outcome.at && { at: outcome.at }), hints: outcome.hints ?? [] });
    run.because.push(...outcome.because);
    run.hints.push(...(outcome.hints ?? []));
    run.writes ||= outcome.writes ?? false;
    run.tab = { ...run.tab, page: before ? carryFields(before, outcome.page) : outcome.page };
  }

  /** Lets the application handle an event when something from the element upwards listens. Returns whether the default action was prevented. */
  private fire(run: Run, element: DomElement, event: UserEvent): boolean {
    const listens = closest(element, (at) => at.markup.handlers?.has(event.type) ?? false);
    if (!listens) return false;
    if (!this.app.dispatch) throw stuck('unknown-handler', `a handler of ${event.type} that is not understood`, listens);
    this.calls++;
    const before = run.tab.page;
    const outcome = this.app.dispatch(before, element.markup, event);
    this.settle(run, outcome, before);
    return outcome.ok && outcome.defaultPrevented;
  }

  private focus(run: Run, element: DomElement | null): void {
    const { focus } = run.tab;
    if (focus?.key === element?.key) return;
    const old = focus ? domOf(run.tab.page).byKey.get(focus.key) : undefined;
    const key = element?.key;
    run.tab = { page: run.tab.page, focus: element ? { key: element.key, value: valueOf(run, element) } : null };
    if (old && focus) {
      if (valueOf(run, old) !== focus.value && !CHANGE_ON_INPUT.has(this.app.framework)) this.fire(run, old, { type: 'change', value: valueOf(run, old) });
      const still = domOf(run.tab.page).byKey.get(old.key);
      if (still) this.fire(run, still, { type: 'blur', value: valueOf(run, still) });
    }
    const target = key === undefined ? undefined : domOf(run.tab.page).byKey.get(key);
    if (target) this.fire(run, target, { type: 'focus', value: valueOf(run, target) });
  }

  private type(run: Run, element: DomElement, value: string): void {
    const now = find(run, element.key);
    const facts = fieldFacts(domOf(run.tab.page), now);
    if (facts?.maxLength !== undefined && value.length > facts.maxLength) throw stuck('unknown-outcome', 'the value is longer than the field allows', now);
    setField(run, now, { value });
    this.fire(run, now, { type: 'input', value });
    const after = domOf(run.tab.page).byKey.get(now.key);
    if (after && CHANGE_ON_INPUT.has(this.app.framework)) this.fire(run, after, { type: 'change', value });
  }

  private select(run: Run, element: DomElement, label: string): void {
    const now = find(run, element.key);
    const option = optionsOf(now)?.find((candidate) => candidate.label === label);
    if (!option) throw stuck('unknown-outcome', `no certain option ${JSON.stringify(label)}`, now);
    setField(run, now, { value: option.value });
    this.fire(run, now, { type: 'input', value: option.value });
    const after = domOf(run.tab.page).byKey.get(now.key);
    if (after) this.fire(run, after, { type: 'change', value: option.value });
  }

  private click(run: Run, element: DomElement): void {
    refuseForeign(element);
    const dom = domOf(run.tab.page);
    const active = closest(element, isActivatable);
    const before = active ? toggled(dom, active) : null;
    if (active && before) for (const [target, state] of before) setField(run, target, state);
    const prevented = this.fire(run, element, { type: 'click', ...(active && before && { checked: before[0]?.[1].checked }) });
    const now = active ? domOf(run.tab.page).byKey.get(active.key) : undefined;
    if (!now) return;
    if (prevented) { if (before) throw stuck('unknown-outcome', 'the handler takes back what the click did', now); return; }
    if (before) { const checked = before[0]?.[1].checked; this.fire(run, now, { type: 'input', checked }); const after = domOf(run.tab.page).byKey.get(now.key); if (after) this.fire(run, after, { type: 'change', checked }); return; }
    this.activate(run, now);
  }

  /** The default action of a click, after the handlers. */
  private activate(run: Run, element: DomElement): void {
    const dom = domOf(run.tab.page);
    const tag = tagOf(element);
    if (tag === 'a' || tag === 'area') return this.follow(run, element);
    if (tag === 'label') {
      const control = labelledControl(dom, element);
      if (control && isDisabled(control) === false) { this.focus(run, control); if (['button', 'input'].includes(tagOf(control))) this.click(run, find(run, control.key)); }
      return;
    }
    if (tag === 'summary') {
      const details = element.parent;
      if (details && tagOf(details) === 'details') {
        const open = openState(dom, details);
        if (open === undefined) throw stuck('unknown-condition', 'whether the details are open is not known', details);
        setField(run, details, { open: !open });
      }
      return;
    }
    const form = formOwner(dom, element);
    const type = buttonType(element);
    if (type === undefined && (tag === 'button' || inputType(element) === undefined)) throw stuck('unknown-condition', 'the type of the button is not decided', element);
    if (type === 'submit' && form) this.submit(run, form, element);
    else if (type === 'reset' && form) this.reset(run, form);
  }

  private follow(run: Run, link: DomElement): void {
    const { page } = run.tab;
    const href = attribute(link, 'href');
    if (typeof href !== 'string') throw stuck('dynamic-link', 'the address of the link is not known', link);
    const address = resolveAddress(domOf(page), href);
    if (address.external || opensElsewhere(link) || attribute(link, 'download') !== null) throw stuck('external-link', address.href.slice(0, 200), link);
    if (withoutHash(address.href) === withoutHash(page.path) && address.href.includes('#') && (hashOf(address.href) === '#' || domOf(page).byId.has(decode(hashOf(address.href).slice(1))))) {
      run.tab = { ...run.tab, page: { ...page, path: address.href } };
      run.because.push(link.markup.at);
      return;
    }
    this.request(run, { method: 'get', path: address.href }, page.session);
  }

  private submit(run: Run, form: DomElement, submitter: DomElement | null): void {
    let dom = domOf(run.tab.page);
    if (!skipsValidation(form, submitter)) {
      const invalid = firstInvalid(dom, form);
      if (invalid && 'undecided' in invalid) throw stuck('unknown-condition', invalid.undecided, form);
      if (invalid) { run.invalid = { key: invalid.element.key, rule: invalid.rule }; run.because.push(invalid.element.markup.at); return; }
    }
    const handled = closest(form, (at) => at.markup.handlers?.has('submit') ?? false);
    refuseForeign(form);
    const fields = successfulControls(dom, form, submitter);
    if (handled) {
      if (this.fire(run, form, { type: 'submit', fields: Array.isArray(fields) ? fields : [] })) return;
      dom = domOf(run.tab.page);
    }
    const now = dom.byKey.get(form.key);
    if (!now) return;
    const button = submitter ? dom.byKey.get(submitter.key) ?? null : null;
    const target = formTarget(now, button);
    if (!target) throw stuck('dynamic-link', 'where the form goes is not decided', now);
    if (target.method === 'dialog') { const dialog = closest(now, (at) => tagOf(at) === 'dialog'); if (dialog) setField(run, dialog, { open: false }); return; }
    if (opensElsewhere(now)) throw stuck('external-link', 'the form opens another window', now);
    if (!Array.isArray(fields)) throw stuck('unknown-condition', `what the form sends is not decided: ${fields.undecided}`, now);
    const address = resolveAddress(dom, target.action || run.tab.page.path);
    if (address.external) throw stuck('external-link', address.href.slice(0, 200), now);
    run.because.push(now.markup.at);
    if (target.method === 'post') this.request(run, { method: 'post', path: withoutHash(address.href), body: fields }, run.tab.page.session);
    else this.request(run, { method: 'get', path: `${pathOf(address.href)}?${new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString()}` }, run.tab.page.session);
  }

  private reset(run: Run, form: DomElement): void {
    if (this.fire(run, form, { type: 'reset' })) return;
    const dom = domOf(run.tab.page);
    const fields = new Map(run.tab.page.fields);
    for (const element of dom.elements) if (formOwner(dom, element)?.key === form.key) fields.delete(element.key);
    run.tab = { ...run.tab, page: { ...run.tab.page, fields } };
  }

  private press(run: Run, element: DomElement, key: string): void {
    const prevented = this.fire(run, element, { type: 'keydown', key, value: valueOf(run, element) });
    const now = domOf(run.tab.page).byKey.get(element.key);
    if (now && !prevented && key === 'Enter') this.implicitSubmission(run, now);
    const still = domOf(run.tab.page).byKey.get(element.key);
    if (still && now) this.fire(run, still, { type: 'keyup', key, value: valueOf(run, still) });
  }

  /** Enter in a field of one line clicks the form's first submit button, or submits a form that has none and a single such field. */
  private implicitSubmission(run: Run, element: DomElement): void {
    const dom = domOf(run.tab.page);
    const form = formOwner(dom, element);
    if (!form || tagOf(element) !== 'input') return;
    const button = dom.elements.find((candidate) => isSubmitter(dom, candidate, form));
    if (button) {
      if (!button.certain) throw stuck('unknown-condition', 'whether the form has a submit button is not decided', form);
      if (isDisabled(button) === false) this.click(run, button);
      return;
    }
    const lines = dom.elements.filter((candidate) => tagOf(candidate) === 'input' && formOwner(dom, candidate) === form && !['checkbox', 'radio', 'hidden', 'file', 'range', 'color', 'button', 'reset'].includes(inputType(candidate) ?? ''));
    if (lines.length === 1) this.submit(run, form, null);
  }
}

const stuck = (reason: LeftOut['reason'], detail: string, element: DomElement): StepStuck => new StepStuck({ ok: false, reason, detail, at: element.markup.at, hints: [] });

function find(run: Run, key: string): DomElement {
  const element = domOf(run.tab.page).byKey.get(key);
  if (!element) throw new StepStuck({ ok: false, reason: 'unknown-outcome', detail: 'the element is gone before the step ends', hints: [] });
  return element;
}

/** A click on an element with `onclick`, `data-toggle` and the like does something that only foreign code knows. */
function refuseForeign(element: DomElement): void {
  for (let at: DomElement | null = element; at; at = at.parent) {
    for (const name of at.markup.attributes.keys()) if (FOREIGN.test(name) && (at === element || name.startsWith('on'))) throw stuck('unknown-handler', `${name} on <${tagOf(at)}>`, at);
  }
}

function isActivatable(element: DomElement): boolean {
  const tag = tagOf(element);
  if (tag === 'a' || tag === 'area') return attribute(element, 'href') !== null;
  return tag === 'button' || tag === 'input' || tag === 'label' || (tag === 'summary' && !!element.parent && tagOf(element.parent) === 'details');
}
function focusTarget(element: DomElement): DomElement | null {
  return closest(element, (at) => isLabelable(at) || (tagOf(at) === 'a' && attribute(at, 'href') !== null) || attribute(at, 'tabindex') !== null || tagOf(at) === 'summary');
}

/** What a click changes about boxes and radio buttons before any handler runs. */
function toggled(dom: Dom, element: DomElement): Array<[DomElement, FieldState]> | null {
  const type = tagOf(element) === 'input' ? inputType(element) : undefined;
  if (type !== 'checkbox' && type !== 'radio') return null;
  const checked = checkedState(dom, element);
  if (checked === undefined) throw stuck('unknown-condition', 'the checked state is not known', element);
  if (type === 'checkbox') return [[element, { checked: !checked }]];
  const name = known(element, 'name');
  const others = name ? dom.elements.filter((other) => other !== element && known(other, 'name') === name && tagOf(other) === 'input' && inputType(other) === 'radio' && formOwner(dom, other) === formOwner(dom, element)) : [];
  return [[element, { checked: true }], ...others.map((other): [DomElement, FieldState] => [other, { checked: false }])];
}

function valueOf(run: Run, element: DomElement): string | undefined {
  return fieldFacts(domOf(run.tab.page), element)?.value;
}
function setField(run: Run, element: DomElement, state: FieldState): void {
  const fields = new Map(run.tab.page.fields);
  fields.set(element.key, { ...fields.get(element.key), ...state });
  run.tab = { ...run.tab, page: { ...run.tab.page, fields } };
}

/**
 * After a re-render of the same document: fields keep what the user left in them, unless they are gone or the application writes their value or state anew.
 * An application that keeps fields itself hands back a map of its own, which then counts.
 */
function carryFields(before: Page, after: Page): Page {
  if (after.fields !== before.fields && after.fields.size > 0) return after;
  if (pathOf(before.path) !== pathOf(after.path)) return { ...after, fields: new Map() };
  const [old, fresh] = [domOf(before), domOf(after)];
  const fields = new Map<string, FieldState>();
  for (const [key, state] of before.fields) {
    const [was, is] = [old.byKey.get(key), fresh.byKey.get(key)];
    if (!was || !is) continue;
    const same = (name: string): boolean => attribute(was, name) === attribute(is, name);
    const kept: FieldState = {
      ...(state.value !== undefined && same('value') && selectedOption(was) === selectedOption(is) && { value: state.value }), ...(state.checked !== undefined && same('checked') && { checked: state.checked }), ...(state.open !== undefined && same('open') && { open: state.open }),
    };
    if (Object.keys(kept).length > 0) fields.set(key, kept);
  }
  return { ...after, fields };
}
const selectedOption = (select: DomElement): number => (tagOf(select) === 'select' ? [...descendants(select)].findIndex((option) => attribute(option, 'selected') !== null) : -1);

/** Whether a control takes typed text. */
export const takesText = (type: string): boolean => TEXT_TYPES.has(type);
/** A fragment that is not valid percent-encoding names the id as it stands. */
const decode = (text: string): string => (/%(?![0-9a-f]{2})/i.test(text) || !/%/.test(text) ? text : safelyDecoded(text));
function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Percent-encoded bytes that are no UTF-8: browsers compare the raw fragment then.
    return text;
  }
}
