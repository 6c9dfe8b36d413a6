import type { LeftOut, PullRequest, TestBundle } from '#contracts';
import { code, codeBlock, plain } from './markdown.js';

/** Forges refuse descriptions of more than 65,536 characters. */
const MAX_LENGTH = 60_000;
const EXAMPLES_PER_REASON = 5;

const REASONS: Record<LeftOut['reason'], string> = {
  'unsupported-framework': 'a framework Pullwright does not read yet', 'unsupported-syntax': 'syntax Pullwright does not read', 'file-too-large': 'the file is too large', 'binary-file': 'the file is not text',
  'invalid-utf8': 'the name or the text is not UTF-8', symlink: 'a symbolic link', submodule: 'a submodule', 'limit-reached': 'more than the depth of this run asks for', 'unresolved-import': 'an import that leads nowhere in the repository',
  'third-party-component': 'a component from a package, whose markup is not in the repository', 'dynamic-route': 'an address with parameters the source does not give', 'dynamic-text': 'words that come from data', 'dynamic-link': 'a link that is computed',
  'unknown-condition': 'a condition the source does not decide', 'unknown-handler': 'a handler that could not be followed', 'unknown-outcome': 'an outcome the source does not decide', 'needs-backend': 'needs a back end that is not in the repository',
  'needs-login': 'needs an account', 'no-accessible-name': 'a control without a static name', ambiguous: 'several elements answer to every locator', 'unresolved-locator': 'a locator that stands for nothing in the source', 'hidden-by-style': 'hidden by a style',
  'external-link': 'a link out of the application', 'no-observable-effect': 'nothing to observe that tells before from after', 'already-covered': 'covered by another test here', 'beyond-depth': 'beyond the depth of this run',
  'not-grounded': 'proposed by a model and not borne out by the source', 'no-usable-answer': 'the model gave no usable answer', 'model-unavailable': 'the model was not there', 'over-budget': 'over the budget for the model',
};

const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

export function titleOf({ tests }: TestBundle): string {
  return `Add ${count(tests.length, 'end-to-end test')} for ${count(new Set(tests.map(({ feature }) => feature)).size, 'feature')}`;
}

/** The description: what is covered and the evidence for each test, what was left out and why, how to run it. */
export function describe(bundle: TestBundle, files: PullRequest['files']): string {
  return within([
    [`${count(bundle.tests.length, 'test')} in ${code(bundle.folder)}, written from the source at ${code(bundle.commit.slice(0, 12))}. Pullwright has not run them. Each locator stands for an element of the source, listed in ${code('locators.json')}.`],
    ...keptNote(files),
    ['## How to run', '', codeBlock(bundle.commands)],
    ['## What is covered', '', `${bundle.routes.covered.length} of ${count(bundle.routes.found, 'route')}${bundle.routes.covered.length > 0 ? `: ${bundle.routes.covered.slice(0, 40).map((route) => code(route, 100)).join(', ')}${bundle.routes.covered.length > 40 ? ' …' : ''}` : ''}.`],
    ...featureSections(bundle.tests),
    ...leftOutSection(bundle.leftOut),
  ]);
}

function keptNote(files: PullRequest['files']): string[][] {
  const named = (change: PullRequest['files'][number]['change']) => files.filter((file) => file.change === change).map(({ path }) => code(path));
  const [kept, removed] = [named('kept'), named('removed')];
  return [
    ...(kept.length > 0 ? [[`Left as a person has changed them: ${kept.slice(0, 20).join(', ')}${kept.length > 20 ? ' …' : ''}.`]] : []),
    ...(removed.length > 0 ? [[`Removed, as no test in them applies any more: ${removed.slice(0, 20).join(', ')}${removed.length > 20 ? ' …' : ''}.`]] : []),
  ];
}

function featureSections(tests: TestBundle['tests']): string[][] {
  const features = Map.groupBy(tests, ({ feature }) => feature);
  return [...features].map(([feature, own]) => [
    `### ${plain(feature)}`, '',
    ...own.map((test) => `- **${plain(test.title)}** (${count(test.locators, 'locator')})  \n  Catches: ${plain(test.catches, 300)} Decided by ${[...new Set(test.because.map(({ file, line }) => code(`${file}:${line}`)))].slice(0, 4).join(', ')}.`),
  ]);
}

function leftOutSection(leftOut: readonly LeftOut[]): string[][] {
  if (leftOut.length === 0) return [];
  const groups = [...Map.groupBy(leftOut, ({ reason }) => reason)].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
  return [
    ['## What was left out', '', '| reason | how many |', '|---|---|', ...groups.map(([reason, all]) => `| ${REASONS[reason]} | ${all.length} |`)],
    ...groups.map(([reason, all]) => [
      `<details><summary>${REASONS[reason]} (${all.length})</summary>`, '',
      ...all.slice(0, EXAMPLES_PER_REASON).map(({ what, detail, at }) => `- ${plain(what)}${detail ? `: ${plain(detail)}` : ''}${at ? ` (${code(`${at.file}:${at.line}`)})` : ''}`),
      ...(all.length > EXAMPLES_PER_REASON ? [`- and ${all.length - EXAMPLES_PER_REASON} more`] : []), '', '</details>',
    ]),
  ];
}

/** Whole sections as long as they fit; one that does not is cut at a line. */
function within(sections: readonly string[][]): string {
  const lines: string[] = [];
  let length = 0;
  for (const [i, section] of sections.entries()) {
    for (const line of i === 0 ? section : ['', ...section]) {
      length += line.length + 1;
      if (length > MAX_LENGTH) return [...lines, '', 'The rest is in the bundle of this run.', ''].join('\n');
      lines.push(line);
    }
  }
  return `${lines.join('\n')}\n`;
}
