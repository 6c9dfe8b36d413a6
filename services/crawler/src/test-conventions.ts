import { parse } from '@babel/parser';
import { traverseFast, type Expression, type Node, type ObjectExpression } from '@babel/types';
import { GENERATED_MARK, type RepoMap } from '#contracts';
import type { Repo } from './framework.js';
import { nearestManifest } from './manifest.js';

type TestConventions = RepoMap['tests'];
const CONFIG = /(^|\/)playwright(\.[\w-]+)?\.config\.(ts|js|mjs|cjs|mts|cts)$/;
const OTHER_TOOLS: ReadonlyArray<readonly [RegExp, string]> = [
  [/(^|\/)cypress\.(config\.[cm]?[jt]s|json)$/, 'cypress'], [/(^|\/)vitest\.config\.[cm]?[jt]s$/, 'vitest'], [/(^|\/)jest\.config\.([cm]?[jt]s|json)$/, 'jest'], [/(^|\/)wdio\.conf\.[cm]?[jt]s$/, 'webdriverio'],
  [/(^|\/)\.testcaferc\.(json|[cm]?js)$/, 'testcafe'], [/(^|\/)nightwatch\.conf\.[cm]?[jt]s$/, 'nightwatch'], [/(^|\/)codecept\.conf\.[cm]?[jt]s$/, 'codeceptjs'], [/(^|\/)\.mocharc\.(json|ya?ml|[cm]?js)$/, 'mocha'],
];
const SPEC = /\.(spec|test|e2e|e2e-spec|pw)\.([cm]?[jt]sx?)$/;
const MAX_SPECS = 500;
const MAX_TAKEN = 100;
const MAX_TITLES = 200;
const TEST_IDS = ['data-testid', 'data-test-id', 'data-test', 'data-cy', 'data-qa', 'data-e2e'];

/** How the repository tests already, and the folder that it has `wished` for: Playwright's configuration read without running it, specs with their titles, page objects and fixtures. */
export function testConventionsOf(repo: Repo, root: string, wished?: string): TestConventions {
  const configs = repo.paths.filter((path) => CONFIG.test(path) && repo.text(path) !== null);
  const config = configs.sort((a, b) => Number(!a.startsWith(root)) - Number(!b.startsWith(root)) || a.length - b.length || (a < b ? -1 : 1))[0];
  const conventions: TestConventions = { other: otherTools(repo), ...wished !== undefined && { folder: wished }, taken: repo.paths.filter((path) => /(^|\/)e2e\//.test(path) || (wished !== undefined && path.startsWith(`${wished}/`))).slice(0, MAX_TAKEN), specs: [], pageObjects: [], fixtures: [], suffix: '.spec.ts', language: 'ts', esm: false };
  for (const path of repo.paths) {
    if (!/\.[cm]?[jt]sx?$/.test(path) || conventions.specs.length >= MAX_SPECS) continue;
    const text = repo.text(path);
    if (text !== null && /playwright/.test(text)) readPlaywrightFile(repo, path, text, conventions);
  }
  if (config) conventions.playwright = readConfig(repo, config);
  else { const attribute = usualTestId(repo); if (attribute !== 'data-testid') conventions.testIdAttribute = attribute; }

  const sample = conventions.specs[0]?.file;
  const suffix = sample ? SPEC.exec(sample) : null;
  conventions.language = sample ? (/\.[cm]?tsx?$/.test(sample) ? 'ts' : 'js') : config && config.endsWith('js') && !repo.paths.some((path) => /(^|\/)tsconfig\.json$/.test(path)) ? 'js' : 'ts';
  conventions.suffix = suffix ? suffix[0] : `.spec.${conventions.language}`;
  const folder = wished ?? conventions.playwright?.testDir ?? root;
  conventions.esm = nearestManifest(repo, folder)?.type === 'module';
  return conventions;
}

/** The attribute that marks most elements for tests. */
function usualTestId(repo: Repo): string {
  const counts = new Map(TEST_IDS.map((name) => [name, 0]));
  for (const path of repo.paths) {
    if (!/\.(m?[jt]sx?|html?|ejs|pug|hbs|handlebars|vue|svelte|astro)$/.test(path)) continue;
    for (const match of repo.text(path)?.matchAll(/\b(data-(?:test-?id|test|cy|qa|e2e))\s*[=:'"]/g) ?? []) counts.set(match[1] as string, (counts.get(match[1] as string) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || TEST_IDS.indexOf(a[0]) - TEST_IDS.indexOf(b[0]))[0]?.[0] ?? 'data-testid';
}

function otherTools(repo: Repo): TestConventions['other'] {
  const found: TestConventions['other'] = [];
  for (const path of repo.paths) {
    const tool = OTHER_TOOLS.find(([test]) => test.test(path));
    if (tool && !/node_modules\//.test(path) && found.length < 20) found.push({ tool: tool[1], at: repo.locate({ file: path, line: 1 }) });
  }
  return found;
}

function readPlaywrightFile(repo: Repo, path: string, text: string, conventions: TestConventions): void {
  const file = parsed(text);
  if (!file) { repo.leaveOut('unsupported-syntax', path, 'a test file that does not parse', { file: path, line: 1 }); return; }
  const titles: string[] = [];
  const fixtures: string[] = [];
  let usesTest = false;
  traverseFast(file, (node) => {
    if (node.type === 'ImportDeclaration' && node.specifiers.some((specifier) => specifier.type === 'ImportSpecifier' && nameOf(specifier.imported) === 'test')) usesTest = true;
    if (node.type === 'CallExpression') {
      const title = node.arguments[0]?.type === 'StringLiteral' && /^(test|it|test\.(only|skip|fixme|slow|fail)|test\.describe(\.(parallel|serial))?|describe)$/.test(calleeOf(node.callee)) ? node.arguments[0].value : undefined;
      if (title !== undefined && titles.length < MAX_TITLES) titles.push(title.slice(0, 300));
    }
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && node.init?.type === 'CallExpression' && calleeOf(node.init.callee).endsWith('.extend')) fixtures.push(node.id.name);
    if (node.type === 'ClassDeclaration' && node.id && takesPage(node)) conventions.pageObjects.push({ className: node.id.name, file: path, methods: node.body.body.flatMap((member) => (member.type === 'ClassMethod' && member.kind === 'method' ? [nameOf(member.key) ?? ''] : [])).filter(Boolean).slice(0, 60) });
  });
  if (fixtures.length > 0 && /export/.test(text)) conventions.fixtures.push({ file: path, exports: fixtures });
  if (usesTest && titles.length > 0) conventions.specs.push({ file: path, titles });
}
/** A class whose constructor takes a `page` is a page object. */
function takesPage(node: Node & { type: 'ClassDeclaration' }): boolean {
  const constructor = node.body.body.find((member) => member.type === 'ClassMethod' && member.kind === 'constructor');
  return constructor?.type === 'ClassMethod' && constructor.params.some((parameter) => nameOf(parameter.type === 'TSParameterProperty' ? parameter.parameter : parameter) === 'page');
}

function readConfig(repo: Repo, path: string): TestConventions['playwright'] {
  const file = parsed(repo.text(path) ?? '');
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
  const object = file && configObject(file);
  const testDir = object && text(property(object, 'testDir'));
  const use = object && property(object, 'use');
  const settings = use?.type === 'ObjectExpression' ? use : null;
  const matches = object && property(object, 'testMatch');
  const baseURL = settings && text(property(settings, 'baseURL'));
  const testIdAttribute = settings && text(property(settings, 'testIdAttribute'));
  const version = nearestManifest(repo, folder)?.version('@playwright/test');
  const projects = object && property(object, 'projects');
  const names = projects?.type === 'ArrayExpression' ? projects.elements.flatMap((element) => { const name = element?.type === 'ObjectExpression' ? text(property(element, 'name')) : undefined; return name ? [name] : []; }) : [];
  const testMatch = matches?.type === 'ArrayExpression' ? matches.elements.flatMap((element) => (element?.type === 'StringLiteral' ? [element.value] : [])) : matches ? [text(matches)].filter((value) => value !== undefined) : [];
  return {
    config: repo.locate({ file: path, line: 1 }), testDir: joined(folder, testDir ?? '.'), ...(testMatch.length > 0 && { testMatch }), ...(baseURL && { baseURL }),
    hasWebServer: !!object && property(object, 'webServer') !== undefined, ...(testIdAttribute && { testIdAttribute }), ...(version && { version }), projects: names.slice(0, 50), ...(repo.text(path)?.startsWith(GENERATED_MARK) && { scaffolded: true }),
  };
}
/** `export default defineConfig({…})`, `module.exports = {…}`, or an object in a variable exported later. */
function configObject(file: Node): ObjectExpression | null {
  let found: ObjectExpression | null = null;
  const objects = new Map<string, ObjectExpression>();
  const unwrap = (node: Node | null | undefined): ObjectExpression | null => {
    if (!node) return null;
    if (node.type === 'ObjectExpression') return node;
    if (node.type === 'TSSatisfiesExpression' || node.type === 'TSAsExpression') return unwrap(node.expression);
    if (node.type === 'CallExpression') return unwrap(node.arguments.findLast((argument) => unwrap(argument)));
    return node.type === 'Identifier' ? objects.get(node.name) ?? null : null;
  };
  traverseFast(file, (node) => {
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier') { const object = unwrap(node.init); if (object) objects.set(node.id.name, object); }
  });
  traverseFast(file, (node) => {
    if (node.type === 'ExportDefaultDeclaration') found ??= unwrap(node.declaration);
    if (node.type === 'AssignmentExpression' && /^(module\.)?exports(\.default)?$/.test(calleeOf(node.left))) found ??= unwrap(node.right);
  });
  return found;
}
function property(object: ObjectExpression, name: string): Expression | undefined {
  for (const entry of object.properties) if (entry.type === 'ObjectProperty' && !entry.computed && nameOf(entry.key) === name) return entry.value as Expression;
  return undefined;
}
/** The text of a literal, or of the literal that stands in for a missing environment variable. */
function text(node: Expression | undefined): string | undefined {
  if (node?.type === 'StringLiteral') return node.value;
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0) return node.quasis[0]?.value.cooked ?? undefined;
  return node?.type === 'LogicalExpression' ? text(node.right) : undefined;
}
function nameOf(node: Node): string | undefined { return node.type === 'Identifier' ? node.name : node.type === 'StringLiteral' ? node.value : undefined; }
function calleeOf(node: Node): string {
  if (node.type === 'Identifier') return node.name;
  return node.type === 'MemberExpression' && node.property.type === 'Identifier' ? `${calleeOf(node.object)}.${node.property.name}` : '';
}
/** `./tests` against the folder of the configuration, never above the repository. */
function joined(folder: string, path: string): string {
  const parts = folder.split('/').filter(Boolean);
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part && part !== '.') parts.push(part);
  }
  return parts.join('/') || '.';
}
function parsed(source: string): Node | null {
  try {
    return parse(source, { sourceType: 'unambiguous', errorRecovery: true, plugins: ['typescript', 'jsx', 'decorators'] });
  } catch {
    // Not JavaScript that the parser knows: the caller notes or ignores the file.
    return null;
  }
}
