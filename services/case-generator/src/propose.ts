import { ModelFailure, type Answer, type Effort, type LanguageModel } from '#llm';
import type { Feature, LeftOut, TestCase, TestCases } from '#contracts';
import { doings, grounded } from './grounding.js';
import { graphOf } from './journey.js';
import { NotGrounded } from './not-grounded.js';
import { PROPOSALS, type Proposal, type Proposals } from './proposals.js';
import { questionOf } from './question.js';
import { clip } from './wording.js';

/** A refused proposal goes back once, with the reason. */
const ROUNDS = 2;
const MOST_PROPOSALS = 12;
const MOST_ACCEPTED = 10;

export interface Asking { model: LanguageModel; system: string; maxOutputTokens: number; effort?: Effort; canWait?: boolean; signal: AbortSignal }
/** `provisional`: the model was away, another time there would be more. */
export interface Proposed { cases: TestCase[]; leftOut: LeftOut[]; proposed: number; provisional: boolean }
interface Refusal { item: number; proposal: Proposal; error: NotGrounded }

/**
 * Asks a model for cases beyond those that the source alone decides. The conversation is
 *   system prompt · the feature → proposals → each through the gate → those refused, with the reasons → replacements → through the gate → what is refused now is left out
 * At the cap of the budget, or when the model is away, it ends with what has passed. A wrong key, a request that cannot be and a recording that is missing are thrown: nobody should take them for a poor answer.
 */
export async function propose(feature: Feature, designed: TestCases, asking: Asking): Promise<Proposed> {
  const graph = graphOf(feature);
  const turns: Array<{ role: 'user' | 'assistant'; text: string }> = [{ role: 'user', text: questionOf(feature) }];
  const known = new Set(designed.cases.map(doings));
  const result: Proposed = { cases: [], leftOut: [], proposed: 0, provisional: false };
  for (let round = 1; round <= ROUNDS; round++) {
    const answer = await ask(turns, asking, feature, result);
    if (!answer) return result;
    const last = round === ROUNDS;
    if (answer.stop === 'truncated' || answer.stop === 'refused' || (answer.stop === 'invalid' && last)) {
      result.leftOut.push({ reason: 'no-usable-answer', what: `further cases for ${clip(feature.title, 200)}`, detail: answer.stop === 'invalid' ? 'the answer is not of the asked shape' : `the answer is ${answer.stop}` });
      return result;
    }
    const refusals = answer.stop === 'invalid' ? [] : sieve((answer.json as Proposals).cases, graph, known, result);
    if (last) result.leftOut.push(...refusals.map((refusal) => leftOutOf(refusal, feature)));
    if (last || (refusals.length === 0 && answer.stop === 'complete')) return result;
    turns.push({ role: 'assistant', text: answer.text === '' ? '(nothing)' : answer.text }, { role: 'user', text: objection(answer, refusals) });
  }
  return result;
}

/** `undefined` when there is no answer and there will be none. */
async function ask(turns: ReadonlyArray<{ role: 'user' | 'assistant'; text: string }>, { model, system, maxOutputTokens, effort, canWait, signal }: Asking, feature: Feature, result: Proposed): Promise<Answer | undefined> {
  try {
    return await model.generate({ name: 'case-generator/design', system, turns: [...turns], maxOutputTokens, effort }, PROPOSALS, { signal, canWait });
  } catch (error) {
    if (!(error instanceof ModelFailure) || !(error.retryable || error.code === 'over-budget')) throw error;
    result.provisional ||= error.retryable;
    result.leftOut.push({ reason: error.retryable ? 'model-unavailable' : 'over-budget', what: `further cases for ${clip(feature.title, 200)}`, detail: error.code });
    return undefined;
  }
}

/** Takes what passes into the result; answers with what does not. What does the same as another case is dropped without a word. */
function sieve(proposals: readonly Proposal[], graph: ReturnType<typeof graphOf>, known: Set<string>, result: Proposed): Refusal[] {
  const refusals: Refusal[] = [];
  result.proposed += proposals.length;
  for (const [item, proposal] of proposals.slice(0, MOST_PROPOSALS).entries()) {
    try {
      const testCase = grounded(proposal, graph);
      const does = doings(testCase);
      if (known.has(does) || result.cases.length === MOST_ACCEPTED) continue;
      known.add(does);
      result.cases.push(testCase);
    } catch (error) {
      if (!(error instanceof NotGrounded)) throw error;
      if (error.reason !== 'already-covered') refusals.push({ item, proposal, error });
    }
  }
  return refusals;
}

function objection({ stop, problem }: Answer, refusals: readonly Refusal[]): string {
  return stop === 'invalid' ? JSON.stringify({ refused: 'everything', reason: problem }) : JSON.stringify({ refused: refusals.map(({ item, error }) => ({ item, reason: error.message })) });
}

function leftOutOf({ proposal, error }: Refusal, feature: Feature): LeftOut {
  return { reason: error.reason, what: `a proposed ${proposal.kind} case for ${clip(feature.title, 200)}`, detail: clip(error.forPeople, 500) };
}
