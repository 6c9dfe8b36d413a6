import { type ForgeEvent, type Task } from '#contracts';
import { Stage, newRunId } from '../test/stage.js';

/** Events, commands and reports on a real Postgres and NATS; what the agents of `pr-publisher` would say is said here. */
let stage: Stage;
/** What the next plans decide. */
let plan: Record<string, string | number | boolean>;
/** Steps that nobody answers until the test says so. */
let held: (task: Task) => boolean;

const COMMIT = 'a'.repeat(40);
const PLAN = { decision: 'nothing', why: 'test', branch: 'main', commit: COMMIT, isDefault: true, depth: 'smoke', approval: false, again: false, runsPerDay: -1 };

beforeAll(async () => {
  stage = await Stage.open({});
  stage.behaviour = (task) => {
    if (held(task)) return 'silent';
    if (task.agent === 'pr-publisher/plan-event') return { outputs: {}, facts: plan };
    if (task.agent === 'pr-publisher/report') return { outputs: {}, facts: { checks: 1, comments: 0 } };
    if (task.agent === 'pr-publisher/open') return { facts: { outcome: 'opened', commit: 'b'.repeat(40), branch: 'pullwright/tests', tests: 3, routes: 4, covered: 2, leftOut: 1 } };
    return {};
  };
  await stage.startCoordinator();
});
afterAll(async () => { await stage.close(); });
beforeEach(() => { plan = PLAN; held = () => false; });

let deliveries = 0;
let repositories = 0;
const newRepository = (): string => `https://github.com/acme/shop-${++repositories}`;
const event = (repository: string, change: Partial<ForgeEvent> = {}): ForgeEvent => ({ runId: newRunId(), forge: 'github', delivery: `delivery-${++deliveries}`, event: 'push', action: 'pushed', repository, sender: 'ann', senderIsBot: false, ref: 'main', sha: COMMIT, ...change });
const comment = (repository: string, word: ForgeEvent['word']): ForgeEvent => event(repository, { event: 'comment', action: 'created', pullRequest: 7, comment: 70, word, ref: undefined, sha: undefined });

/** Deals with an event to its end, and gives what has come of it. */
async function deal(happened: ForgeEvent, decided: Partial<typeof PLAN> = {}): Promise<{ runId: string; outcome: unknown; run: string }> {
  plan = { ...PLAN, ...decided };
  const reply = await stage.command('forge-event', happened);
  if (!reply.ok) throw new Error(`${reply.failure.code} ${reply.failure.detail}`);
  await stage.reaches(reply.runId, 'succeeded');
  const facts = (await stage.steps(reply.runId)).get('act')?.facts;
  return { runId: reply.runId, outcome: facts?.['outcome'], run: String(facts?.['run']) };
}

const runsOf = async (repository: string, pipeline: string): Promise<string[]> =>
  (await stage.database.query<{ id: string }>('SELECT runs.id FROM runs JOIN pipelines ON hash = pipeline_hash WHERE repository = $1 AND name = $2 ORDER BY runs.id', [repository, pipeline])).rows.map(({ id }) => id);
const reportsTaken = (repository: string): Task[] => stage.taken.filter((task) => task.agent === 'pr-publisher/report' && task.repository === repository);

test('a delivery has one run, however often it comes', async () => {
  const happened = event(newRepository());
  const first = await stage.command('forge-event', happened);
  const again = await stage.command('forge-event', { ...happened, runId: newRunId() });
  expect([first, again]).toEqual([{ ok: true, runId: happened.runId, repeated: false }, { ok: true, runId: happened.runId, repeated: true }]);
  await stage.reaches(happened.runId, 'succeeded');
  expect(await stage.run(happened.runId)).toMatchObject({ pipeline: 'forge-event', requestedBy: 'github:ann', params: { event: 'push', ref: 'main', sha: COMMIT, pullRequest: 0, word: '' } });
  expect((await stage.steps(happened.runId)).get('plan')?.facts).toMatchObject({ decision: 'nothing', why: 'test' });
});

test('a decision to start starts a run as the plan says, once, also when the command is carried out again', async () => {
  const repository = newRepository();
  held = ({ agent }) => agent === 'crawler/crawl';
  const { runId, outcome, run } = await deal(event(repository), { decision: 'start', why: 'push', depth: 'deep', again: true, approval: true });
  expect(outcome).toBe('started');
  expect(await stage.run(run)).toMatchObject({ pipeline: 'test-generation', repository, ref: 'main', requestedBy: 'github:ann', params: { depth: 'deep', again: true, approval: true } });
  await stage.command('retry-run', { runId, fromStep: 'act', requestedBy: 'ann' });
  await stage.reaches(runId, 'succeeded');
  expect(await runsOf(repository, 'test-generation')).toEqual([run]);
});

test('a branch whose name is no short word is the one that the event names', async () => {
  held = ({ agent }) => agent === 'crawler/crawl';
  const { run } = await deal(event(newRepository(), { ref: 'größe #12 (neu)' }), { decision: 'start', branch: '' });
  expect((await stage.run(run)).ref).toBe('größe #12 (neu)');
});

test('pushes start as many runs a day as the file says; people may still ask', async () => {
  const repository = newRepository();
  held = ({ agent }) => agent === 'crawler/crawl';
  const limited = { decision: 'start', runsPerDay: 1 };
  expect((await deal(event(repository), limited)).outcome).toBe('started');
  expect((await deal(event(repository), limited)).outcome).toBe('runs-per-day');
  expect((await deal(comment(repository, 'retry'), limited)).outcome).toBe('started');
  expect(await runsOf(repository, 'test-generation')).toHaveLength(2);
});

test('stop ends what runs for the branch, and nothing else; when Pullwright is removed, all ends without asking the forge', async () => {
  const repository = newRepository();
  held = ({ agent }) => agent === 'crawler/crawl';
  const { run: main } = await deal(event(repository), { decision: 'start' });
  const { run: release } = await deal(event(repository, { ref: 'release' }), { decision: 'start', branch: 'release', isDefault: false });
  expect(await deal(comment(repository, 'stop'), { decision: 'stop' })).toMatchObject({ outcome: 'stopped', run: main });
  await stage.reaches(main, 'cancelled');
  expect((await stage.run(release)).status).toBe('running');
  expect(await deal(comment(repository, 'stop'), { decision: 'stop' })).toMatchObject({ outcome: 'nothing-runs', run: '' });
  const planned = stage.taken.filter(({ agent }) => agent === 'pr-publisher/plan-event').length;
  const removed = await deal(event(repository, { event: 'installation', action: 'removed', ref: undefined, sha: undefined }));
  expect(removed).toMatchObject({ outcome: 'stopped', run: release });
  expect((await stage.steps(removed.runId)).get('plan')?.status).toBe('skipped');
  expect(stage.taken.filter(({ agent }) => agent === 'pr-publisher/plan-event')).toHaveLength(planned);
  await stage.reaches(release, 'cancelled');
});

test('approve opens the gate at which the run of the branch waits', async () => {
  const repository = newRepository();
  const { run } = await deal(event(repository), { decision: 'start', approval: true });
  await stage.reaches(run, 'waiting');
  expect(await deal(comment(repository, 'approve'), { decision: 'approve' })).toMatchObject({ outcome: 'approved', run });
  await stage.reaches(run, 'succeeded');
  expect((await stage.events(run)).find(({ type }) => type === 'approval-decided')).toMatchObject({ decision: 'approve', role: 'qa-lead', by: 'github:ann' });
  expect((await deal(comment(repository, 'approve'), { decision: 'approve' })).outcome).toBe('nothing-waits');
});

test('whoever asks with a comment is answered there, and an outsider is not', async () => {
  const repository = newRepository();
  await deal(comment(repository, 'explain'), { decision: 'explain', why: 'unknown-word' });
  await stage.until(() => reportsTaken(repository).length === 1, 'an answer');
  expect(reportsTaken(repository)[0]?.params).toMatchObject({ about: 'answer', pullRequest: 7, by: 'ann', word: 'explain', outcome: 'unknown-word', run: '' });
  await deal(comment(repository, 'stop'), { decision: 'nothing', why: 'no-write-access' });
  await deal(event(repository), { decision: 'file', why: 'repository-file-invalid' });
  await stage.until(() => reportsTaken(repository).length === 2, 'a report of the file');
  expect(reportsTaken(repository)[1]?.params).toMatchObject({ about: 'file', commit: COMMIT, pullRequest: 0 });
});

test('a run is reported step by step, one report at a time and in order, until its end is told', async () => {
  const repository = newRepository();
  held = ({ agent }) => agent === 'case-generator/design';
  const { run } = await deal(event(repository), { decision: 'start' });
  await stage.until(() => reportsTaken(repository).length > 0, 'a first report');
  await stage.until(() => stage.taken.some(({ runId, agent }) => runId === run && agent === 'case-generator/design'), 'design');
  held = () => false;
  for (const task of stage.taken.filter(({ runId, agent }) => runId === run && agent === 'case-generator/design')) await stage.answer(task, {});
  await stage.reaches(run, 'succeeded');
  await stage.until(async () => (await stage.database.query('SELECT 1 FROM reports WHERE run_id = $1 AND look_at IS NULL', [run])).rowCount === 1, 'the end was told');
  const told = reportsTaken(repository).map(({ params }) => params);
  expect(told[0]).toMatchObject({ about: 'run', run, status: 'running', commit: COMMIT, pullRequest: 0 });
  expect(told.at(-1)).toMatchObject({ status: 'succeeded', published: 'opened', head: 'b'.repeat(40), tests: 3, routes: 4, covered: 2, leftOut: 1, steps: 'crawl=succeeded design=succeeded review=skipped write=succeeded publish=succeeded' });
  const reports = await Promise.all((await runsOf(repository, 'forge-report')).map((id) => stage.run(id)));
  const sorted = reports.sort((one, other) => (one.createdAt < other.createdAt ? -1 : 1));
  for (const [index, next] of sorted.slice(1).entries()) expect([next.createdAt >= String(sorted[index]?.finishedAt)]).toEqual([true]);
}, 60_000);

test('what a failed run has failed of is told, and events and reports count against no limit', async () => {
  const repository = newRepository();
  await stage.query('set-limit', { kind: 'runs-per-repository', key: repository, max: 1, windowSeconds: 3600 });
  await stage.refreshLimits();
  const usual = stage.behaviour;
  stage.behaviour = (task) => (task.repository === repository && task.agent === 'crawler/crawl' ? { failure: 'no-web-front-end' } : usual(task));
  const { run } = await deal(event(repository), { decision: 'start' });
  expect((await deal(event(repository), { decision: 'start' })).outcome).toBe('rate-limited');
  await stage.reaches(run, 'failed');
  await stage.until(() => reportsTaken(repository).some(({ params }) => params['status'] === 'failed'), 'the failure is told');
  expect(reportsTaken(repository).at(-1)?.params).toMatchObject({ status: 'failed', failure: 'no-web-front-end' });
  stage.behaviour = usual;
}, 60_000);
