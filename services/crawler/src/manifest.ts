import type { Repo } from './framework.js';

/** What the crawler reads of a `package.json`. */
export interface Manifest {
  folder: string;
  version: (name: string) => string | undefined;
  scripts: Record<string, string>;
  type: 'module' | 'commonjs';
  packageManager?: string;
}

/** The manifest of a folder (`''` for the root); `null` when there is none or it is not JSON. */
export function manifestOf(repo: Repo, folder: string): Manifest | null {
  const text = repo.text(folder ? `${folder}/package.json` : 'package.json');
  const value = text === null ? null : parseObject(text);
  if (!value) return null;
  const versions = new Map<string, string>();
  for (const group of ['devDependencies', 'peerDependencies', 'dependencies']) for (const [name, version] of stringEntries(value[group])) versions.set(name, version);
  return {
    folder, version: (name) => versions.get(name), scripts: Object.fromEntries(stringEntries(value.scripts)), type: value.type === 'module' ? 'module' : 'commonjs',
    ...(typeof value.packageManager === 'string' && { packageManager: value.packageManager }),
  };
}
/** The nearest manifest from a folder upwards. */
export function nearestManifest(repo: Repo, folder: string): Manifest | null {
  for (let at = folder; ; at = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '') {
    const manifest = manifestOf(repo, at);
    if (manifest || at === '') return manifest;
  }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value as Record<string, unknown> : null;
  } catch {
    // A manifest that is not JSON is as good as none.
    return null;
  }
}
const stringEntries = (value: unknown): Array<[string, string]> => (value !== null && typeof value === 'object' ? Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[0] !== '__proto__') : []);
