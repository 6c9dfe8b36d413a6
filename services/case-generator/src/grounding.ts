import { createHash } from 'node:crypto';
import { answering, candidatesFor } from '#locators';
import { redact } from '#llm';
import type { Behaviour, CaseStep, Element, Expectation, Screen, TestCase } from '#contracts';
import { expectationsOf } from './expectations.js';
import { DataNames, NotACase, stepsOf, targetOf, type Graph } from './journey.js';
import { NotGrounded, quoted } from './not-grounded.js';
import type { Proposal, ProposedExpectation, ProposedTarget } from './proposals.js';
import { action, catches, clip, nameOf, outcome, preconditions, quote } from './wording.js';
import { elementOf, walkOf, type Walk } from './walk.js';

const MOST_EXPECTATIONS = 12;
const MOST_REASON = 200;
/** Letters, digits and the punctuation of prose; no address, no markup, no mention, and no word so long that it could carry something. */
const PROSE = /^[\p{L}\p{N}\p{M} ,;:'’“”"()%+–—?!.=-]+$/u;
const ADDRESS = /\p{L}\.\p{L}|:\/|www\./u;
const LONG_WORD = /[^\s]{33,}/u;

/**
 * The gate between what a model proposes and what is tested: the case of a proposal, or why there is none. Its steps must be a walk in the map; each target an element of the map at the line that the proposal names;
 * each assertion must name the line that decides it and be what the map says at the end of the walk. What the walk itself decides is asserted as well, so that no page that never changes passes.
 * The words are ours, but for the reason. Throws `NotGrounded`.
 */
export function grounded(proposal: Proposal, graph: Graph): TestCase {
  const reason = prose(proposal.reason);
  if (proposal.expectations.length > MOST_EXPECTATIONS) throw new NotGrounded(`more than ${MOST_EXPECTATIONS} expectations`, 'beyond-depth');
  for (const { value } of proposal.steps) if (value !== null && redact(value) !== value) throw new NotGrounded('a value looks like a credential');
  const walk = walkOf(proposal.steps, graph);
  if (walk.stopped && proposal.kind === 'flow') throw new NotGrounded('a flow ends with a behaviour of the map; what the browser stops is negative or boundary');
  if (!walk.stopped && walk.legs.length < 2) throw new NotGrounded('that behaviour alone has its test', 'already-covered');
  try {
    return caseOf(proposal, walk, reason, graph);
  } catch (error) {
    if (error instanceof NotACase) throw new NotGrounded(error.message, error.reason);
    throw error;
  }
}

/** What a case does, whatever it is called and whatever it expects: two with the same do the same. */
export function doings({ setup, steps }: Pick<TestCase, 'setup' | 'steps'>): string {
  return JSON.stringify([...setup, ...steps].map((step) => [step.action, step.path, step.target?.screen, step.target?.element, step.data]));
}

function caseOf({ kind, expectations: proposed }: Proposal, walk: Walk, reason: string, graph: Graph): TestCase {
  const data = new DataNames();
  const legs = walk.legs.map(({ behaviour, on }) => stepsOf(behaviour, on, data));
  const { behaviour, on } = walk.legs.at(-1) as Walk['legs'][number];
  const [setup, steps] = [[{ action: 'goto' as const, path: walk.start.path }, ...legs.slice(0, -1).flat()], legs.at(-1) as CaseStep[]];
  const own = expectationsOf(behaviour, on, walk.to, steps);
  const checked = proposed.map((one) => expectationOf(one, walk, behaviour, graph));
  const expectations = [...new Map([...own.expectations, ...checked].map((one) => [JSON.stringify([one.expect, 'target' in one ? one.target?.element : '', 'attribute' in one ? one.attribute : '']), one])).values()];
  const find = (expectation: Expectation) => { const target = 'target' in expectation ? expectation.target : undefined; return target && graph.screens.get(target.screen)?.elements.find(({ id }) => id === target.element); };
  const title = titleOf(walk, action(behaviour, on), outcome(behaviour, on, walk.to, expectations, find));
  const screens = [walk.start, ...walk.legs.map((leg) => leg.on), walk.to];
  return {
    id: idOf(kind, on, behaviour, doings({ setup, steps })), title: clip(title, 200), kind, behaviour: behaviour.id, preconditions: preconditions(screens), setup, given: own.given, steps, expectations,
    catches: clip(`${catches(behaviour, on, walk.to, own.expectations, find)} Proposed by a model: ${reason}`, 300), because: unique([...behaviour.because, ...walk.legs.slice(0, -1).flatMap((leg) => leg.behaviour.because)]), proposedBy: 'model',
  };
}

const unique = <T>(list: readonly T[]): T[] => [...new Map(list.map((one) => [JSON.stringify(one), one])).values()];

function titleOf({ legs, stopped }: Walk, subject: string, end: string): string {
  const value = stopped?.value ? ` (${quote(stopped.value)})` : '';
  const before = legs.slice(0, -1).map(({ behaviour, on }) => { const last = on.elements.find(({ id }) => id === behaviour.steps.at(-1)?.element); return last ? quote(nameOf(last)) : 'going back'; });
  return `${subject}${value} ${end}${before.length > 0 ? `, after ${before.join(' and ')}` : ''}`;
}

const kebab = (words: string) => words.normalize('NFKD').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 40);

function idOf(kind: string, on: Screen, behaviour: Behaviour, does: string): string {
  const last = on.elements.find(({ id }) => id === behaviour.steps.at(-1)?.element);
  return `${[kind, on.route, last ? nameOf(last) : ''].map(kebab).filter(Boolean).join('-').slice(0, 80)}-${createHash('sha256').update(does).digest('hex').slice(0, 8)}`;
}

function prose(words: string): string {
  const line = words.trim();
  if (line === '' || line.length > MOST_REASON) throw new NotGrounded(`the reason must be one sentence of at most ${MOST_REASON} characters`);
  if (!PROSE.test(line) || ADDRESS.test(line) || LONG_WORD.test(line) || redact(line) !== line) throw new NotGrounded('the reason must be plain words, without addresses, names of files, markup or code');
  return line;
}

function says(what: string, agrees: boolean): void {
  if (!agrees) throw new NotGrounded(`the map does not say that ${what}`);
}

/** The expectation as the engineer compiles it, when the map says the same. */
function expectationOf(proposed: ProposedExpectation, walk: Walk, last: Behaviour, graph: Graph): Expectation {
  const { to } = walk;
  const target = 'target' in proposed ? elementOf(proposed.target, graph) : undefined;
  named(proposed, walk, last, target?.element);
  switch (proposed.expect) {
    case 'path': says(`the address is ${quoted(proposed.path)}; it is ${to.path}`, proposed.path === to.path); return { expect: 'path', path: to.path, ...(last.openSearch && { openSearch: true as const }) };
    case 'title': says(`the title is ${quoted(proposed.title)}`, to.title !== null && proposed.title === to.title); return { expect: 'title', title: proposed.title };
    case 'hidden': return hiddenOf(proposed.target, walk, graph);
    case 'visible': case 'value': case 'checked': case 'enabled': case 'attribute': case 'text': case 'invalid':
  }
  const { element } = onScreen(proposed.target, to, graph);
  const found = () => targetOf(element, to);
  switch (proposed.expect) {
    case 'visible': return { expect: 'visible', target: found() };
    case 'value': says(`${element.id} has that value`, element.field?.value === proposed.value && !typedIn(element, last)); return { expect: 'value', target: found(), data: { kind: 'literal', value: proposed.value } };
    case 'checked': says(`${element.id} is ${proposed.checked ? '' : 'not '}ticked`, element.field?.checked === proposed.checked && !typedIn(element, last)); return { expect: 'checked', target: found(), checked: proposed.checked };
    case 'enabled': says(`${element.id} is ${proposed.enabled ? 'enabled' : 'disabled'}`, (element.field !== undefined || element.role === 'button') && (element.disabled ?? element.field?.disabled ?? false) !== proposed.enabled); return { expect: 'enabled', target: found(), enabled: proposed.enabled };
    case 'attribute': says(`${element.id} has ${proposed.attribute} ${quoted(proposed.value)}`, String(stateOf(element, proposed.attribute)) === proposed.value); return { expect: 'attribute', target: found(), attribute: proposed.attribute, value: proposed.value };
    case 'text': says(`that is the text of ${element.id}`, element.text === proposed.text); return { expect: 'text', target: found(), text: proposed.text };
    case 'invalid': says(`the browser stops at ${element.id} with ${proposed.rule}`, last.invalid?.element === element.id && last.invalid.rule === proposed.rule); return { expect: 'invalid', target: found(), rule: proposed.rule };
  }
}

/** The line that an assertion names must be one that decides it. */
function named({ because: { behaviour, file, line } }: ProposedExpectation, { legs, to }: Walk, last: Behaviour, element: Element | undefined): void {
  if (behaviour !== last.id && !legs.some((leg) => leg.behaviour.id === behaviour)) throw new NotGrounded(`an assertion names ${quoted(behaviour)}, which is no behaviour of its steps`);
  const lines = [...last.because, ...legs.flatMap((leg) => leg.behaviour.because), to.at, ...(element ? [element.at] : [])];
  if (!lines.some((at) => at.file === file && at.line === line)) throw new NotGrounded(`an assertion names ${quoted(`${file}:${line}`)}, which decides nothing here`);
}

function onScreen(target: ProposedTarget, to: Screen, graph: Graph): { element: Element } {
  const { element } = elementOf(target, graph);
  if (target.screen !== to.id) throw new NotGrounded(`the steps end on screen ${to.id}, not on ${quoted(target.screen)}`);
  if (element.presence !== 'shown') throw new NotGrounded(`${element.id} is not visible on screen ${to.id}`, 'hidden-by-style');
  return { element };
}

/** What was seen on the way and is gone at the end. */
function hiddenOf(target: ProposedTarget, { start, legs, to }: Walk, graph: Graph): Expectation {
  const { element, screen } = elementOf(target, graph);
  if (screen.id === to.id && element.presence === 'hidden') {
    const before = [start, ...legs.map(({ on }) => on)].find((on) => on.elements.some(({ id, presence }) => id === element.id && presence === 'shown'));
    if (before) return hiddenOf({ ...target, screen: before.id }, { start, legs, to }, graph);
  }
  const gone = element.presence === 'shown' && [start, ...legs.map(({ on }) => on)].some(({ id }) => id === screen.id);
  const candidates = gone ? candidatesFor(element, screen).filter((candidate) => answering(candidate, to).every(({ presence }) => presence === 'hidden')) : [];
  if (candidates.length === 0) throw new NotGrounded(`the map does not say that ${element.id} was there before and is gone on screen ${to.id}`);
  return { expect: 'hidden', target: targetOf(element, screen, candidates) };
}

/** A field holds what was put into it, whatever the application does. */
const typedIn = (element: Element, last: Behaviour) => last.steps.some((step) => step.element === element.id);

function stateOf(element: Element, attribute: 'aria-expanded' | 'aria-pressed' | 'aria-selected'): boolean | undefined {
  return attribute === 'aria-expanded' ? element.expanded : attribute === 'aria-pressed' ? element.pressed : element.selected;
}
