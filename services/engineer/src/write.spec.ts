import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LedgerEntry, TestBundle, TestCases, type RepoMap } from '#contracts';
import { sampleMap } from '#testing';
import { write } from './write.js';

const sampleCases = () => TestCases.array().parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../../libs/testing/src/sample-cases.json'), 'utf8')));
const written = (change: (map: RepoMap) => void = () => undefined, cases = sampleCases()) => { const map = sampleMap(); change(map); return write(map, cases); };
const text = ({ files }: ReturnType<typeof write>, path: string) => files.get(path)?.toString('utf8') ?? '';
const PLAYWRIGHT = { config: { file: 'playwright.config.ts', line: 1, blob: 'b'.repeat(40) }, testDir: 'tests', hasWebServer: true, baseURL: 'http://localhost:3000', projects: [] };

test('a spec per feature, the ledger, and a project around them', () => {
  const bundle = written();
  expect(TestBundle.parse(bundle.manifest)).toEqual(bundle.manifest);
  expect([...bundle.files.keys()]).toEqual(['e2e/.gitignore', 'e2e/contact.spec.ts', 'e2e/home.spec.ts', 'e2e/locators.json', 'e2e/package.json', 'e2e/playwright.config.ts', 'e2e/tsconfig.json']);
  expect(bundle.manifest).toMatchObject({ folder: 'e2e', framework: 'playwright', routes: { found: 4 } });
  expect(bundle.manifest.routes.covered).toEqual(['/', '/cargo', '/city', '/contact']);
  expect(text(bundle, 'e2e/playwright.config.ts')).toContain(`webServer: process.env.BASE_URL ? undefined : { command: 'npm start', cwd: '..', url: 'http://localhost:4100'`);
});

const bytes = ({ manifest, files }: ReturnType<typeof write>) => JSON.stringify([{ ...manifest, leftOut: manifest.leftOut.length }, [...files].map(([path, content]) => [path, content.toString()])]);

test('the same map and cases give the same bytes, in whatever order the features come', () => {
  expect(bytes(written(undefined, sampleCases().reverse()))).toBe(bytes(written()));
});

test('cases that share their opening share a beforeEach', () => {
  const spec = text(written(), 'e2e/contact.spec.ts');
  expect(spec).toContain(`
  test.describe('starting at /contact', () => {
    test.beforeEach(async ({ page }) => {
      await page.goto('/contact');
      await expect(page.getByRole('heading', { name: 'Write to us', exact: true })).toBeVisible();
    });
`);
  expect(spec.match(/goto\('\/contact'\)/g)).toHaveLength(1);
});

test('each locator of each test is in the ledger, with the line it stands for', () => {
  const bundle = written();
  const ledger = LedgerEntry.array().parse(JSON.parse(text(bundle, 'e2e/locators.json')));
  expect(ledger).toContainEqual({
    test: 'The “Details” link of “Cargo bike” opens “Cargo bike”', file: 'e2e/home.spec.ts', route: '/', element: { file: 'index.html', line: 6, blob: 'b'.repeat(40) }, candidate: { by: 'role', role: 'link', name: 'Details' },
    locator: `page.getByRole('article').filter({ has: page.getByRole('heading', { name: 'Cargo bike', exact: true }) }).getByRole('link', { name: 'Details', exact: true })`,
  });
  for (const { locator, file } of ledger) expect(text(bundle, file)).toContain(locator);
  for (const one of bundle.manifest.tests) expect(ledger.filter(({ test, file }) => test === one.title && file === one.file)).toHaveLength(one.locators);
});

test('what a menu does is tested once, over all features', () => {
  const twice = sampleCases();
  twice.push({ ...structuredClone(twice[1] as TestCases), feature: 'again', title: 'Again' });
  const bundle = written(undefined, twice);
  expect(bundle.manifest.tests).toHaveLength(written().manifest.tests.length);
  expect(bundle.manifest.leftOut.filter(({ reason }) => reason === 'already-covered').length).toBeGreaterThan(0);
});

test('in a Playwright project it follows its conventions, in a folder of its own', () => {
  const bundle = written((map) => {
    map.tests = { ...map.tests, playwright: { ...PLAYWRIGHT, testMatch: ['**/*.test.ts'] }, suffix: '.test.ts', esm: false, fixtures: [{ file: 'tests/fixtures.ts', exports: ['test', 'expect'] }] };
  });
  expect([...bundle.files.keys()]).toEqual(['tests/pullwright/contact.test.ts', 'tests/pullwright/home.test.ts', 'tests/pullwright/locators.json']);
  expect(text(bundle, 'tests/pullwright/home.test.ts')).toContain(`import { expect, test } from '../fixtures';`);
  expect(bundle.manifest.commands).toEqual(['npx playwright test tests/pullwright']);
});

test('where their config would not look into a folder of ours, it writes beside their specs', () => {
  const { files } = written((map) => { map.tests = { ...map.tests, playwright: { ...PLAYWRIGHT, testMatch: ['tests/*.spec.ts'] } }; });
  expect([...files.keys()]).toEqual(['tests/locators.json', 'tests/pullwright-contact.spec.ts', 'tests/pullwright-home.spec.ts']);
});

test('a config without a base URL gets one from the spec, which the config overrules', () => {
  const bundle = written((map) => { map.tests = { ...map.tests, playwright: { ...PLAYWRIGHT, baseURL: undefined } }; });
  expect(text(bundle, 'tests/pullwright/home.spec.ts')).toContain(`await use(baseURL ?? process.env.BASE_URL ?? 'http://localhost:4100')`);
});

test('a project that an earlier run made is updated in place', () => {
  const { files } = written((map) => { map.tests = { ...map.tests, playwright: { ...PLAYWRIGHT, config: { ...PLAYWRIGHT.config, file: 'e2e/playwright.config.ts' }, testDir: 'e2e', scaffolded: true } }; });
  expect(files).toEqual(written().files);
});

const wished = (change: (map: RepoMap) => void = () => undefined) => written((map) => { map.tests.folder = 'quality/web'; change(map); }).manifest;

test('the tests go where the repository’s own file wants them', () => {
  expect(wished()).toMatchObject({ folder: 'quality/web', files: expect.arrayContaining([expect.objectContaining({ path: 'quality/web/playwright.config.ts' })]) as unknown });
  expect(wished((map) => { map.tests.taken = ['quality/web/README.md']; }).folder).toBe('quality/web/pullwright');
  const theirs = wished((map) => { map.tests.playwright = PLAYWRIGHT; });
  expect([theirs.folder, theirs.files.map(({ path }) => path)]).toEqual(['quality/web', ['quality/web/locators.json', 'quality/web/pullwright-contact.spec.ts', 'quality/web/pullwright-home.spec.ts']]);
});

test('a folder with other things in it is left to them', () => {
  const { manifest } = written((map) => { map.tests.other = [{ tool: 'cypress', at: { file: 'e2e/cypress.config.ts', line: 1, blob: 'b'.repeat(40) } }]; });
  expect(manifest.folder).toBe('e2e/pullwright');
  expect(written((map) => { map.tests.taken = ['e2e/README.md']; }).manifest.folder).toBe('e2e/pullwright');
});

test('the application is started only when it needs nothing but itself', () => {
  const config = text(written((map) => { map.screens[0]?.needs.push({ kind: 'database', detail: 'Postgres' }); }), 'e2e/playwright.config.ts');
  expect(config).not.toContain('webServer');
});

test('what does not resolve is refused and listed; when nothing is left there is nothing to test', () => {
  const cases = sampleCases();
  for (const step of cases.flatMap((one) => one.cases.flatMap((testCase) => testCase.steps))) if (step.target && step.target.element !== 'cargo-link') step.target.at.line = 99;
  const bundle = written(undefined, cases);
  expect(bundle.manifest.tests.map(({ id }) => id)).toEqual(['home/navigation-details']);
  expect(bundle.refused).toBe(cases.flatMap((one) => one.cases).length - 1);
  expect(bundle.manifest.leftOut).toContainEqual(expect.objectContaining({ reason: 'unresolved-locator' }));
  for (const step of cases.flatMap((one) => one.cases.flatMap((testCase) => testCase.steps))) if (step.target) step.target.at.line = 99;
  expect(() => written(undefined, cases)).toThrow(expect.objectContaining({ code: 'nothing-to-test' }));
});

test('a case whose outcome cannot be located is refused, not weakened to an address', () => {
  const cases = sampleCases();
  for (const testCase of cases.flatMap((one) => one.cases)) testCase.expectations = testCase.expectations.filter(({ expect: what }) => what !== 'title');
  const bundle = written((map) => { for (const screen of map.screens) if (screen.id === 'cargo') screen.elements.push({ ...(screen.elements.at(-1) as RepoMap['screens'][number]['elements'][number]), id: 'twin' }); }, cases);
  expect(bundle.manifest.tests.map(({ id }) => id)).not.toContain('home/navigation-details');
  expect(bundle.manifest.leftOut).toContainEqual(expect.objectContaining({ reason: 'ambiguous', what: expect.stringContaining('Cargo bike') }));
});

test('cases of another commit are not written', () => {
  const cases = sampleCases().map((one) => ({ ...one, commit: 'd'.repeat(40) }));
  expect(() => written(undefined, cases)).toThrow(expect.objectContaining({ code: 'artifact-invalid' }));
});

test('what is found by an id is checked for its words', () => {
  const cases = sampleCases();
  for (const one of cases.flatMap((design) => design.cases.flatMap(({ expectations }) => expectations))) if ('target' in one && one.target?.element === 'opening') one.target.candidates = [{ by: 'test-id', id: 'opening' }];
  const bundle = written((map) => { for (const element of map.screens.flatMap(({ elements }) => elements)) if (element.id === 'opening') element.testId = 'opening'; }, cases);
  expect(text(bundle, 'e2e/home.spec.ts')).toContain(`await expect(page.getByTestId('opening')).toHaveText('Every day from nine to six.');`);
});
