import { candidatesFor, namelessCandidates } from '#locators';
import type { Behaviour, BehaviourStep, CaseStep, Element, Feature, LeftOut, Screen, StepData, Target } from '#contracts';

/** The part of the map that a feature carries, by id. */
export interface Graph { screens: ReadonlyMap<string, Screen>; behaviours: ReadonlyMap<string, Behaviour> }
export const graphOf = ({ map }: Feature): Graph => ({ screens: new Map(map.screens.map((one) => [one.id, one])), behaviours: new Map(map.behaviours.map((one) => [one.id, one])) });

/** Why a case cannot be made of a behaviour. */
export class NotACase extends Error {
  override readonly name = 'NotACase';
  constructor(readonly reason: LeftOut['reason'], detail: string) { super(detail); }
}

/** More steps on the way than this, and the test is about the way. */
const MAX_JOURNEY = 6;

/** Names the values of one case. The same unique value (prefix and format) typed twice is one value: who signs up signs in. */
export class DataNames {
  readonly #names = new Map<string, string>();
  nameOf(data: StepData, element: Element): string {
    const key = JSON.stringify(data);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const words = (element.label ?? element.field?.name ?? element.name ?? 'value').normalize('NFKD').split(/[^A-Za-z0-9]+/).filter(Boolean).slice(0, 3);
    const base = words.map((word, i) => (i === 0 ? word.toLowerCase() : (word[0] ?? '').toUpperCase() + word.slice(1).toLowerCase())).join('').replace(/^\d+/, '') || 'value';
    const taken = new Set(this.#names.values());
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}${n}`;
    this.#names.set(key, name);
    return name;
  }
}

/** The screens and steps from a fresh browser to a screen. Throws `NotACase` when the map does not lead there. */
export function journeyTo(screen: Screen, graph: Graph, data: DataNames): { steps: CaseStep[]; screens: Screen[] } {
  const behaviours: Behaviour[] = [];
  let at = screen;
  while (at.entry.by === 'behaviour') {
    const behaviour = graph.behaviours.get(at.entry.behaviour);
    const before = behaviour && graph.screens.get(behaviour.on);
    if (!before) throw new NotACase('unknown-outcome', `the way to ${at.path} is not in the feature`);
    behaviours.unshift(behaviour);
    if (behaviours.length > MAX_JOURNEY) throw new NotACase('beyond-depth', `more than ${MAX_JOURNEY} behaviours lead to ${screen.path}`);
    at = before;
  }
  const screens = [at, ...behaviours.map(({ to }) => graph.screens.get(to) ?? screen)];
  return { steps: [{ action: 'goto', path: at.path }, ...behaviours.flatMap((behaviour, i) => stepsOf(behaviour, screens[i] as Screen, data))], screens };
}

export function stepsOf(behaviour: Behaviour, on: Screen, data: DataNames): CaseStep[] {
  return behaviour.steps.map((step) => caseStep(step, on, data));
}

function caseStep(step: BehaviourStep, on: Screen, data: DataNames): CaseStep {
  if (step.do === 'go-back') return { action: step.do };
  const element = on.elements.find((one) => one.id === step.element);
  if (!element) throw new NotACase('unknown-handler', `no element ${step.element ?? ''} on ${on.path}`);
  if (element.presence !== 'shown' && step.do !== 'press') throw new NotACase(element.presence === 'hidden' ? 'hidden-by-style' : 'unknown-condition', `an element of the steps is not certainly visible on ${on.path}`);
  const words = candidatesFor(element, on);
  return {
    action: step.do, target: targetOf(element, on, words.length > 0 ? words : namelessCandidates(element, on)),
    ...(step.data && { data: step.data }), ...(step.data && step.do === 'fill' && { dataName: data.nameOf(step.data, element) }),
  };
}

export function targetOf(element: Element, on: Screen, candidates = candidatesFor(element, on)): Target {
  if (candidates.length === 0) throw new NotACase('no-accessible-name', `<${element.tag}> on ${on.path} has nothing static to find it by`);
  return { screen: on.id, element: element.id, at: element.at, candidates };
}
