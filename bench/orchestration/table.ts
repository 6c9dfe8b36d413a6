import type { Figures, Report } from './report.js';

/** The report for people: one row per system, then what it comes to. */
export function table(report: Report): string {
  const systems: Array<[string, Figures]> = [
    ...(report.pullwright ? [['Pullwright', report.pullwright] as [string, Figures]] : []),
    ...Object.entries(report.variants), ...Object.entries(report.peers), ...Object.entries(report.floors),
  ];
  const rows = [
    ['system', ...report.sizes.map((size) => `runs/s at ${size}`), 'p50 ms', 'p99 ms', 'CPU ms/run', ...report.sizes.map((size) => `× at ${size}`), '× p50'],
    ...systems.map(([name, figures]) => [
      name, ...report.sizes.map((size) => `${whole(figures.runsPerSecond[size])}${figures.partial.includes(size) ? '*' : ''}`),
      fixed(figures.p50Ms, 1), fixed(figures.p99Ms, 1), fixed(figures.cpuMsPerRun, 2),
      ...report.sizes.map((size) => fixed(report.ratios[name]?.[size], 2)), fixed(report.p50Ratios[name], 2),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '));
  if (systems.some(([, figures]) => figures.partial.length > 0)) lines.push('* not all runs completed in time; the rate is that of those that did');
  if (report.leftOut.length > 0) lines.push(`not measured: ${report.leftOut.join('; ')}`);
  lines.push('', `medians of ${report.rounds} round${report.rounds === 1 ? '' : 's'}; × is Pullwright’s figure over that system’s`);
  if (report.ratioToBestPeer !== undefined) lines.push(`rate over the best peer’s (${report.bestPeer}): ${fixed(report.ratioToBestPeer, 2)}; over DBOS’s: ${fixed(report.ratioToDbos, 2)}`);
  if (report.pullwright) lines.push(`CPU of a Pullwright run: ${Object.entries(report.pullwright.cpuMsPerRunBy).sort(([, a], [, b]) => b - a).map(([process, ms]) => `${process} ${fixed(ms, 2)}`).join(', ')} ms`);
  if (report.flatness20k !== undefined) lines.push(`rate at ${report.sizes.at(-1)} over rate at ${report.sizes[0]}: ${fixed(report.flatness20k, 2)}`);
  if (report.flatness1m !== undefined) lines.push(`with ${report.finishedRuns} finished runs in the tables: rate × ${fixed(report.flatness1m, 2)}, p50 × ${fixed(report.flatness1mP50, 2)}`);
  for (const [what, mb] of Object.entries(report.memoryMb)) lines.push(`memory of ${what}: ${whole(mb)} MB`);
  return lines.join('\n');
}

const fixed = (value: number | undefined, digits: number): string => (value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits));
const whole = (value: number | undefined): string => fixed(value, 0);
