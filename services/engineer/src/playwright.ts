import type { CaseStep, Expectation, LedgerEntry, LocatorCandidate, RepoMap, Screen, StepData, Target, TestCase } from '#contracts';
import { wraps } from '#locators';
import { literal, patternOf, templateText } from './literals.js';
import { Refused, isAwayOn, resolve, type Found } from './resolve.js';

/** One compiled case: lines of code without indentation, and the locators in them. */
export interface CompiledCase {
  id: string; title: string;
  /** The address it starts from, and the lines up to its own steps. Cases of a file with the same opening share it, unless it makes data of its own. */
  from: string; opening: string[]; shareable: boolean;
  body: string[];
  ledger: Array<Omit<LedgerEntry, 'test' | 'file'>>;
  usesUnique: boolean;
}

/** Characters of the part that makes a value new: enough that parallel workers and later runs do not meet. */
const UNIQUE_LENGTH = 12;
export const UNIQUE = `const unique = () => \`\${Date.now().toString(36).slice(-6)}\${Math.random().toString(36).slice(2, 8).padEnd(6, '0')}\`;`;
const RESERVED = /^(?:page|test|expect|unique|await|break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|export|extends|false|finally|for|function|if|implements|import|in|instanceof|interface|let|new|null|package|private|protected|public|return|static|super|switch|this|throw|true|try|typeof|var|void|while|with|yield|eval|arguments|undefined)$/;

/** Compiles a case to the lines of a Playwright test. Throws `Refused` when a step's target does not resolve, or when nothing that could fail is left to expect. */
export function compileCase(testCase: TestCase, map: RepoMap): CompiledCase {
  const behaviour = map.behaviours.find(({ id }) => id === testCase.behaviour);
  const on = map.screens.find(({ id }) => id === behaviour?.on);
  const to = map.screens.find(({ id }) => id === behaviour?.to);
  if (!behaviour || !on || !to) throw new Refused('unknown-outcome', 'the map has no such behaviour');
  const context: Context = { map, ledger: new Map(), values: new Map() };

  const setup = testCase.setup.map((step) => stepLine(step, context));
  const setupValues = [...context.values.values()];
  const given = kept(testCase.given, on, context);
  if (testCase.given.length > 0 && given.length === 0) throw new Refused('ambiguous', 'the start cannot be told from the outcome');
  const steps = testCase.steps.map((step) => stepLine(step, context));
  // The address of a GET form carries what was typed.
  const typedIntoAddress = testCase.steps.some(({ target, data }) => data?.kind === 'unique' && formOf(target, map)?.method === 'get');
  const expectations = kept(testCase.expectations, to, { ...context, typedIntoAddress });
  if (!testCase.expectations.some((one, i) => isEffect(one) && expectations.some(({ index }) => index === i))) throw new Refused('ambiguous', 'no expectation that the steps decide can be located');

  const values = [...context.values.values()];
  const opening = [...setupValues, ...setup, ...given.flatMap(({ lines }) => lines)];
  const body = [...values.slice(setupValues.length), ...steps, ...expectations.flatMap(({ lines }) => lines)];
  return {
    id: testCase.id, title: testCase.title, from: testCase.setup[0]?.path ?? '', opening, shareable: setupValues.length === 0 && setup.length > 0, body,
    // A dropped expectation may have located something before it was dropped.
    ledger: [...context.ledger.values()].filter(({ locator }) => [...opening, ...body].some((line) => line.includes(locator))), usesUnique: values.some((line) => line.includes('unique()')),
  };
}

/** `values`: the declaration of each unique value, by name. `ledger`: by locator code and element. */
interface Context { map: RepoMap; ledger: Map<string, CompiledCase['ledger'][number]>; values: Map<string, string>; typedIntoAddress?: boolean }

/** An address alone is no effect: a server that answers everything alike has every address. */
const isEffect = ({ expect }: Expectation) => expect !== 'path';

/** Expectations that resolve, in order; the others are dropped, as the ones that stay still decide the case. */
function kept(expectations: readonly Expectation[], screen: Screen, context: Context): Array<{ index: number; lines: string[] }> {
  return expectations.flatMap((expectation, index) => {
    try {
      return [{ index, lines: expectationLines(expectation, screen, context) }];
    } catch (error) {
      if (error instanceof Refused) return [];
      throw error;
    }
  });
}

function stepLine(step: CaseStep, context: Context): string {
  if (step.action === 'goto') return `await page.goto(${literal(step.path ?? '/')});`;
  if (step.action === 'go-back') return 'await page.goBack();';
  if (!step.target) throw new Refused('unresolved-locator', `a step to ${step.action} has no target`);
  const locator = locatorCode(step.target, context);
  const value = () => (step.data ? valueCode(step.data, step.dataName, context, step.target) : "''");
  switch (step.action) {
    case 'click': return `await ${locator}.click();`;
    case 'double-click': return `await ${locator}.dblclick();`;
    case 'hover': return `await ${locator}.hover();`;
    case 'check': return `await ${locator}.check();`;
    case 'uncheck': return `await ${locator}.uncheck();`;
    case 'clear': return `await ${locator}.clear();`;
    case 'fill': return `await ${locator}.fill(${value()});`;
    case 'press': return `await ${locator}.press(${value()});`;
    case 'select': return `await ${locator}.selectOption({ label: ${value()} });`;
  }
}

function expectationLines(expectation: Expectation, screen: Screen, context: Context): string[] {
  const locator = (target: Target) => locatorCode(target, context);
  switch (expectation.expect) {
    case 'path': return [`await expect(page).toHaveURL(${addressCode(expectation.path, { anyQuery: context.typedIntoAddress === true || expectation.openSearch === true, files: context.map.routes.some(({ framework }) => framework === 'html') })});`];
    case 'title': return [`await expect(page).toHaveTitle(${literal(expectation.title)});`];
    case 'visible': return [`await expect(${locator(expectation.target)}).toBeVisible();`, ...wordsLine(expectation.target, context)];
    case 'hidden': {
      if (!isAwayOn(resolve(expectation.target, context.map), screen)) throw new Refused('ambiguous', 'something else answers to the locator when the element is gone');
      return [`await expect(${locator(expectation.target)}).toBeHidden();`];
    }
    case 'value': return [`await expect(${locator(expectation.target)}).toHaveValue(${valueCode(expectation.data, expectation.dataName, context, expectation.target)});`];
    case 'checked': return [`await expect(${locator(expectation.target)})${expectation.checked ? '' : '.not'}.toBeChecked();`];
    case 'enabled': return [`await expect(${locator(expectation.target)}).${expectation.enabled ? 'toBeEnabled' : 'toBeDisabled'}();`];
    case 'attribute': return [`await expect(${locator(expectation.target)}).toHaveAttribute(${literal(expectation.attribute)}, ${literal(expectation.value)});`];
    case 'text': return [`await expect(${locator(expectation.target)}).toHaveText(${literal(expectation.text)});`];
    // The browser moves the focus to the field that stops the form; the field was as invalid before, so its state alone says nothing.
    case 'invalid': return [`await expect(${locator(expectation.target)}).toBeFocused();`, `await expect(${locator(expectation.target)}).toHaveJSProperty(${literal(`validity.${expectation.rule}`)}, true);`];
    case 'echo': {
      const name = variableName(expectation.dataName);
      if (!context.values.has(name)) throw new Refused('unknown-outcome', 'the value that should be shown was never typed');
      return [expectation.target ? `await expect(${locator(expectation.target)}).toContainText(${name});` : `await expect(page.getByText(${name}).first()).toBeVisible();`];
    }
  }
}

/** What is found by an id is checked for its words: an error box is there for every error. */
function wordsLine(target: Target, context: Context): string[] {
  const { candidate, element, screen } = resolve(target, context.map);
  if ((candidate.by !== 'test-id' && candidate.by !== 'css') || element.field || !element.text || wraps(element, screen.elements[screen.elements.indexOf(element) + 1])) return [];
  return [`await expect(${locatorCode(target, context)}).toHaveText(${literal(element.text)});`];
}

function valueCode(data: StepData, dataName: string | undefined, { values, map }: Context, target: Target | undefined): string {
  if (data.kind === 'literal') return literal(data.value);
  const name = variableName(dataName ?? 'value');
  const limit = map.screens.find(({ id }) => id === target?.screen)?.elements.find(({ id }) => id === target?.element)?.field?.maxLength ?? Infinity;
  if (limit < UNIQUE_LENGTH) throw new Refused('unknown-outcome', `a new value does not fit into ${limit} characters`);
  if (!values.has(name)) values.set(name, `const ${name} = ${uniqueCode(data.prefix, data.format, limit)};`);
  return name;
}

function uniqueCode(prefix: string, format: Extract<StepData, { kind: 'unique' }>['format'], limit: number): string {
  const fitting = (extra: number) => prefix.slice(0, Math.max(0, Math.min(prefix.length, limit - UNIQUE_LENGTH - extra)));
  switch (format) {
    case 'number': return '`${Date.now() % 1_000_000_000}`';
    case 'email': return `\`${templateText(fitting('-@example.com'.length))}-\${unique()}@example.com\``;
    case 'username': return `\`${templateText(fitting(0).replaceAll(/[^\w]/g, ''))}\${unique()}\``;
    case 'text': return fitting(1) === '' ? 'unique()' : `\`${templateText(fitting(1))} \${unique()}\``;
  }
}

function variableName(wanted: string): string {
  const name = wanted.replaceAll(/[^A-Za-z0-9]/g, '').replace(/^[^a-z]+/, '');
  return name === '' || name.length > 40 || RESERVED.test(name) ? `value${name.slice(0, 20).replaceAll(/\W/g, '')}` : name;
}

/**
 * The address under the base URL. A segment such as `:id` stands for whatever the application makes up. `files`: the pages are files that any server may serve,
 * and many show `about.html` as `/about` and `index.html` as `/`; both are the same page.
 */
function addressCode(path: string, { anyQuery, files }: { anyQuery: boolean; files: boolean }): string {
  const wild = path.split('/').some((segment) => /^:\w+$/.test(segment));
  const file = files && /\.html?(?=$|[?#])/.test(path);
  if (!wild && !file && !(anyQuery && !path.includes('?'))) return literal(path);
  const exact = path.split('/').map((segment) => (/^:\w+$/.test(segment) ? '[^/?#]+' : patternOf(segment))).join(String.raw`\/`);
  const pattern = file ? exact.replace(/((?<=\\\/)index)?(\\\.html?)(?=$|\\[?#])/, (_all, index: string | undefined, ending: string) => (index ? `(?:index(?:${ending})?)?` : `(?:${ending})?`)) : exact;
  return `/${pattern}${anyQuery ? String.raw`(?:\?.*)?` : ''}$/`;
}

function formOf(target: Target | undefined, map: RepoMap) {
  const elements = map.screens.find(({ id }) => id === target?.screen)?.elements ?? [];
  return elements.find(({ id }) => id === elements.find((one) => one.id === target?.element)?.inForm)?.form;
}

function locatorCode(target: Target, { map, ledger }: Context): string {
  const found = resolve(target, map);
  const code = `page${codeOf(found)}`;
  ledger.set(`${code} ${target.screen} ${target.element}`, { locator: code, candidate: found.candidate, element: found.element.at, route: found.screen.route });
  return code;
}

function codeOf({ candidate, within }: Found): string {
  if (!within) return candidateCode(candidate);
  const has = within.has ? `.filter({ has: page${candidateCode(within.has)} })` : '';
  return `${candidateCode(within.candidate)}${has}${candidateCode(candidate)}`;
}

const exactly = (words: string) => `${literal(words)}, { exact: true }`;

function candidateCode(candidate: LocatorCandidate): string {
  switch (candidate.by) {
    case 'role': {
      const options = [...(candidate.name === undefined ? [] : [`name: ${literal(candidate.name)}`, 'exact: true']), ...(candidate.level === undefined ? [] : [`level: ${candidate.level}`])];
      return `.getByRole(${[literal(candidate.role), ...(options.length > 0 ? [`{ ${options.join(', ')} }`] : [])].join(', ')})`;
    }
    case 'label': return `.getByLabel(${exactly(candidate.text)})`;
    case 'placeholder': return `.getByPlaceholder(${exactly(candidate.text)})`;
    case 'alt': return `.getByAltText(${exactly(candidate.text)})`;
    case 'title': return `.getByTitle(${exactly(candidate.text)})`;
    case 'text': return `.getByText(${exactly(candidate.text)})`;
    case 'test-id': return `.getByTestId(${literal(candidate.id)})`;
    case 'css': return `.locator(${literal(candidate.selector)})`;
  }
}
