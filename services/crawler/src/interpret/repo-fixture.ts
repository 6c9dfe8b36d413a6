import type { LeftOut } from '#contracts';
import type { Repo } from '../framework.js';
import type { Place } from '../markup.js';

export interface FixtureRepo extends Repo { readonly left: Array<{ reason: LeftOut['reason']; what: string; at?: Place }> }

/** A repository of a spec, by path. */
export function repoOf(files: Readonly<Record<string, string>>): FixtureRepo {
  const left: FixtureRepo['left'] = [];
  return {
    repository: 'fixture', commit: '0'.repeat(40), paths: Object.keys(files).sort(), left,
    text: (path) => (Object.hasOwn(files, path) ? files[path] ?? null : null),
    locate: (place) => ({ ...place, blob: '0'.repeat(40) }),
    leaveOut: (reason, what, _detail, at) => { left.push({ reason, what, ...(at ? { at } : {}) }); },
  };
}
