/**
 * Fails when a document names a path, an npm script or a CLI command that does not exist, or when a dependency has no reason.
 * Looks at every tracked Markdown file: relative links, `code` that looks like a path of this repository, `npm run …` and `pullwright …`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const tracked = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' }).split('\0').filter(Boolean);
const topLevel = new Set(tracked.map((path) => path.split('/')[0]));
const scripts = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }).scripts;
const cliSource = tracked.filter((path) => path.startsWith('services/cli/src/') && !path.endsWith('.spec.ts') && existsSync(path)).map((path) => readFileSync(path, 'utf8')).join('\n');
const commands = new Set([...cliSource.matchAll(/\.command\(\s*'([a-z-]+)/g)].map((match) => match[1]));

/** A path in prose may hold a placeholder (`<id>`, `*`, `…`): then the folder before it must exist. */
function exists(path: string): boolean {
  const solid = path.split(/[<*{…]/)[0] as string;
  return existsSync(solid === path ? path : dirname(`${solid}x`));
}

function problemsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const problems: string[] = [];
  for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (!target || /^[a-z]+:/.test(target) || target.startsWith('#')) continue;
    if (!existsSync(normalize(join(dirname(file), target.split('#')[0] as string)))) problems.push(`${file}: the link ${target} leads nowhere`);
  }
  for (const [, code] of text.matchAll(/`([^`\n]+)`/g)) {
    if (!code || !/^[\w.@*<>{}…-]+(\/[\w.@*<>{}…-]+)+\/?$/.test(code) || !topLevel.has(code.split('/')[0]) || code.startsWith('pullwright/')) continue;
    if (!exists(code)) problems.push(`${file}: there is no ${code}`);
  }
  for (const [, script] of text.matchAll(/npm run ([a-z][\w:-]*)/g)) if (script && !scripts[script]) problems.push(`${file}: there is no npm script ${script}`);
  for (const [, command] of text.matchAll(/(?:^|[`\s])(?:\.\/)?pullwright ([a-z][a-z-]*)/gm)) {
    // Only inside code: in prose the name is capitalised.
    if (command && !commands.has(command)) problems.push(`${file}: the CLI has no command ${command}`);
  }
  return problems;
}

/** Every dependency has its reason. */
function undocumentedDependencies(): string[] {
  const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  const text = readFileSync('docs/dependencies.md', 'utf8');
  return [...Object.entries(dependencies), ...Object.entries(devDependencies)].flatMap(([name, version]) => [
    ...(text.includes(`\`${name}\``) ? [] : [`docs/dependencies.md: ${name} has no line`]),
    ...(/^\d/.test(version) ? [] : [`package.json: ${name} is not pinned exactly (${version})`]),
  ]);
}

const documents = tracked.filter((path) => path.endsWith('.md') && !path.startsWith('examples/') && existsSync(path));
const problems = [...documents.flatMap(problemsOf), ...undocumentedDependencies()];
for (const problem of problems) console.error(problem);
console.log(`${documents.length} documents, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
