import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { Failure } from '#contracts';
import { EXIT, Exit, type ExitCode } from './exit-code.js';
import type { GithubSetup } from './github-setup.js';
import { red, safe, say } from './terminal.js';

/** The commands and their words. Each loads its code when it is called, so that `pullwright version` waits for nothing. */

let code: ExitCode = EXIT.ok;
/** What a command's code returns is the exit code. */
const exits = <A extends unknown[]>(act: (...args: A) => Promise<ExitCode>) => async (...args: A): Promise<void> => { code = await act(...args); };

const program = new Command('pullwright')
  .description('Turns a repository into a pull request of tests.')
  .addHelpText('after', '\nExit codes: 0 ok, 1 failure, 2 wrong usage, 3 the run ended without success, 5 not found or in another state, 130 interrupted.\nStart here: ./pullwright demo')
  .showHelpAfterError('(--help lists what there is)')
  .exitOverride();

const withJson = (command: Command) => command.option('--json', 'print one JSON document on stdout');
const withOutcome = (command: Command) => withJson(command)
  .option('--no-cache', 'carry out every step, also where an earlier run was given the same')
  .option('--out <dir>', 'also write the generated files to this folder');

const withRunOptions = (command: Command) => withOutcome(command).option('--depth <depth>', 'smoke, standard or deep');

withRunOptions(program.command('demo').description('run on a bundled sample application').argument('[example]', 'a folder of examples/', 'shop'))
  .action(exits(async (example: string, options: object) => (await import('./demo.js')).demo(example, options)));
withRunOptions(program.command('run').description('run on a git repository; its files, HEAD and index stay as they are').argument('<path>', 'the repository: a folder, or https://<host>/<owner>/<name>'))
  .option('--ref <ref>', 'branch, tag or commit; HEAD when it is left out')
  .option('--framework <framework>', 'playwright')
  .option('--pipeline <name>', 'another pipeline than test-generation')
  .option('--again', 'ask again after a pull request was closed without a merge')
  .option('--approval', 'wait for a person before the tests are written')
  .action(exits(async (path: string, options: object) => (await import('./run.js')).run(path, options)));

const runs = withJson(program.command('runs').description('list runs, newest first'));
runs
  .option('--repository <place>', 'only of this repository').option('--status <status>', 'only with this status').option('--limit <n>', 'at most so many', positive, 20)
  .action(exits(async (options: { limit: number }) => (await import('./runs.js')).listRuns(options)));
runs.command('export').description('write an ended run to a file: events, steps, artifacts, pipeline and settings').argument('<runId>').option('--out <file>', '<runId>.tar when it is left out')
  .action(exits(async (runId: string, options: object) => (await import('./runs.js')).exportRun(runId, options)));
withJson(program.command('replay').description('decide an exported run again, offline, and compare').argument('<bundle>'))
  .action(exits(async (bundle: string, options: object) => (await import('./replay.js')).replayBundle(bundle, options)));
withJson(program.command('show').description('show a run and its steps').argument('<runId>'))
  .action(exits(async (runId: string, options: object) => (await import('./runs.js')).showRun(runId, options)));
withJson(program.command('events').description('print the events of a run, one a line, until it ends').argument('<runId>'))
  .action(exits(async (runId: string, options: object) => (await import('./runs.js')).showEvents(runId, options)));
program.command('cancel').description('cancel a run and undo what it published').argument('<runId>')
  .action(exits(async (runId: string) => (await import('./runs.js')).cancelRun(runId)));
program.command('retry').description('run the failed steps again').argument('<runId>').option('--from-step <step>', 'everything from this step on')
  .action(exits(async (runId: string, options: object) => (await import('./runs.js')).retryRun(runId, options)));
withOutcome(program.command('rerun').description('start a new run like an earlier one').argument('<runId>'))
  .action(exits(async (runId: string, options: object) => (await import('./run.js')).rerun(runId, options)));
atGate(program.command('approve').description('approve at a gate'), 'approve');
atGate(program.command('reject').description('reject at a gate'), 'reject');

const pr = program.command('pr').description('pull requests');
withJson(pr.command('show').description('show the newest pull request, or that of a run or a branch').argument('[runId|branch]'))
  .action(exits(async (which: string | undefined, options: object) => (await import('./pull-request.js')).showPullRequest(which, options)));
withJson(program.command('artifacts').description('list what the steps of a run made').argument('<runId>'))
  .action(exits(async (runId: string, options: object) => (await import('./artifacts.js')).listArtifacts(runId, options)));
const artifact = program.command('artifact').description('artifacts');
artifact.command('get').description('print an artifact').argument('<id>').option('--out <file>', 'write it to a file')
  .action(exits(async (id: string, options: object) => (await import('./artifacts.js')).getArtifact(id, options)));
withJson(program.command('pipelines').description('list the pipelines'))
  .action(exits(async (options: object) => (await import('./pipelines.js')).listPipelines(options)));

const github = program.command('github').description('Pullwright as a GitHub App');
withJson(github.command('setup').description('register the GitHub App in a browser, and write its key and settings to files').requiredOption('--gateway <address>', 'where GitHub reaches the gateway'))
  .option('--url <address>', 'of a GitHub Enterprise Server', 'https://github.com').option('--org <organization>', 'whose App it becomes; your own when it is left out').option('--name <name>', 'of the App', 'Pullwright')
  .option('--out <dir>', 'where the files go', '.').option('--port <port>', 'of the page on this machine; a free one when it is left out', count, 0)
  .action(exits(async (options: GithubSetup) => (await import('./github-setup.js')).setUpGithub(options)));

const schedules = program.command('schedules').description('runs that start by the clock');
withJson(schedules.command('list', { isDefault: true }).description('list the schedules'))
  .action(exits(async (options: object) => (await import('./schedules.js')).listSchedules(options)));
withJson(schedules.command('add').description('start runs by the clock').argument('<path>', 'the repository').requiredOption('--cron <fields>', "five fields, as in crontab: '30 3 * * 1-5'"))
  .option('--time-zone <zone>', 'of the IANA database', 'UTC').option('--ref <ref>', 'branch, tag or commit; the default branch when it is left out').option('--depth <depth>', 'smoke, standard or deep')
  .option('--framework <framework>', 'playwright').option('--pipeline <name>', 'another pipeline than test-generation').option('--approval', 'wait for a person before the tests are written').option('--no-cache', 'carry out every step')
  .action(exits(async (path: string, options: { cron: string; timeZone: string }) => (await import('./schedules.js')).addSchedule(path, options)));
schedules.command('remove').description('remove a schedule; the runs that it has started go on').argument('<scheduleId>')
  .action(exits(async (scheduleId: string) => (await import('./schedules.js')).removeSchedule(scheduleId)));
const limits = program.command('limits').description('how many runs may start, and how many tasks may be at work');
withJson(limits.command('list', { isDefault: true }).description('list the limits'))
  .action(exits(async (options: object) => (await import('./limits.js')).listLimits(options)));
withJson(limits.command('set').description('set a limit; it holds within two seconds').argument('<kind>', 'runs-per-user, runs-per-repository, concurrency-per-repository, -tenant or -service').argument('<max>', 'at most so many; 0 for none', count))
  .option('--key <key>', 'of this user, repository, tenant or service; of each that has no limit of its own when it is left out').option('--window <seconds>', 'for runs-per-…: how long a start is counted', positive)
  .action(exits(async (kind: string, max: number, options: object) => (await import('./limits.js')).setLimit(kind, max, options)));
limits.command('remove').description('remove a limit').argument('<kind>').option('--key <key>', 'as it was set')
  .action(exits(async (kind: string, options: object) => (await import('./limits.js')).removeLimit(kind, options)));

withJson(program.command('validate').description('check the .pullwright.yaml of a repository, or a pipeline file').argument('[path]', 'a repository, or a file', '.'))
  .action(exits(async (path: string, options: object) => (await import('./validate.js')).validate(path, options)));
program.command('migrate').description('bring the database of DATABASE_URL up to date')
  .action(exits(async () => (await import('./operate.js')).migrateDatabase()));
program.command('provision').description('create the streams and consumers on NATS_URL')
  .action(exits(async () => (await import('./operate.js')).provisionBus()));
withJson(program.command('gc').description('remove artifacts that no run names any more, by NATS_URL and the artifact store'))
  .action(exits(async (options: object) => (await import('./operate.js')).collect(options)));
program.command('serve').description('run all services in the foreground, until Ctrl-C').option('--port <port>', 'of the REST API; 0 takes a free one', '8080')
  .action(exits(async (options: { port: string }) => (await import('./operate.js')).serve(options)));
program.command('test').description('run the test suite of Pullwright itself').argument('[pattern...]', 'only files that match')
  .action(exits(async (patterns: string[]) => (await import('./self-test.js')).selfTest(patterns)));
program.command('doctor').description('check what Pullwright needs on this machine')
  .action(exits(async () => (await import('./doctor.js')).doctor()));
withJson(program.command('version').description('print the version'))
  .action(exits(async (options: object) => (await import('./doctor.js')).version(options)));

function atGate(command: Command, decision: 'approve' | 'reject'): void {
  command.argument('<runId>').argument('<step>').requiredOption('--role <role>', 'as whom').option('--comment <text>')
    .action(exits(async (runId: string, step: string, options: { role: string }) => (await import('./runs.js')).decide(runId, step, decision, options)));
}

function count(text: string): number {
  return text === '0' ? 0 : positive(text);
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('a number above 0');
  return Number(text);
}

// Whoever reads may stop early (`… | head`): that is the end of the command, not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'EPIPE') process.exit(EXIT.ok); throw error; });

try {
  await program.parseAsync();
} catch (error) {
  code = told(error);
}
// Not process.exit: what is still being written to a pipe would be cut off.
process.exitCode = code;

function told(error: unknown): ExitCode {
  // Commander has printed it; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  say(red(safe(error instanceof Error ? error.message : String(error))));
  if (error instanceof Exit) {
    if (error.hint) say(`Next: ./pullwright ${error.hint}`);
    return error.code;
  }
  if (error instanceof Failure) return error.code === 'bad-request' ? EXIT.usage : EXIT.failure;
  if (error instanceof Error && error.stack) say(error.stack);
  return EXIT.failure;
}
