import picomatch from 'picomatch';

/** Where a CODEOWNERS file may be, in the order in which forges look. */
export const CODEOWNERS_PATHS = ['.github/CODEOWNERS', '.gitlab/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'];
export const CODEOWNERS_BYTES = 3 * 1024 * 1024;

/** Who owns these files: for each the last line whose pattern matches counts, and one without owners takes them away. E-mail addresses name nobody whom a forge could ask. */
export function codeOwners(file: string, paths: readonly string[]): { users: string[]; teams: string[] } {
  const rules = file.split('\n').flatMap((line) => {
    const [pattern, ...owners] = line.replace(/(^|\s)#.*$/, '').trim().split(/\s+/);
    return pattern === undefined || pattern === '' || /^[[^]/.test(pattern) ? [] : [{ matches: matcherOf(pattern), owners }];
  });
  const owners = new Set(paths.flatMap((path) => rules.findLast(({ matches }) => matches(path))?.owners ?? []));
  const named = [...owners].filter((owner) => /^@[\w.-]+(\/[\w.-]+)?$/.test(owner)).map((owner) => owner.slice(1));
  return { users: named.filter((owner) => !owner.includes('/')), teams: named.filter((owner) => owner.includes('/')).map((owner) => owner.slice(owner.indexOf('/') + 1)) };
}

/** As in .gitignore: a pattern with a slash inside or before it counts from the root, a folder stands for all below it. */
function matcherOf(pattern: string): (path: string) => boolean {
  const rooted = pattern.slice(0, -1).includes('/');
  const bare = pattern.replace(/^\/+|\/+$/g, '');
  if (bare === '' || bare === '*' || bare === '**') return () => true;
  const globs = [rooted ? bare : `**/${bare}`];
  if (!pattern.endsWith('/*')) globs.push(`${globs[0]}/**`);
  return picomatch(pattern.endsWith('/') ? globs.slice(1) : globs, { dot: true });
}
