import * as fc from 'fast-check';
import type { TestBundle } from '#contracts';
import { describe as description, titleOf } from './description.js';
import { code, codeBlock, plain } from './markdown.js';

const at = (line: number) => ({ file: 'src/login.js', line, blob: 'b'.repeat(40) });
const bundle = (change: Partial<TestBundle> = {}): TestBundle => ({
  kind: 'test-bundle@1', framework: 'playwright', commit: 'c'.repeat(40), folder: 'e2e', files: [],
  tests: [
    { id: 'login/a', title: 'Signing in without “Username” is stopped', file: 'e2e/login.spec.ts', feature: 'Login', catches: '“Username” is no longer checked.', because: [at(12), at(12), at(40)], locators: 3 },
    { id: 'home/b', title: 'The “Pricing” link opens “Plans”', file: 'e2e/home.spec.ts', feature: 'Home', catches: 'the way from / to /pricing is broken.', because: [at(7)], locators: 1 },
  ],
  commands: ['cd e2e', 'npx playwright test'], routes: { found: 3, covered: ['/', '/login'] },
  leftOut: [{ reason: 'dynamic-text', what: 'the greeting', at: at(9) }, { reason: 'ambiguous', what: 'the second link', detail: '2 elements' }, { reason: 'dynamic-text', what: 'the date' }],
  ...change,
});

test('says what is covered, the evidence per test, what was left out and why, and how to run it', () => {
  expect(titleOf(bundle())).toBe('Add 2 end-to-end tests for 2 features');
  expect(description(bundle(), [{ path: 'e2e/login.spec.ts', change: 'added' }])).toBe(`2 tests in \`e2e\`, written from the source at \`cccccccccccc\`. Pullwright has not run them. Each locator stands for an element of the source, listed in \`locators.json\`.

## How to run

\`\`\`sh
cd e2e
npx playwright test
\`\`\`

## What is covered

2 of 3 routes: \`/\`, \`/login\`.

### Login

- **Signing in without “Username” is stopped** (3 locators)  
  Catches: “Username” is no longer checked. Decided by \`src/login.js:12\`, \`src/login.js:40\`.

### Home

- **The “Pricing” link opens “Plans”** (1 locator)  
  Catches: the way from / to /pricing is broken. Decided by \`src/login.js:7\`.

## What was left out

| reason | how many |
|---|---|
| words that come from data | 2 |
| several elements answer to every locator | 1 |

<details><summary>words that come from data (2)</summary>

- the greeting (\`src/login.js:9\`)
- the date

</details>

<details><summary>several elements answer to every locator (1)</summary>

- the second link: 2 elements

</details>
`);
});

test('says which files people have changed and which went', () => {
  const text = description(bundle(), [{ path: 'e2e/a.spec.ts', change: 'kept' }, { path: 'e2e/b.spec.ts', change: 'removed' }]);
  expect(text).toContain('Left as a person has changed them: `e2e/a.spec.ts`.');
  expect(text).toContain('Removed, as no test in them applies any more: `e2e/b.spec.ts`.');
});

test('stays below what forges accept, at a line’s end', () => {
  const [one] = bundle().tests;
  const many = Array.from({ length: 2000 }, (_, i) => ({ ...(one as TestBundle['tests'][number]), id: `t${i}`, title: `${one?.title} ${i}` }));
  const text = description(bundle({ tests: many }), []);
  expect(text.length).toBeLessThan(65_536);
  expect(text).toMatch(/`\.\n\nThe rest is in the bundle of this run\.\n$/);
});

test.each([
  ['# heading\n# two', String.raw`#${'\u200B'} heading #${'\u200B'} two`], ['@everyone', '@\u200Beveryone'], ['<img src=x onerror=alert(1)>', String.raw`&lt;img src=x onerror=alert\(1\)&gt;`], ['[a](http://evil)', String.raw`\[a\]\(http:${'\u200B'}//evil\)`],
  ['- item', String.raw`\- item`], ['1. item', String.raw`\1. item`], ['www.evil.test', 'www\u200B.evil.test'], ['a | b', String.raw`a \| b`], ['\u202Eabc', 'abc'],
])('shows %j as words', (words, shown) => { expect(plain(words)).toBe(shown); });

test('no code span or block can be left from inside', () => {
  const hostile = fc.array(fc.constantFrom('`', '``', '```', '\n', 'x', ' ', '</details>')).map((parts) => parts.join(''));
  fc.assert(fc.property(hostile, (words) => {
    const span = code(words);
    const fence = (/^`+/.exec(span) as RegExpExecArray)[0];
    expect(span).not.toContain('\n');
    expect(span.slice(fence.length, -fence.length).match(/`+/g) ?? []).not.toContain(fence);
    const block = codeBlock([words]);
    expect(block.split('\n')).toHaveLength(3);
    expect((/^`+/.exec(block) as RegExpExecArray)[0].length).toBeGreaterThan(Math.max(0, ...(block.split('\n')[1]?.match(/`+/g) ?? []).map((run) => run.length)));
  }));
});
