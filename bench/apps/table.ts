import type { Report } from './measure.js';

/** The reports for people: one row per application, then what went wrong, then what was left out. */
export function table(reports: readonly Report[]): string {
  const rows = [
    ['application', 'routes covered', 'tests', 'passed always', 'passed on a constant page', 'home page alone', 'made in'],
    ...reports.map((report) => [
      report.name, `${report.routes.covered.length}/${report.routes.found}`, `${report.tests}`, `${report.passed}`, `${report.fooled.length}`, `${report.homeOnly.length}`, `${report.seconds.make.toFixed(1)} s`,
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd());
  for (const report of reports) {
    for (const { test, times, error } of report.failures) lines.push('', `${report.name}: failed ${times} times: ${test}`, ...(error ?? '').split('\n').map((line) => `    ${line}`));
    for (const test of report.fooled) lines.push('', `${report.name}: passes on a constant page: ${test}`);
    const reasons = Object.entries(report.leftOut).sort(([, a], [, b]) => b - a).map(([reason, count]) => `${reason} ${count}`);
    lines.push('', `${report.name}: left out: ${reasons.join(', ') || 'nothing'}${report.checkout === undefined ? '' : `; kept in ${report.checkout}`}`);
  }
  return lines.join('\n');
}
