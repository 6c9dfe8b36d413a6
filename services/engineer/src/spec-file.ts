import { GENERATED_MARK } from '#contracts';
import { literal } from './literals.js';
import { UNIQUE, type CompiledCase } from './playwright.js';

export interface SpecStyle {
  /** Modules that `test` and `expect` come from. */
  test: string; expect: string;
  /** Falls back to this base URL when the project's config names none. */
  baseURL?: string;
}

const indent = (lines: readonly string[], depth: number) => lines.map((line) => `${'  '.repeat(depth)}${line}`);
const block = (open: string, lines: readonly string[], depth: number) => [...indent([open], depth), ...indent(lines, depth + 1), ...indent(['});'], depth)];

/** One spec file: a describe for the feature; cases that open the same page the same way share a beforeEach. Titles are unique in the file. */
export function specFile(title: string, cases: readonly CompiledCase[], style: SpecStyle): string {
  const imports = style.test === style.expect ? [`import { expect, test } from ${literal(style.test)};`] : [`import { expect } from ${literal(style.expect)};`, `import { test } from ${literal(style.test)};`];
  const baseURL = style.baseURL === undefined ? [] : [
    '', '// The project’s config names no base URL.',
    `test.use({ baseURL: async ({ baseURL }, use) => { await use(baseURL ?? process.env.BASE_URL ?? ${literal(style.baseURL)}); } });`,
  ];
  const unique = cases.some(({ usesUnique }) => usesUnique) ? ['', '/** New on every call, in every worker. */', UNIQUE] : [];
  const groups = groupsOf(cases);
  const inside = groups.flatMap((group, i) => [...(i > 0 ? [''] : []), ...(groups.length === 1 || !group.shared ? groupLines(group, 1) : [...indent([`test.describe(${literal(group.name)}, () => {`], 1), ...groupLines(group, 2), ...indent(['});'], 1)])]);
  return `${[
    `${GENERATED_MARK} Which line of source each locator stands for is in locators.json.`, ...imports, ...baseURL, ...unique, '', `test.describe(${literal(title)}, () => {`, ...inside, '});',
  ].join('\n')}\n`;
}

interface Group { name: string; shared: boolean; cases: CompiledCase[] }

/** In order of first appearance. A group of one opens its page itself. */
function groupsOf(cases: readonly CompiledCase[]): Group[] {
  const groups = new Map<string, CompiledCase[]>();
  for (const one of cases) {
    const key = one.shareable ? JSON.stringify(one.opening) : `alone ${one.id}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const names = new Map<string, number>();
  const shared = [...groups.values()].filter((group) => group.length > 1);
  const alone = [...groups.values()].filter((group) => group.length === 1).flat();
  const found = shared.map((group) => {
    const path = group[0]?.from ?? '';
    const n = (names.get(path) ?? 0) + 1;
    names.set(path, n);
    return { name: `starting at ${path}${n > 1 ? ` (${n})` : ''}`, shared: true, cases: group };
  });
  return alone.length > 0 ? [...found, { name: '', shared: false, cases: alone }] : found;
}

function groupLines({ shared, cases }: Group, depth: number): string[] {
  const opening = shared ? [...block('test.beforeEach(async ({ page }) => {', cases[0]?.opening ?? [], depth), ''] : [];
  const tests = cases.flatMap((one, i) => [...(i > 0 ? [''] : []), ...block(`test(${literal(one.title)}, async ({ page }) => {`, shared ? one.body : [...one.opening, ...one.body], depth)]);
  return [...opening, ...tests];
}
