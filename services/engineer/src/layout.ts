import { posix } from 'node:path';
import picomatch from 'picomatch';
import type { RepoMap } from '#contracts';
import { scaffold } from './scaffold.js';
import type { SpecStyle } from './spec-file.js';

/** Where the tests go and how they look: the repository's own conventions, or a project of its own where there are none. */
export interface Layout {
  /** The only folder that is written to. */
  folder: string;
  /** Path from the root of a feature's spec. */
  specPath(feature: string): string;
  style: SpecStyle;
  /** Files that make the folder a project, by path from the root. */
  scaffold: ReadonlyMap<string, string>;
  commands: string[];
}

const OURS = 'pullwright';
const join = (...parts: string[]) => posix.join(...parts).replace(/^\.\//, '');

export function layoutOf(map: RepoMap): Layout {
  const { playwright } = map.tests;
  if (!playwright || playwright.scaffolded === true) return ownProject(map, playwright && posix.dirname(playwright.config.file));
  const { folder, prefix } = folderIn(map.tests, playwright);
  const fixtures = map.tests.fixtures.filter(({ exports }) => exports.includes('test'));
  const fixture = fixtures.length === 1 ? fixtures[0] : undefined;
  const test = fixture ? moduleFrom(folder, fixture.file, map.tests.esm) : '@playwright/test';
  const root = posix.dirname(playwright.config.file);
  return {
    folder, specPath: (feature) => join(folder, `${prefix}${feature}${map.tests.suffix}`),
    style: {
      test, expect: fixture?.exports.includes('expect') ? test : '@playwright/test',
      ...(playwright.baseURL === undefined && { baseURL: `http://localhost:${portOf(map)}` }),
    },
    scaffold: new Map(),
    commands: [`${root === '.' ? '' : `cd ${root} && `}npx playwright test ${root === '.' ? folder : posix.relative(root, folder)}`],
  };
}

/** The folder that they name; else one of our own in theirs, where their config finds it; else beside their specs, under names that are ours. */
function folderIn({ suffix, folder: wished }: RepoMap['tests'], { testDir, testMatch }: NonNullable<RepoMap['tests']['playwright']>): { folder: string; prefix: string } {
  if (wished !== undefined) return { folder: wished, prefix: `${OURS}-` };
  const dir = join(testDir.replace(/\/+$/, '') || '.');
  const inside = dir === '.' ? OURS : join(dir, OURS);
  const finds = (path: string) => testMatch === undefined || testMatch.length === 0 || testMatch.some((glob) => picomatch.isMatch(path, [glob, `**/${glob}`, `${dir}/${glob}`], { dot: true }));
  return finds(`${inside}/feature${suffix}`) || dir === '.' ? { folder: inside, prefix: '' } : { folder: dir, prefix: `${OURS}-` };
}

/** `earlier`: the folder that an earlier run made. */
function ownProject(map: RepoMap, earlier: string | undefined): Layout {
  const root = map.stack.start?.root ?? commonRoot(map);
  const place = map.tests.folder ?? join(root, 'e2e');
  const folder = map.tests.folder === undefined ? earlier ?? unlessTaken(map, place) : earlier?.startsWith(place) ? earlier : unlessTaken(map, place);
  const files = scaffold({ folder, port: portOf(map), webServer: webServerOf(map, folder), testIdAttribute: map.tests.testIdAttribute ?? map.tests.playwright?.testIdAttribute });
  return {
    folder, specPath: (feature) => join(folder, `${feature}.spec.ts`), style: { test: '@playwright/test', expect: '@playwright/test' }, scaffold: files,
    commands: [`cd ${folder}`, 'npm install', 'npx playwright install chromium', 'BASE_URL=http://localhost:' + portOf(map) + ' npx playwright test'],
  };
}

const unlessTaken = (map: RepoMap, folder: string): string => (isTaken(map, folder) ? `${folder}/${OURS}` : folder);

const portOf = (map: RepoMap) => map.stack.start?.port ?? 3000;

function commonRoot({ stack }: RepoMap): string {
  const roots = [...new Set(stack.frameworks.map(({ root }) => root))];
  return roots.length === 1 ? (roots[0] || '.') : '.';
}

/** Whether the map knows of files of somebody else below the folder. */
function isTaken({ tests, stack, routes }: RepoMap, folder: string): boolean {
  const files = [...(tests.taken ?? []), ...tests.other.map(({ at }) => at.file), ...tests.specs.map(({ file }) => file), ...tests.pageObjects.map(({ file }) => file), ...tests.fixtures.map(({ file }) => file), ...stack.entryPoints, ...routes.map(({ at }) => at.file)];
  return files.some((file) => file.startsWith(`${folder}/`));
}

/** Only when the source says how the application starts and where it listens, and it needs nothing beside itself. */
function webServerOf({ stack, screens }: RepoMap, folder: string): { command: string; cwd: string; port: number } | undefined {
  const { start } = stack;
  if (start?.port === undefined || screens.some(({ needs }) => needs.some(({ kind }) => kind !== 'server'))) return undefined;
  return { command: start.command, cwd: posix.relative(folder, start.root || '.') || '.', port: start.port };
}

function moduleFrom(folder: string, file: string, esm: boolean): string {
  const path = posix.relative(folder, file).replace(/\.(ts|js|mts|mjs|cts|cjs)$/, esm ? '.js' : '');
  return path.startsWith('.') ? path : `./${path}`;
}
