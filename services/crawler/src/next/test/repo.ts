import type { LeftOut } from '#contracts';
import type { Repo } from '../../framework.js';

/** A repository of these files, and what is noted as left out of it. */
export function repoOf(files: Readonly<Record<string, string>>): { repo: Repo; leftOut: Array<{ reason: LeftOut['reason']; what: string }> } {
  const leftOut: Array<{ reason: LeftOut['reason']; what: string }> = [];
  const repo: Repo = {
    repository: '/r', commit: '0'.repeat(40), paths: Object.keys(files).sort(), text: (path) => files[path] ?? null, locate: (place) => ({ ...place, blob: '0'.repeat(40) }),
    leaveOut: (reason, what) => { leftOut.push({ reason, what }); },
  };
  return { repo, leftOut };
}
