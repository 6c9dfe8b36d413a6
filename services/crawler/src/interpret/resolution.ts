import { parse } from '@babel/parser';
import type { Repo } from '../framework.js';

/** Which file of the repository an import means: relative and root paths, tsconfig paths, package.json imports and workspaces, bundler aliases. */
export type Resolved = { file: string } | { external: string };

const EXTENSIONS = ['', '.ts', '.tsx', '.js', '.jsx', '.mjs', '.cjs', '.mts', '.cts', '.json'];

export function resolveImport(repo: Repo, root: string, specifier: string, from: string): Resolved {
  const clean = specifier.replace(/[?#].*$/, '') || specifier;
  if (clean.startsWith('.')) return fileAt(repo, join(folderOf(from), clean)) ?? { external: specifier };
  if (clean.startsWith('/')) return fileAt(repo, join(root, clean.slice(1))) ?? fileAt(repo, join(root, `public${clean}`)) ?? { external: specifier };
  for (const [pattern, targets] of aliases(repo, root)) {
    const star = pattern.indexOf('*');
    const matches = star < 0 ? clean === pattern : clean.startsWith(pattern.slice(0, star)) && clean.endsWith(pattern.slice(star + 1));
    if (!matches) continue;
    const inner = star < 0 ? '' : clean.slice(star, clean.length - (pattern.length - star - 1));
    for (const target of targets) {
      const found = fileAt(repo, target.replace('*', inner));
      if (found) return found;
    }
  }
  return workspacePackage(repo, clean) ?? { external: specifier };
}

export function join(folder: string, path: string): string {
  const parts = folder === '' ? [] : folder.split('/');
  for (const part of path.split('/')) {
    if (part === '..') parts.pop(); else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}
export const folderOf = (path: string): string => path.split('/').slice(0, -1).join('/');

const trees = new WeakMap<Repo, Set<string>>();
function treeOf(repo: Repo): Set<string> {
  let tree = trees.get(repo);
  if (!tree) trees.set(repo, tree = new Set(repo.paths));
  return tree;
}

function fileAt(repo: Repo, path: string): { file: string } | undefined {
  const tree = treeOf(repo);
  const bare = path.replace(/\.(?:[cm]?js|jsx)$/, '');
  for (const stem of bare === path ? [path] : [path, bare]) {
    for (const extension of EXTENSIONS) if (stem + extension !== '' && tree.has(stem + extension)) return { file: stem + extension };
  }
  for (const extension of EXTENSIONS.slice(1)) if (tree.has(join(path, `index${extension}`))) return { file: join(path, `index${extension}`) };
  return undefined;
}

const aliasCache = new WeakMap<Repo, Map<string, Array<[string, string[]]>>>();
/** Patterns with repository paths, the longest first. */
function aliases(repo: Repo, root: string): ReadonlyArray<[string, string[]]> {
  let roots = aliasCache.get(repo);
  if (!roots) aliasCache.set(repo, roots = new Map<string, Array<[string, string[]]>>());
  let found = roots.get(root);
  if (!found) roots.set(root, found = [...tsconfigPaths(repo, root), ...packageImports(repo, root), ...bundlerAliases(repo, root)].sort((a, b) => b[0].length - a[0].length));
  return found;
}

function tsconfigPaths(repo: Repo, root: string): Array<[string, string[]]> {
  const found: Array<[string, string[]]> = [];
  for (const name of ['tsconfig.json', 'tsconfig.app.json', 'tsconfig.base.json', 'jsconfig.json']) {
    const config = looseJson(repo.text(join(root, name)));
    const options = record(record(config)?.['compilerOptions']);
    if (!options) continue;
    const base = join(root, typeof options['baseUrl'] === 'string' ? options['baseUrl'] : '.');
    for (const [pattern, targets] of Object.entries(record(options['paths']) ?? {})) {
      if (Array.isArray(targets)) found.push([pattern, targets.filter((target) => typeof target === 'string').map((target) => join(base, target))]);
    }
    if (typeof options['baseUrl'] === 'string') found.push(['*', [join(base, '*')]]);
  }
  return found;
}

function packageImports(repo: Repo, root: string): Array<[string, string[]]> {
  const imports = record(record(looseJson(repo.text(join(root, 'package.json'))))?.['imports']) ?? {};
  return Object.entries(imports).flatMap(([pattern, target]): Array<[string, string[]]> => {
    const path = typeof target === 'string' ? target : Object.values(record(target) ?? {}).find((value) => typeof value === 'string');
    return typeof path === 'string' ? [[pattern, [join(root, path)]]] : [];
  });
}

/** Aliases of a Vite, webpack or craco configuration where they are simply written: `'@': path.resolve(__dirname, './src')` and its variants. */
function bundlerAliases(repo: Repo, root: string): Array<[string, string[]]> {
  const found: Array<[string, string[]]> = [];
  for (const name of ['vite.config.ts', 'vite.config.js', 'vite.config.mjs', 'webpack.config.js', 'craco.config.js']) {
    const text = repo.text(join(root, name))?.slice(0, 20_000) ?? '';
    const entry = /['"]?([@~$#]?[\w@~/-]*)['"]?\s{0,4}:\s{0,4}(?:path\.)?(?:resolve|join|fileURLToPath)\([^'"\n]{0,80}['"]([\w./-]{1,100})['"]/g;
    const object = /find\s{0,4}:\s{0,4}['"]([@~\w/-]{1,40})['"]\s{0,4},\s{0,20}replacement\s{0,4}:\s{0,4}[^'"\n]{0,80}['"]([\w./-]{1,100})['"]/g;
    const plain = /['"]([@~][\w/-]{0,40})['"]\s{0,4}:\s{0,4}['"](\.?\/?[\w./-]{1,100})['"]/g;
    for (const expression of [entry, object, plain]) {
      for (const match of text.matchAll(expression)) {
        const [, alias = '', target = ''] = match;
        if (!alias) continue;
        const stem = alias.replace(/\/$/, '');
        found.push([`${stem}/*`, [join(join(root, target), '*')]], [stem, [join(root, target)]]);
      }
    }
  }
  return found;
}

/** A package of the same repository (monorepo), by its `name`. */
function workspacePackage(repo: Repo, specifier: string): { file: string } | undefined {
  const packages = packagesOf(repo);
  const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0] ?? '';
  const folder = packages.get(name);
  if (folder === undefined) return undefined;
  const inner = specifier.slice(name.length + 1);
  if (inner) return fileAt(repo, join(folder, inner)) ?? fileAt(repo, join(folder, `src/${inner}`));
  const manifest = record(looseJson(repo.text(join(folder, 'package.json'))));
  const main = [manifest?.['source'], manifest?.['module'], manifest?.['main'], 'src/index', 'index'].find((entry) => typeof entry === 'string' && fileAt(repo, join(folder, entry)));
  return typeof main === 'string' ? fileAt(repo, join(folder, main)) : undefined;
}
const packageCache = new WeakMap<Repo, Map<string, string>>();
function packagesOf(repo: Repo): Map<string, string> {
  let packages = packageCache.get(repo);
  if (!packages) {
    packageCache.set(repo, packages = new Map<string, string>());
    for (const path of repo.paths) {
      if (!path.endsWith('/package.json') || path.includes('node_modules/')) continue;
      const name = record(looseJson(repo.text(path)))?.['name'];
      if (typeof name === 'string') packages.set(name, folderOf(path));
    }
  }
  return packages;
}

/** JSON with comments and trailing commas; `undefined` when it is neither. Read as a syntax tree, so that `__proto__` is a key like any other. */
export function looseJson(text: string | null): unknown {
  if (text === null || text.length > 500_000) return undefined;
  try {
    const file = parse(`(${text}\n)`, { sourceType: 'script', errorRecovery: false });
    const [statement] = file.program.body;
    return statement?.type === 'ExpressionStatement' ? literal(statement.expression) : undefined;
  } catch {
    return undefined;
  }
}
function literal(node: import('@babel/types').Node): unknown {
  switch (node.type) {
    case 'ParenthesizedExpression': return literal(node.expression);
    case 'StringLiteral': case 'NumericLiteral': case 'BooleanLiteral': return node.value;
    case 'NullLiteral': return null;
    case 'ArrayExpression': return node.elements.map((element) => (element ? literal(element) : null));
    case 'UnaryExpression': return node.operator === '-' && node.argument.type === 'NumericLiteral' ? -node.argument.value : undefined;
    case 'ObjectExpression': {
      const entries = Object.create(null) as Record<string, unknown>;
      for (const property of node.properties) if (property.type === 'ObjectProperty' && property.key.type === 'StringLiteral') entries[property.key.value] = literal(property.value);
      return entries;
    }
    default: return undefined;
  }
}
export const record = (value: unknown): Record<string, unknown> | undefined => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : undefined);
