import { z } from 'zod';
import { CommitId } from './ids.js';
import { BehaviourStep, StepData, VALIDITY_RULES } from './repo-map.js';
import { LeftOut, Location } from './source.js';

/** One way to find an element, in the words of the testing libraries. The engineer picks; Playwright and Maestro are compiled from the same. */
export const LocatorCandidate = z.discriminatedUnion('by', [
  z.object({ by: z.literal('role'), role: z.string(), name: z.string().optional(), level: z.int().optional() }),
  z.object({ by: z.literal('label'), text: z.string() }),
  z.object({ by: z.literal('placeholder'), text: z.string() }),
  z.object({ by: z.literal('text'), text: z.string() }),
  z.object({ by: z.literal('alt'), text: z.string() }),
  z.object({ by: z.literal('title'), text: z.string() }),
  z.object({ by: z.literal('test-id'), id: z.string() }),
  z.object({ by: z.literal('css'), selector: z.string() }),
]);
export type LocatorCandidate = z.infer<typeof LocatorCandidate>;

/** A locator candidate list with its provenance: the element on the screen, and the line of source it stands on. Best first. */
export const Target = z.object({
  screen: z.string(), element: z.string(), at: Location,
  candidates: z.array(LocatorCandidate).min(1),
}).meta({ id: 'Target' });
export type Target = z.infer<typeof Target>;

export const CaseStep = z.object({
  action: z.enum(['goto', ...BehaviourStep.shape.do.options]),
  /** For goto. */
  path: z.string().optional(),
  target: Target.optional(), data: StepData.optional(),
  /** Steps with the same name fill the same value: a unique datum used again later. */
  dataName: z.string().optional(),
}).meta({ id: 'CaseStep' });
export type CaseStep = z.infer<typeof CaseStep>;

export const Expectation = z.discriminatedUnion('expect', [
  /** Path, search and hash of the address; with `openSearch` there may be further search parameters. */
  z.object({ expect: z.literal('path'), path: z.string(), openSearch: z.literal(true).optional() }),
  z.object({ expect: z.literal('title'), title: z.string() }),
  z.object({ expect: z.literal('visible'), target: Target }),
  z.object({ expect: z.literal('hidden'), target: Target }),
  z.object({ expect: z.literal('value'), target: Target, data: StepData, dataName: z.string().optional() }),
  z.object({ expect: z.literal('checked'), target: Target, checked: z.boolean() }),
  z.object({ expect: z.literal('enabled'), target: Target, enabled: z.boolean() }),
  z.object({ expect: z.literal('attribute'), target: Target, attribute: z.string(), value: z.string() }),
  z.object({ expect: z.literal('text'), target: Target, text: z.string() }),
  z.object({ expect: z.literal('invalid'), target: Target, rule: z.enum(VALIDITY_RULES) }),
  /** A value typed earlier is visible, within the target when there is one. */
  z.object({ expect: z.literal('echo'), dataName: z.string(), target: Target.optional() }),
]);
export type Expectation = z.infer<typeof Expectation>;

export const TestCase = z.object({
  /** Stable over runs while what it tests stays the same: derived from the behaviour, not from its position. */
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,95}$/),
  title: z.string().max(200),
  kind: z.string(), behaviour: z.string(),
  preconditions: z.array(z.string()), setup: z.array(CaseStep),
  /** What holds after the setup and not after the steps: it tells the start from the outcome, so that no page that never changes satisfies the case. */
  given: z.array(Expectation).default([]),
  steps: z.array(CaseStep),
  expectations: z.array(Expectation).min(1),
  /** What a regression would have to be for this case to fail: one sentence for the reviewer. */
  catches: z.string().max(300),
  because: z.array(Location).min(1),
  /** A model has proposed it, and the source bears it out. Left out: the source alone decided it. */
  proposedBy: z.literal('model').optional(),
}).meta({ id: 'TestCase' });
export type TestCase = z.infer<typeof TestCase>;

export const TestCases = z.object({
  kind: z.literal('test-cases@1'), feature: z.string(), title: z.string(),
  /** Of cases that were made before. */
  commit: CommitId.optional(),
  cases: z.array(TestCase), leftOut: z.array(LeftOut),
}).meta({ id: 'test-cases@1' });
export type TestCases = z.infer<typeof TestCases>;
