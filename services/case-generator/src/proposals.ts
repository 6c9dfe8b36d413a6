import { z } from 'zod';
import { CaseStep, VALIDITY_RULES } from '#contracts';
import { answerSchema } from '#llm';

/** What a model answers: cases in the shapes of `test-cases@1`, with what it has to say for them. Every key is required, as strict modes want it; `null` leaves something out. */

const Line = { file: z.string(), line: z.int() };
const Target = z.object({ screen: z.string().describe('id of the screen'), element: z.string().describe('id of the element on it'), ...Line });
export type ProposedTarget = z.infer<typeof Target>;

const because = z.object({ behaviour: z.string().describe('id of the behaviour that says so'), ...Line }).describe('the line of source that decides it: one of the behaviour’s, or the target’s own');
export const ProposedExpectation = z.union([
  z.object({ expect: z.literal('path'), path: z.string(), because }),
  z.object({ expect: z.literal('title'), title: z.string(), because }),
  z.object({ expect: z.enum(['visible', 'hidden']), target: Target, because }),
  z.object({ expect: z.literal('value'), target: Target, value: z.string(), because }),
  z.object({ expect: z.literal('checked'), target: Target, checked: z.boolean(), because }),
  z.object({ expect: z.literal('enabled'), target: Target, enabled: z.boolean(), because }),
  z.object({ expect: z.literal('attribute'), target: Target, attribute: z.enum(['aria-expanded', 'aria-pressed', 'aria-selected']), value: z.string(), because }),
  z.object({ expect: z.literal('text'), target: Target, text: z.string(), because }),
  z.object({ expect: z.literal('invalid'), target: Target, rule: z.enum(VALIDITY_RULES), because }),
]);
export type ProposedExpectation = z.infer<typeof ProposedExpectation>;

export const ProposedStep = z.object({
  action: CaseStep.shape.action,
  path: z.string().nullable().describe('for goto'),
  target: Target.nullable().describe('null for goto and go-back'),
  value: z.string().nullable().describe('what is typed, the label that is chosen, the key that is pressed; null where the behaviour has a new value each time, and where there is none'),
});
export type ProposedStep = z.infer<typeof ProposedStep>;

export const Proposal = z.object({
  kind: z.enum(['flow', 'negative', 'boundary']),
  reason: z.string().describe('one plain sentence: why the case is worth having'),
  steps: z.array(ProposedStep), expectations: z.array(ProposedExpectation),
});
export type Proposal = z.infer<typeof Proposal>;

export const PROPOSALS = answerSchema('proposals', z.object({ cases: z.array(Proposal) }));
export type Proposals = { cases: Proposal[] };
