import type { Behaviour, BehaviourStep, Element, Screen } from '#contracts';
import type { ValidityRule } from '#validity';
import { firstInvalid } from './constraints.js';
import type { Graph } from './journey.js';
import { NotGrounded, quoted } from './not-grounded.js';
import type { ProposedStep, ProposedTarget } from './proposals.js';

/** Behaviours that leave nothing behind which the map does not show: after them the map goes on as it says, whichever way they were reached. */
const PASSING = new Set<Behaviour['kind']>(['navigation', 'toggle', 'dismiss', 'filter', 'select', 'edit']);
const TOUCHING = new Set<BehaviourStep['do']>(['fill', 'clear', 'check', 'uncheck', 'select']);
const MOST_STEPS = 30;
const MOST_LEGS = 6;
const MOST_VALUE = 120;
/** Fields that take any characters; a date that is none cannot even be typed. */
const TYPED = new Set(['text', 'search', 'tel', 'url', 'email', 'password', 'textarea', 'number']);

/**
 * A walk in the map: it starts by visiting a screen, and each leg is a behaviour of the screen where the one before has led. The last leg may be one that the map does not have: a submission with other values, which
 * the browser itself stops (`stopped`).
 */
export interface Walk { start: Screen; legs: Array<{ behaviour: Behaviour; on: Screen }>; to: Screen; stopped?: { element: Element; rule: ValidityRule; value?: string } }

/** Throws `NotGrounded` unless every step is a part of such a walk. */
export function walkOf(steps: readonly ProposedStep[], graph: Graph): Walk {
  const [first, ...others] = steps;
  if (steps.length > MOST_STEPS) throw new NotGrounded(`more than ${MOST_STEPS} steps`, 'beyond-depth');
  const start = first?.action === 'goto' ? [...graph.screens.values()].find(({ path, entry }) => entry.by === 'visit' && path === first.path) : undefined;
  if (!start) throw new NotGrounded('the first step must be a goto to the path of a screen whose entry is a visit');
  if (others.length === 0) throw new NotGrounded('nothing is done after the visit');
  return { start, ...onwards(others, start, [], graph) };
}

/** The legs of the rest of the steps, from a screen on. Where several behaviours begin with the same steps, the first way that leads to the end counts, longer behaviours first. */
function onwards(rest: readonly ProposedStep[], at: Screen, before: Walk['legs'], graph: Graph): Omit<Walk, 'start'> {
  if (rest.length === 0) return { legs: [...before], to: at };
  const last = before.at(-1)?.behaviour;
  if (before.length === MOST_LEGS) throw new NotGrounded(`more than ${MOST_LEGS} behaviours after each other`, 'beyond-depth');
  if (last && !mayFollow(last, at)) throw new NotGrounded(`what comes after ${last.id} depends on what it has left behind; only its own outcome can be tested`);
  for (const { target } of rest) if (target?.screen === at.id) elementOf(target, graph);
  let problem: NotGrounded | undefined;
  const fitting = [...graph.behaviours.values()].filter((one) => one.on === at.id && one.kind !== 'redirect' && one.steps.length > 0 && fits(one, rest, at)).sort((a, b) => b.steps.length - a.steps.length);
  for (const behaviour of fitting) {
    const to = graph.screens.get(behaviour.to);
    try {
      if (!to) throw new NotGrounded(`where ${behaviour.id} leads is not in this feature`, 'unknown-outcome');
      return onwards(rest.slice(behaviour.steps.length), to, [...before, { behaviour, on: at }], graph);
    } catch (error) {
      if (!(error instanceof NotGrounded)) throw error;
      problem ??= error;
    }
  }
  const sent = sentLike(rest, at, graph);
  if (!sent) throw problem ?? new NotGrounded(`no behaviour of screen ${at.id} has these steps: ${rest.map(({ action, target }) => [action, target && quoted(target.element)].filter(Boolean).join(' ')).join(', ').slice(0, 200)}`);
  const { leg, stopped } = stoppedLeg(rest, at, sent, graph);
  return { legs: [...before, leg], to: at, stopped };
}

/** The element of a target. Throws `NotGrounded` when the map has none there, or has it at another line. */
export function elementOf({ screen: screenId, element: id, file, line }: ProposedTarget, graph: Graph): { element: Element; screen: Screen } {
  const screen = graph.screens.get(screenId);
  if (!screen) throw new NotGrounded(`there is no screen ${quoted(screenId)}`, 'unresolved-locator');
  const element = screen.elements.find((one) => one.id === id);
  if (!element) throw new NotGrounded(`there is no element ${quoted(id)} on screen ${screen.id}`, 'unresolved-locator');
  if (element.at.file !== file || element.at.line !== line) throw new NotGrounded(`element ${element.id} stands at ${element.at.file}:${element.at.line}, not at ${quoted(`${file}:${line}`)}`, 'unresolved-locator');
  if (element.presence === 'unsure') throw new NotGrounded(`whether ${element.id} is on screen ${screen.id} is not decided by the source`, 'unknown-condition');
  return { element, screen };
}

/** Where something was sent, stored or left in a field of the page, what comes then is known only as the crawl itself came there. */
function mayFollow(before: Behaviour, at: Screen): boolean {
  if (at.entry.by === 'behaviour' && at.entry.behaviour === before.id) return true;
  const touches = before.steps.some(({ do: action }) => TOUCHING.has(action));
  const passes = PASSING.has(before.kind) || before.invalid !== undefined;
  return passes && !before.writes && before.steps.every(({ data }) => data?.kind !== 'unique') && (!touches || before.navigates);
}

function fits({ steps }: Behaviour, proposed: readonly ProposedStep[], at: Screen): boolean {
  return steps.length <= proposed.length && steps.every((step, i) => same(step, proposed[i] as ProposedStep, at));
}

function same({ do: action, element, data }: BehaviourStep, proposed: ProposedStep, at: Screen): boolean {
  return proposed.action === action && proposed.target?.element === element && (element === undefined || proposed.target?.screen === at.id) && (data?.kind === 'literal' ? proposed.value === data.value : !proposed.value);
}

/** A behaviour that sends the form of these fields the same way and is stopped by the browser, so that the form is known to be checked. */
function sentLike(rest: readonly ProposedStep[], at: Screen, graph: Graph): Behaviour | undefined {
  const formOf = (id: string | undefined) => at.elements.find((one) => one.id === id && one.field)?.inForm;
  return [...graph.behaviours.values()].find(({ on, steps, invalid, to }) => on === at.id && to === at.id && invalid !== undefined && same(steps.at(-1) as BehaviourStep, rest.at(-1) as ProposedStep, at)
    && rest.slice(0, -1).every(({ target }) => target?.screen === at.id && formOf(target.element) === formOf(invalid.element)));
}

/** The rest as one submission whose values the browser does not let pass. */
function stoppedLeg(rest: readonly ProposedStep[], at: Screen, sent: Behaviour, graph: Graph): { leg: Walk['legs'][number]; stopped: NonNullable<Walk['stopped']> } {
  const known = [...graph.behaviours.values()].filter(({ on }) => on === at.id);
  const form = at.elements.find(({ id }) => id === sent.invalid?.element)?.inForm;
  if (form === undefined) throw new NotGrounded(`which form ${sent.id} sends is not known`, 'unknown-outcome');
  const touched = new Map<string, string | boolean>();
  const steps: BehaviourStep[] = rest.slice(0, -1).map((step) => {
    const { element } = elementOf(step.target as ProposedTarget, graph);
    touched.set(element.id, valueOf(step, element, known));
    return { do: step.action as BehaviourStep['do'], element: element.id, ...(step.action === 'fill' || step.action === 'select' ? { data: { kind: 'literal' as const, value: step.value ?? '' } } : {}) };
  });
  const verdict = firstInvalid(at, form, touched);
  if (!verdict) throw new NotGrounded('the browser lets these values pass, and the source does not decide what follows', 'unknown-outcome');
  if ('undecided' in verdict) throw new NotGrounded(`the source does not decide ${verdict.undecided}`, 'unknown-outcome');
  const { element, rule } = verdict;
  const typed = touched.get(element.id);
  const behaviour: Behaviour = {
    ...sent, kind: rule === 'valueMissing' ? 'submit-missing' : 'submit-malformed', steps: [...steps, sent.steps.at(-1) as BehaviourStep], invalid: { element: element.id, rule },
    appears: [], disappears: [], changes: [], echoes: [], because: [element.at, ...sent.because],
  };
  return { leg: { behaviour, on: at }, stopped: { element, rule, ...(typeof typed === 'string' && { value: typed }) } };
}

/** What a step does to its field. Only fields that the crawl has filled itself keep what is typed into them for certain. */
function valueOf({ action, value }: ProposedStep, { id, field }: Element, known: readonly Behaviour[]): string | boolean {
  switch (action) {
    case 'check': return true;
    case 'uncheck': return false;
    case 'clear': return '';
    case 'select': {
      if (!field?.options?.some(({ label }) => label === value)) throw new NotGrounded(`${id} has no such option`, 'unresolved-locator');
      return value ?? '';
    }
    case 'fill': {
      if (value === null || value.length > MOST_VALUE || /[\p{Cc}\p{Cf}]/u.test(value)) throw new NotGrounded(`what is typed into ${id} must be one line of at most ${MOST_VALUE} characters`);
      if (!TYPED.has(field?.type ?? '')) throw new NotGrounded(`${id} is no field to type into`);
      if (field?.maxLength !== undefined && value.length > field.maxLength) throw new NotGrounded(`nobody can type more than ${field.maxLength} characters into ${id}`);
      if (field?.type === 'number' && !/^-?\d+(\.\d+)?$/.test(value)) throw new NotGrounded(`only numbers can be typed into ${id}`);
      if (!known.some(({ steps }) => steps.some((step) => step.do === 'fill' && step.element === id))) throw new NotGrounded(`whether ${id} keeps what is typed is not known`, 'unknown-handler');
      return value;
    }
    default: throw new NotGrounded(`${action} does not fill a field`);
  }
}
