import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { NETWORK_ENVIRONMENT, OPTIONS, childEnvironment } from '#config';
import { CLONE } from './clone.js';
import { EXIT, Exit, type ExitCode } from './exit-code.js';
import { print } from './terminal.js';

/** A file that does not even load has no failed test, but is a failure. */
const Report = z.object({ success: z.boolean(), numPassedTests: z.int(), numFailedTests: z.int(), numRuntimeErrorTestSuites: z.int() });

/** Runs the whole test suite (or the files that match) against real servers; ends on the line `N passed, N failed`. */
export async function selfTest(patterns: readonly string[]): Promise<ExitCode> {
  const scratch = await mkdtemp(join(tmpdir(), 'pullwright-test-'));
  try {
    const file = join(scratch, 'report.json');
    const jest = spawn(process.execPath, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', join(CLONE, 'node_modules/jest/bin/jest.js'), '--json', `--outputFile=${file}`, ...patterns], {
      cwd: CLONE, stdio: ['ignore', 'ignore', 'inherit'],
      env: childEnvironment([...Object.keys(OPTIONS), ...NETWORK_ENVIRONMENT, 'CHROMIUM_PATH', 'CI', 'FORCE_COLOR', 'NO_COLOR', 'TERM']),
    });
    await once(jest, 'exit');
    const report = Report.safeParse(JSON.parse(await readFile(file, 'utf8').catch(() => 'null')));
    if (!report.success) throw new Exit(EXIT.failure, 'jest ended without a report; what it says above tells why');
    const { success, numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = report.data;
    print(`${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed`);
    return success ? EXIT.ok : EXIT.failure;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
