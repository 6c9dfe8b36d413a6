import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { Failure, type LedgerEntry, type LeftOut, type RepoMap, type TestBundle, type TestCase, type TestCases } from '#contracts';
import { layoutOf } from './layout.js';
import { compileCase, type CompiledCase } from './playwright.js';
import { Refused } from './resolve.js';
import { specFile } from './spec-file.js';

export interface Written { manifest: TestBundle; files: Map<string, Buffer>; locators: number; refused: number }

/** Compiles all cases to one bundle: a spec per feature, the ledger, and a project around them where there is none. Throws `nothing-to-test` when no case is left. Same inputs, same bytes. */
export function write(map: RepoMap, designs: readonly TestCases[]): Written {
  const stale = designs.find(({ commit }) => commit !== undefined && commit !== map.commit);
  if (stale) throw new Failure('artifact-invalid', `the cases of ${stale.feature} were designed for another commit`);
  const layout = layoutOf(map);
  const files = new Map<string, string>(layout.scaffold);
  const tests: TestBundle['tests'] = [];
  const ledger: LedgerEntry[] = [];
  const refused: LeftOut[] = [];
  const covered = new Set<string>();
  const known = new Set<string>();
  const taken = new Set<string>();

  for (const design of [...designs].sort((a, b) => (a.feature < b.feature ? -1 : 1))) {
    const compiled: Array<{ testCase: TestCase; code: CompiledCase }> = [];
    for (const testCase of design.cases) {
      const attempt = compile(testCase, map, known);
      if ('reason' in attempt) refused.push(attempt);
      else compiled.push({ testCase, code: attempt });
    }
    if (compiled.length === 0) continue;
    let name = design.feature;
    for (let n = 2; taken.has(name); n++) name = `${design.feature}-${n}`;
    taken.add(name);
    const file = layout.specPath(name);
    const titled = withUniqueTitles(compiled);
    files.set(file, specFile(design.title, titled.map(({ code }) => code), layout.style));
    for (const { testCase, code } of titled) {
      tests.push({ id: `${design.feature}/${testCase.id}`, title: code.title, file, feature: design.title, catches: testCase.catches, because: testCase.because, locators: code.ledger.length });
      ledger.push(...code.ledger.map((entry) => ({ test: code.title, file, ...entry })));
      for (const route of routesOf(testCase, map)) covered.add(route);
    }
  }
  if (tests.length === 0) throw new Failure('nothing-to-test', `${refused.length} cases refused`);
  files.set(posix.join(layout.folder, 'locators.json'), `${JSON.stringify(ledger, null, 2)}\n`);

  const contents = new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, text]) => [path, Buffer.from(text)]));
  const manifest: TestBundle = {
    kind: 'test-bundle@1', framework: 'playwright', commit: map.commit, folder: layout.folder,
    files: [...contents].map(([path, content]) => ({ path, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.byteLength })),
    tests, commands: layout.commands,
    routes: { found: map.routes.length, covered: [...covered].sort() },
    leftOut: unique([...map.leftOut, ...designs.flatMap(({ leftOut }) => leftOut), ...refused]),
  };
  return { manifest, files: contents, locators: ledger.length, refused: refused.length };
}

function compile(testCase: TestCase, map: RepoMap, known: Set<string>): CompiledCase | LeftOut {
  const what = `${testCase.title}${testCase.setup[0]?.path === undefined ? '' : ` (from ${testCase.setup[0].path})`}`.slice(0, 500);
  const at = testCase.because[0];
  try {
    const code = compileCase(testCase, map);
    const sameAs = essence(testCase);
    if (known.has(sameAs)) return { reason: 'already-covered', what, at };
    known.add(sameAs);
    return code;
  } catch (error) {
    if (error instanceof Refused) return { reason: error.reason, what, detail: error.message.slice(0, 500), at };
    throw error;
  }
}

const place = (one: TestCase['steps'][number] | TestCase['expectations'][number]) => ('target' in one ? one.target?.at : null) ?? null;

/** Features meet on shared parts (a menu, a footer): the same element used the same way with the same outcome is one test. Links are the same by name, as every page may have its own copy of the menu. */
function essence({ kind, steps, expectations }: TestCase): string {
  const subject = (step: TestCase['steps'][number]) => (kind === 'navigation' ? step.target?.candidates[0] : place(step)) ?? null;
  return JSON.stringify([kind, steps.map((step) => [step.action, step.path, subject(step), step.data]), expectations.map((one) => [one.expect, 'path' in one ? one.path : '', place(one)])]);
}

function routesOf(testCase: TestCase, map: RepoMap): string[] {
  const behaviour = map.behaviours.find(({ id }) => id === testCase.behaviour);
  return map.screens.filter(({ id }) => id === behaviour?.on || id === behaviour?.to).map(({ route }) => route);
}

/** Playwright refuses a file with two tests of one title. */
function withUniqueTitles<T extends { code: CompiledCase }>(compiled: readonly T[]): T[] {
  const taken = new Set<string>();
  return compiled.map((one) => {
    let title = one.code.title;
    for (let n = 2; taken.has(title); n++) title = `${one.code.title} (${n})`;
    taken.add(title);
    return { ...one, code: { ...one.code, title } };
  });
}

function unique(leftOut: readonly LeftOut[]): LeftOut[] {
  return [...new Map(leftOut.map((one) => [JSON.stringify([one.reason, one.what, one.at ?? null]), one])).values()];
}
