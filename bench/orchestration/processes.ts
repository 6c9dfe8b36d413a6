import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { childEnvironment } from '#config';

/** What processes have used, from /proc. Elsewhere than on Linux nothing is known. */

interface Usage { parent: number; ticks: number }

const hasProc = process.platform === 'linux';
const msPerTick = hasProc ? 1_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8', env: childEnvironment() })) : 0;

/** Milliseconds of CPU that these process trees have used since they were started, ended children included; NaN where that cannot be told. */
export function cpuMs(roots: readonly number[]): number {
  if (!hasProc) return Number.NaN;
  const all = snapshot();
  return treeOf(all, roots).reduce((sum, pid) => sum + (all.get(pid)?.ticks ?? 0), 0) * msPerTick;
}

/** Megabytes that these process trees keep in memory, pages that several share counted in parts (PSS); NaN where that cannot be told. */
export function memoryMb(roots: readonly number[]): number {
  if (!hasProc) return Number.NaN;
  return treeOf(snapshot(), roots).reduce((sum, pid) => sum + proportionalKb(pid), 0) / 1_024;
}

function proportionalKb(pid: number): number {
  for (const [file, pattern] of [['smaps_rollup', /^Pss:\s+(\d+) kB/m], ['status', /^VmRSS:\s+(\d+) kB/m]] as const) {
    try {
      return Number(pattern.exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? 0);
    } catch {
      // Of another account, or gone since: the next file, or nothing, says what it has.
    }
  }
  return 0;
}

function treeOf(all: ReadonlyMap<number, Usage>, roots: readonly number[]): number[] {
  const tree = new Set(roots);
  for (let size = 0; size !== tree.size;) {
    size = tree.size;
    for (const [pid, { parent }] of all) if (tree.has(parent)) tree.add(pid);
  }
  return [...tree];
}

function snapshot(): Map<number, Usage> {
  const all = new Map<number, Usage>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      // The name in brackets may hold anything, also spaces and brackets: fields are counted behind its last one.
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      // user, system, and both of the children that have ended and were waited for
      all.set(pid, { parent: Number(fields[1]), ticks: fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) });
    } catch {
      // It has ended since the folder was read; its parent has its ticks.
    }
  }
  return all;
}
