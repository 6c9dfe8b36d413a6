import type { Behaviour, Element, Expectation, Feature, LeftOut, Screen, TestCase, TestCases } from '#contracts';
import { DataNames, NotACase, graphOf, journeyTo, stepsOf, type Graph } from './journey.js';
import { expectationsOf } from './expectations.js';
import { action, catches, clip, isNameless, nameOf, outcome, preconditions, screenName } from './wording.js';

/** Kinds by what a failure of theirs costs, most first. */
const VALUE: ReadonlyArray<Behaviour['kind']> = ['submit-valid', 'submit-rejected', 'submit-missing', 'submit-malformed', 'edit', 'redirect', 'toggle', 'select', 'filter', 'dismiss', 'navigation'];
const MOST_CASES: Record<Feature['depth'], number> = { smoke: 5, standard: 20, deep: 60 };

/** The cases of one feature, most valuable first, and what was left out with the reason. The same feature gives the same cases, byte for byte. */
export function design(feature: Feature): TestCases {
  const graph = graphOf(feature);
  const leftOut: LeftOut[] = [];
  const drafts: Draft[] = [];
  for (const id of feature.behaviours) {
    const behaviour = graph.behaviours.get(id);
    const on = behaviour && graph.screens.get(behaviour.on);
    const to = behaviour && graph.screens.get(behaviour.to);
    if (!behaviour || !on || !to) {
      leftOut.push({ reason: 'unknown-outcome', what: clip(`behaviour ${id}`, 500), detail: 'its screens are not in the feature' });
      continue;
    }
    try {
      drafts.push(draft(behaviour, on, to, graph));
    } catch (error) {
      if (!(error instanceof NotACase)) throw error;
      leftOut.push({ reason: error.reason, what: clip(`${action(behaviour, on)} on ${on.path}`, 500), detail: clip(error.message, 500), at: behaviour.because[0] });
    }
  }
  const best = drafts.map((one, i) => ({ one, i })).sort((a, b) => VALUE.indexOf(a.one.behaviour.kind) - VALUE.indexOf(b.one.behaviour.kind) || a.i - b.i).map(({ one }) => one);
  const seen = new Set<string>();
  const kept: Draft[] = [];
  for (const one of best) {
    const repeated = seen.has(one.sameAs);
    seen.add(one.sameAs);
    if (!repeated && kept.length < MOST_CASES[feature.depth]) kept.push(one);
    else leftOut.push({ reason: repeated ? 'already-covered' : 'limit-reached', what: clip(`${one.body.title} (from ${one.on.path})`, 500), at: one.behaviour.because[0] });
  }
  return { kind: 'test-cases@1', feature: feature.name, title: feature.title, cases: named(kept), leftOut };
}

interface Draft { behaviour: Behaviour; on: Screen; slug: string; sameAs: string; body: Omit<TestCase, 'id'> }

function draft(behaviour: Behaviour, on: Screen, to: Screen, graph: Graph): Draft {
  const data = new DataNames();
  const redirect = behaviour.kind === 'redirect';
  if (redirect && behaviour.visited === undefined) throw new NotACase('unknown-outcome', 'the address that was visited is not known');
  const journey = redirect ? { steps: [], screens: [] } : journeyTo(on, graph, data);
  const steps = redirect ? [{ action: 'goto' as const, path: behaviour.visited }] : stepsOf(behaviour, on, data);
  if (steps.length === 0) throw new NotACase('no-observable-effect', 'nothing is done');
  const { given, expectations } = expectationsOf(behaviour, on, to, steps);
  const find = (expectation: Expectation): Element | undefined => {
    const target = 'target' in expectation ? expectation.target : undefined;
    return target && graph.screens.get(target.screen)?.elements.find((element) => element.id === target.element);
  };
  const last = on.elements.find(({ id }) => id === behaviour.steps.at(-1)?.element);
  return {
    behaviour, on,
    slug: [behaviour.kind, on.route, last ? nameOf(last) : (behaviour.visited ?? ''), behaviour.invalid ? `${nameOf(on.elements.find(({ id }) => id === behaviour.invalid?.element) ?? on.elements[0] as Element)} ${behaviour.invalid.rule}` : ''].map(kebab).filter(Boolean).join('-'),
    // The same control that leads to the same outcome from several pages (a menu, a footer) is one thing to test.
    sameAs: JSON.stringify([behaviour.kind, behaviour.steps.map((step) => [step.do, at(on, step.element), step.data]), behaviour.visited, behaviour.navigates ? to.path : '', behaviour.invalid?.rule, seenBy(expectations, find)]),
    body: {
      title: clip(`${action(behaviour, on)} ${outcome(behaviour, on, to, expectations, find)}`, 200),
      kind: behaviour.kind, behaviour: behaviour.id, preconditions: preconditions([...journey.screens, on, to]), setup: journey.steps, given, steps, expectations,
      catches: catches(behaviour, on, to, expectations, find), because: behaviour.because,
    },
  };
}

function at(screen: Screen, id: string | undefined): unknown {
  const element = screen.elements.find((one) => one.id === id);
  return element && [element.role ?? element.tag, nameOf(element), element.inForm === undefined && !isNameless(element) ? '' : element.at];
}
const seenBy = (expectations: readonly Expectation[], find: (one: Expectation) => Element | undefined) => expectations.map((one) => [one.expect, find(one)?.at ?? null]);

/** Ids from what is tested; titles are unique in the feature, where needed by the page the case starts on. */
function named(drafts: readonly Draft[]): TestCase[] {
  const count = new Map<string, number>();
  const times = (key: string) => { const n = (count.get(key) ?? 0) + 1; count.set(key, n); return n; };
  const titles = new Map<string, number>();
  for (const { body } of drafts) titles.set(body.title, (titles.get(body.title) ?? 0) + 1);
  return drafts.map(({ slug, body, on }) => {
    const base = slug.slice(0, 88).replace(/-+$/, '') || 'case';
    const n = times(`id ${base}`);
    const title = titles.get(body.title) === 1 ? body.title : clip(`${body.title} from ${screenName(on)}`, 190);
    const again = times(`title ${title}`);
    return { id: n === 1 ? base : `${base}-${n}`, ...body, title: again === 1 ? title : `${title} (${again})` };
  });
}

const kebab = (words: string) => words.normalize('NFKD').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 40);
