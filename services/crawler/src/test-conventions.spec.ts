import { repoOf } from './interpret/repo-fixture.js';
import { testConventionsOf } from './test-conventions.js';

describe('test conventions', () => {
  it('are read from the configuration without running it', () => {
    const found = testConventionsOf(repoOf({
      'package.json': '{"type":"module","devDependencies":{"@playwright/test":"^1.50.0"}}',
      'web/playwright.config.ts': `import { defineConfig, devices } from '@playwright/test';
        const config = { testDir: './tests/e2e', testMatch: ['**/*.e2e.ts'], use: { baseURL: process.env.URL ?? 'http://localhost:4000', testIdAttribute: 'data-qa' }, projects: [{ name: 'chrome', use: devices['Desktop Chrome'] }], webServer: { command: 'npm start' } };
        export default defineConfig(config);`,
      'web/tests/e2e/login.e2e.ts': "import { test, expect } from '../fixtures'; /* playwright */ test.describe('login', () => { test('signs in', async () => {}); });",
      'web/tests/fixtures.ts': "import { test as base, expect } from '@playwright/test'; export const test = base.extend({}); export { expect };",
      'web/tests/login.page.ts': "import type { Page } from '@playwright/test'; export class LoginPage { constructor(private readonly page: Page) {} async open() {} async signIn(name: string) {} }",
      'cypress.config.js': '',
    }), 'web');
    expect(found.playwright).toMatchObject({ testDir: 'web/tests/e2e', testMatch: ['**/*.e2e.ts'], baseURL: 'http://localhost:4000', testIdAttribute: 'data-qa', hasWebServer: true, projects: ['chrome'], version: '^1.50.0' });
    expect(found.specs).toEqual([{ file: 'web/tests/e2e/login.e2e.ts', titles: ['login', 'signs in'] }]);
    expect(found.pageObjects).toEqual([{ className: 'LoginPage', file: 'web/tests/login.page.ts', methods: ['open', 'signIn'] }]);
    expect(found.fixtures).toEqual([{ file: 'web/tests/fixtures.ts', exports: ['test'] }]);
    expect(found).toMatchObject({ suffix: '.e2e.ts', language: 'ts', esm: true });
    expect(found.other.map((other) => other.tool)).toEqual(['cypress']);
  });
  it('have a sane default, with the attribute that the sources use', () => {
    const found = testConventionsOf(repoOf({ 'a.jsx': '<p data-test="x" data-cy="a"/>', 'b.jsx': 'const p = { "data-test": 1 }' }), '');
    expect(found).toMatchObject({ suffix: '.spec.ts', language: 'ts', esm: false, testIdAttribute: 'data-test', specs: [] });
    expect(found.playwright).toBeUndefined();
  });
  it('never leave the repository', () => {
    expect(testConventionsOf(repoOf({ 'playwright.config.js': "module.exports = { testDir: '../../../etc' }" }), '').playwright?.testDir).toBe('etc');
  });
});
