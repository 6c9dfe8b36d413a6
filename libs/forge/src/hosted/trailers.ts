import { printable } from '../printable.js';

/**
 * What a commit of Pullwright says about itself, where the forge makes the commit and gives it its date, so that its id says nothing: the base it stands on, the run that asked for it, and its tree.
 * A commit is ours when it says so and still has that tree. One that a person has amended or rebased has another, and is theirs.
 */
export interface Trailers { base: string; run: string; tree: string }
export interface CommitFacts { id: string; tree: string; message: string; parents: readonly string[] }

const LINE = /^Pullwright-(Base|Run|Tree): (\S+)$/gm;

export function commitMessage(title: string, { base, run, tree }: Trailers): string {
  return `${printable(title)}\n\nPullwright-Base: ${base}\nPullwright-Run: ${run}\nPullwright-Tree: ${tree}\n`;
}

/** Undefined for a commit that is not ours. */
export function trailersOf({ message, tree }: Pick<CommitFacts, 'message' | 'tree'>): Trailers | undefined {
  const found = Object.fromEntries([...message.matchAll(LINE)].map(([, name, value]) => [name, value])) as Partial<Record<'Base' | 'Run' | 'Tree', string>>;
  const { Base: base, Run: run, Tree: stated } = found;
  return base !== undefined && run !== undefined && stated === tree && /^[0-9a-f]{40,64}$/.test(base) && /^run_[0-9a-z]{26}$/.test(run) ? { base, run, tree } : undefined;
}
