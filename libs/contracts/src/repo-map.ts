import { z } from 'zod';
import { CommitId, RepositoryRef } from './ids.js';
import { LeftOut, Location } from './source.js';

/**
 * What the crawl found: the stack, the existing tests with their conventions, and the application as a graph.
 * A *screen* is what a browser shows after a visit or an action; a *behaviour* is an edge: on this screen, these
 * steps, then that screen. Every element carries the line of source it stands on. Only what the source decides is in
 * the graph; what it does not decide is in `leftOut`.
 */

export const FieldFacts = z.object({
  /** The input's type, or `textarea`, `select`, `select-multiple`. */
  type: z.string(),
  name: z.string().optional(), required: z.boolean(),
  minLength: z.int().optional(), maxLength: z.int().optional(), min: z.string().optional(), max: z.string().optional(), step: z.string().optional(), pattern: z.string().optional(),
  /** Value, checked state or selected option before anyone touches it, where the source says so. */
  value: z.string().optional(), checked: z.boolean().optional(),
  options: z.array(z.object({ value: z.string(), label: z.string() })).optional(),
  readOnly: z.boolean(), disabled: z.boolean(),
});
export type FieldFacts = z.infer<typeof FieldFacts>;

export const Element = z.object({
  /** Unique in its screen. The same element of the same source line keeps its id on every screen that shows it. */
  id: z.string(),
  tag: z.string(),
  /** ARIA role by HTML-AAM, explicit `role` first. `null`: none (a div, a password field, plain text). */
  role: z.string().nullable(),
  /** Accessible name by the accname algorithm; `null` when it is empty or any part of it is not static. */
  name: z.string().nullable(),
  /** Rendered text, white space folded; `null` when any part is not static. */
  text: z.string().nullable(),
  level: z.int().min(1).max(6).optional(),
  testId: z.string().optional(), label: z.string().optional(), placeholder: z.string().optional(), title: z.string().optional(), alt: z.string().optional(), htmlId: z.string().optional(),
  /** Of buttons, links and fields: their classes, the last words by which one without a name is found. `*`: not static, it may be any. */
  classes: z.string().optional(),
  field: FieldFacts.optional(),
  link: z.object({
    /** As the source writes it, resolved against the page: a path of this application with search and hash, or an absolute address. */
    href: z.string(), external: z.boolean(), newTab: z.boolean(),
  }).optional(),
  form: z.object({ method: z.enum(['get', 'post', 'dialog']), action: z.string(), noValidate: z.boolean() }).optional(),
  /** Id of the form it belongs to (fields and buttons), of the nearest landmark, and of the nearest list item, row or region that can scope a locator. */
  inForm: z.string().optional(), inLandmark: z.string().optional(), inItem: z.string().optional(),
  /** Buttons, links with `aria-disabled`: cannot be used now. Fields say so in `field`. */
  disabled: z.boolean().optional(),
  /** Nearest element of the screen's list that holds this one: an ancestor's text repeats its own. */
  parent: z.string().optional(),
  expanded: z.boolean().optional(), pressed: z.boolean().optional(), selected: z.boolean().optional(), current: z.boolean().optional(),
  /**
   * `shown`: certainly rendered and visible on this screen. `hidden`: certainly in the document but not visible.
   * `unsure`: rendered or visible only under a condition that the source does not decide, or one of an unknown number of copies: never the subject of a test, but it
   * counts when a locator is checked for ambiguity.
   */
  presence: z.enum(['shown', 'hidden', 'unsure']),
  at: Location,
}).meta({ id: 'Element' });
export type Element = z.infer<typeof Element>;

export const Screen = z.object({
  id: z.string(),
  /** Path, search and hash as the browser's address shows them. */
  path: z.string(),
  /** The route as the source writes it: `/users/:id`. */
  route: z.string(),
  title: z.string().nullable(),
  /** How it is reached in a fresh browser: by visiting `path`, or by a behaviour on another screen. */
  entry: z.discriminatedUnion('by', [z.object({ by: z.literal('visit') }), z.object({ by: z.literal('behaviour'), behaviour: z.string() })]),
  elements: z.array(Element),
  /** Parts of the page whose markup the source does not give (third-party components, raw HTML). */
  opaque: z.array(z.object({ what: z.string(), at: Location })),
  /** What must run for the page to render: empty means the front end alone. */
  needs: z.array(z.object({ kind: z.enum(['server', 'api', 'database', 'login']), detail: z.string().max(300), at: Location.optional() })),
  at: Location,
}).meta({ id: 'Screen' });
export type Screen = z.infer<typeof Screen>;

export const StepData = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('literal'), value: z.string() }),
  /** A value made new on every run of the test, because the application stores it and refuses or confuses duplicates. */
  z.object({ kind: z.literal('unique'), prefix: z.string(), format: z.enum(['text', 'email', 'username', 'number']) }),
]);
export type StepData = z.infer<typeof StepData>;

export const BehaviourStep = z.object({
  do: z.enum(['click', 'double-click', 'fill', 'clear', 'check', 'uncheck', 'select', 'press', 'hover', 'go-back']),
  /** Element id on the screen; none for `go-back`. */
  element: z.string().optional(),
  /** For fill: what to type. For select: the option's label. For press: the key. */
  data: StepData.optional(),
}).meta({ id: 'BehaviourStep' });
export type BehaviourStep = z.infer<typeof BehaviourStep>;

export const VALIDITY_RULES = ['valueMissing', 'typeMismatch', 'patternMismatch', 'tooShort', 'rangeUnderflow', 'rangeOverflow', 'stepMismatch', 'badInput'] as const;

export const Behaviour = z.object({
  id: z.string(),
  kind: z.enum(['navigation', 'submit-valid', 'submit-missing', 'submit-malformed', 'submit-rejected', 'toggle', 'edit', 'select', 'filter', 'redirect', 'dismiss']),
  /** The screen it starts on. For `redirect`: the screen is the one that is shown instead of `visited`. */
  on: z.string(),
  visited: z.string().optional(),
  steps: z.array(BehaviourStep),
  /** The screen shown afterwards (the same id when nothing but `invalid` or `changes` is observable). */
  to: z.string(),
  /** Whether the browser's path changes. */
  navigates: z.boolean(),
  /** The address then carries search parameters beyond those of `to`, whose values the source does not decide: where to come back to, a token. */
  openSearch: z.literal(true).optional(),
  /** Element ids on `to` that were not on `on` (or were hidden); on `on` that are gone or hidden on `to`. Only `shown` elements with something static to locate them by. */
  appears: z.array(z.string()), disappears: z.array(z.string()),
  /** Values typed in the steps that become visible text on `to`: index of the step, and the element that shows it when known. */
  echoes: z.array(z.object({ step: z.int().min(0), element: z.string().optional() })).default([]),
  /** Native constraint validation stops the submission at this element (on `on`). */
  invalid: z.object({ element: z.string(), rule: z.enum(VALIDITY_RULES) }).optional(),
  /** Observable properties that change on an element of `to`. */
  changes: z.array(z.object({ element: z.string(), property: z.enum(['value', 'checked', 'expanded', 'pressed', 'selected', 'disabled', 'text']), from: z.string().optional(), to: z.string() })).default([]),
  /** A store outside the browser is written: tests must bring their own data and expect others'. */
  writes: z.boolean().default(false),
  /** The lines that decide the outcome, most telling first: handler, condition, constraint, route. */
  because: z.array(Location).min(1),
}).meta({ id: 'Behaviour' });
export type Behaviour = z.infer<typeof Behaviour>;

export const Stack = z.object({
  packageManager: z.enum(['npm', 'yarn', 'pnpm', 'bun', 'none']),
  frameworks: z.array(z.object({ name: z.string(), version: z.string().optional(), root: z.string(), at: Location })),
  entryPoints: z.array(z.string()),
  scripts: z.record(z.string(), z.string()),
  /** How to start the application for tests, where package.json says so. */
  start: z.object({ command: z.string(), root: z.string(), port: z.int().optional() }).optional(),
});

export const TestConventions = z.object({
  /** Where the repository's own file wants the tests. */
  folder: z.string().optional(),
  playwright: z.object({
    config: Location, testDir: z.string(), testMatch: z.array(z.string()).optional(), baseURL: z.string().optional(), hasWebServer: z.boolean(), testIdAttribute: z.string().optional(), version: z.string().optional(),
    projects: z.array(z.string()),
    /** The config was written by an earlier run (its first line says so): its folder is Pullwright's own. */
    scaffolded: z.boolean().optional(),
  }).optional(),
  /** Where no configuration says it: the attribute by which most of the sources mark elements for tests, when it is not `data-testid`. */
  testIdAttribute: z.string().optional(),
  other: z.array(z.object({ tool: z.string(), at: Location })),
  /** Files below folders named `e2e`, whoever they belong to: a project of our own must not move in there. */
  taken: z.array(z.string()).optional(),
  specs: z.array(z.object({ file: z.string(), titles: z.array(z.string()) })),
  pageObjects: z.array(z.object({ className: z.string(), file: z.string(), methods: z.array(z.string()) })),
  /** A module that exports an extended `test`, which specs import instead of `@playwright/test`. */
  fixtures: z.array(z.object({ file: z.string(), exports: z.array(z.string()) })),
  /** File name pattern of specs: `.spec.ts`, `.test.ts`, `.e2e.ts` … */
  suffix: z.string(),
  language: z.enum(['ts', 'js']),
  /** Whether the folder's module system is ESM, as package.json says. */
  esm: z.boolean(),
});
export type TestConventions = z.infer<typeof TestConventions>;

export const RepoMap = z.object({
  kind: z.literal('repo-map@1'),
  repository: RepositoryRef, commit: CommitId,
  /** The branch a pull request goes to, when the ref was a branch (or HEAD on one). */
  baseBranch: z.string().optional(),
  depth: z.enum(['smoke', 'standard', 'deep']),
  stack: Stack, tests: TestConventions,
  routes: z.array(z.object({ pattern: z.string(), framework: z.string(), at: Location, screens: z.array(z.string()) })),
  screens: z.array(Screen), behaviours: z.array(Behaviour),
  leftOut: z.array(LeftOut),
  counts: z.object({ files: z.int(), filesRead: z.int(), bytesRead: z.int() }),
}).meta({ id: 'repo-map@1' });
export type RepoMap = z.infer<typeof RepoMap>;

/** One feature: a route group or a user flow, with the part of the map that its cases need (its behaviours, and every screen and behaviour on the way to them). */
export const Feature = z.object({
  kind: z.literal('feature@1'),
  /** Kebab-case, unique in the run: names the spec file. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/), title: z.string(),
  /** Of features that were made before; a feature is what it is at any commit that has these lines, which is known by their blobs. */
  commit: CommitId.optional(), depth: RepoMap.shape.depth,
  /** The behaviours to design cases for. */
  behaviours: z.array(z.string()),
  /** Titles of existing specs that seem to cover the same routes. */
  existing: z.array(z.string()),
  map: z.object({ screens: z.array(Screen), behaviours: z.array(Behaviour) }),
  leftOut: z.array(LeftOut),
}).meta({ id: 'feature@1' });
export type Feature = z.infer<typeof Feature>;
