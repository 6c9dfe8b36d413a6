import type { Behaviour, Element } from '#contracts';
import type { Stepped, Stuck } from '../browser.js';
import { isSearch } from './data.js';
import { isLocatable, isUsable, malformed, replaced, steps, validFilling, type Entry, type Filling, type PlannedStep } from './plan.js';
import { isShown, type View } from './screens.js';

/** A way to submit a form that was tried, and what came of it. */
export interface Submission { kind: Behaviour['kind']; steps: PlannedStep[]; result: Tried }
export interface Tried { stepped: Stepped; after: View; /** The path changed. */ leaves: boolean }
/** Runs steps on the view of the form. */
export type Try = (steps: readonly PlannedStep[]) => Tried | Stuck;
/** Tells of a submission that the source does not decide. */
export type Report = (what: string, why: Stuck) => void;

const MAX_ASSIGNMENTS = 12;
const MAX_REJECTIONS = 4;
const MAX_FIELDS = 8;
const ERROR_WORDS = /\b(error|invalid|required|incorrect|wrong|failed|failure|not match|must|denied|locked|please enter|try again)\b/i;

/**
 * Every submission of a form that is worth a test: valid data first (with the constants that the source compares with, when it does), then
 * nothing, then one field missing or malformed at a time.
 */
export function submissionsOf(entry: Entry, attempt: Try, report: Report): Submission[] {
  const filling = validFilling(entry, new Map(), false);
  if ('why' in filling) {
    report('valid data', { ok: false, reason: 'unknown-outcome', detail: filling.why, at: filling.element.at, hints: [] });
    return negativeSubmissions(entry, { steps: new Map(), values: new Map() }, undefined, attempt, report);
  }
  const { submissions, basis } = validSubmissions(entry, filling, attempt, report);
  return [...submissions, ...negativeSubmissions(entry, basis, submissions.find((one) => one.kind === 'submit-valid'), attempt, report)];
}

interface Outcome { filling: Filling; planned: PlannedStep[]; result: Tried }

function validSubmissions(entry: Entry, filling: Filling, attempt: Try, report: Report): { submissions: Submission[]; basis: Filling } {
  const outcomes: Outcome[] = [];
  const queue: Filling[] = [filling];
  const seen = new Set<string>([valuesOf(filling)]);
  for (const current of queue) {
    const planned = steps(entry, current);
    if (!planned) break;
    const result = attempt(planned);
    const hints = 'stepped' in result ? result.stepped.hints : result.hints;
    if ('stepped' in result) { if (!outcomes.some((other) => other.result.after.content === result.after.content)) outcomes.push({ filling: current, planned, result }); }
    else if (queue.length === 1 && hints.length === 0) report('valid data', result);
    for (const hint of hints) {
      const values = queue.length < MAX_ASSIGNMENTS ? replaced(current, hint.typed, hint.wanted) : null;
      const next = values && validFilling(entry, values, false);
      if (!next || 'why' in next || seen.has(valuesOf(next))) continue;
      seen.add(valuesOf(next));
      queue.push(next);
    }
  }
  // A server may accept only what nobody has entered before: then nothing is decided until the data is new.
  if (outcomes.length === 0) {
    const unique = validFilling(entry, new Map(), true);
    const planned = 'why' in unique ? null : steps(entry, unique);
    const result = planned && attempt(planned);
    if (planned && result && 'stepped' in result && !('why' in unique)) outcomes.push({ filling: unique, planned, result });
  }
  const best = outcomes.find((outcome) => outcome.result.stepped.invalid === undefined && outcome.result.leaves) ?? outcomes.findLast((outcome) => outcome.result.stepped.invalid === undefined && !looksRejected(outcome.result.after));
  const submissions: Submission[] = [];
  if (best) submissions.push(...withUniqueData(entry, best, filling, attempt, report));
  // Other data that leads to the same page is no rejection.
  const rejected = outcomes.filter((other) => other !== best && other.result.stepped.invalid === undefined && !(best?.result.leaves && other.result.leaves && other.result.after.tab.page.route === best.result.after.tab.page.route));
  // A search finds something or nothing; the words of every item say no more.
  for (const outcome of rejected.slice(0, entry.fields.every(isSearch) ? 1 : MAX_REJECTIONS)) submissions.push({ kind: 'submit-rejected', steps: outcome.planned, result: outcome.result });
  return { submissions, basis: best?.filling ?? filling };
}
const valuesOf = (filling: Filling): string => JSON.stringify([...filling.values].map(([id, datum]) => [id, datum.value]));
const looksRejected = (view: View): boolean => view.elements.some((element) => isShown(element) && element.role === 'alert') || view.elements.some((element) => isShown(element) && !element.field && element.text !== null && element.text.length < 120 && ERROR_WORDS.test(element.text));

/** What is stored outside of the browser must be new on every run: the same submission with such data must come out the same, or it is no test. */
function withUniqueData(entry: Entry, best: Outcome, plain: Filling, attempt: Try, report: Report): Submission[] {
  const submission: Submission = { kind: 'submit-valid', steps: best.planned, result: best.result };
  if (!best.result.stepped.writes || [...best.filling.values.values()].some((datum) => datum.data.kind === 'unique')) return [submission];
  const constants = new Map([...best.filling.values].filter(([id, datum]) => plain.values.get(id)?.value !== datum.value));
  const unique = validFilling(entry, constants, true);
  const planned = 'why' in unique ? null : steps(entry, unique);
  if (!planned || valuesOf(unique as Filling) === valuesOf(best.filling)) return [submission];
  const result = attempt(planned);
  if ('stepped' in result && result.after.tab.page.route === best.result.after.tab.page.route) return [{ kind: 'submit-valid', steps: planned, result }];
  report('valid data that is new on every run', 'stepped' in result ? { ok: false, reason: 'unknown-outcome', detail: 'it comes out otherwise', hints: [] } : result);
  return [];
}

function negativeSubmissions(entry: Entry, basis: Filling, success: Submission | undefined, attempt: Try, report: Report): Submission[] {
  const found: Submission[] = [];
  const add = (kind: 'submit-missing' | 'submit-malformed', what: string, planned: PlannedStep[] | null): void => {
    if (!planned) return;
    const result = attempt(planned);
    if (!('stepped' in result)) { report(what, result); return; }
    const same = success && !result.stepped.invalid && result.after.content === success.result.after.content && result.leaves === success.result.leaves;
    const told = found.some((other) => other.result.stepped.invalid && result.stepped.invalid && other.result.stepped.invalid.key === result.stepped.invalid.key && other.result.stepped.invalid.rule === result.stepped.invalid.rule);
    if (!same && !told) found.push({ kind: result.stepped.invalid && result.stepped.invalid.rule !== 'valueMissing' ? 'submit-malformed' : kind, steps: planned, result });
  };
  add('submit-missing', 'nothing entered', steps(entry, { steps: new Map(), values: new Map() }));
  const filled = entry.fields.filter((field) => basis.steps.has(field.id) && isUsable(field) && isLocatable(field)).slice(0, MAX_FIELDS);
  for (const field of filled) {
    if (filled.length > 1 && worthMissing(field, success)) add('submit-missing', `${nameOf(field)} missing`, steps(entry, basis, field.id));
    add('submit-malformed', `${nameOf(field)} malformed`, malformed(entry, basis, field));
  }
  return found;
}
/** Leaving an optional field empty says something only where the application's own handler may refuse it. */
const worthMissing = (field: Element, success: Submission | undefined): boolean => field.field?.required === true || success !== undefined;
const nameOf = (field: Element): string => field.label ?? field.placeholder ?? field.field?.name ?? field.id;
