import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { canonicalJson, compareBundle, decodeArtifact, readBundle } from '#artifacts';
import { agentContract, Failure, Pipeline, registerAgents, RunBundle, RunDocuments, RunEvent, type ArtifactView, type PullRequest, type StepView } from '#contracts';
import { reproduceTree } from '#forge';
import { compile } from '../../coordinator/src/engine/pipeline.js';
import { replay, requireWhole, type Replay } from '../../coordinator/src/engine/replay.js';
import { keyOf, type RunState } from '../../coordinator/src/engine/run-state.js';
import { EXIT, Exit, type ExitCode } from './exit-code.js';
import { print, printJson, safe } from './terminal.js';

const LIMIT_BYTES = 2 ** 30;

/** What was checked, each with its number, and the trees that were made again. */
interface Checked { runId: string; status: string; events: number; steps: number; artifacts: number; trees: Array<{ tree: string; commit: string; branch: string }>; notReproduced: string[] }
interface Opened { files: ReadonlyMap<string, Buffer>; run: z.infer<(typeof RunDocuments)['run.json']>; steps: StepView[]; lineage: ArtifactView[]; events: RunEvent[]; pipeline: Pipeline }

/**
 * Decides an exported run again from its event log, offline, and compares: every event, the final state of the run and of each step, every artifact's hash, kind and place in the lineage, and the
 * tree of each published commit, which is made again from the bundle artifact. Throws an `Exit` that says what differs first.
 */
export async function replayBundle(file: string, options: { json?: boolean }): Promise<ExitCode> {
  const checked = await open(file).then(check).catch((error: unknown) => {
    if (error instanceof Failure) throw new Exit(EXIT.failure, `${file}: ${error.message}`);
    throw error;
  });
  if (options.json) { printJson(checked); return EXIT.ok; }
  print(`Run ${checked.runId} ${checked.status}, decided again: ${checked.events} events, ${checked.steps} steps and ${checked.artifacts} artifacts are the same.`);
  for (const { tree, commit, branch } of checked.trees) print(`Made again: tree ${tree} of commit ${commit.slice(0, 10)} on ${safe(branch)}.`);
  for (const note of checked.notReproduced) print(`Not made again: ${note}`);
  return EXIT.ok;
}

async function open(file: string): Promise<Opened> {
  const size = await stat(file).then((found) => found.size, () => { throw new Exit(EXIT.usage, `${file} cannot be read`); });
  if (size > LIMIT_BYTES) throw new Exit(EXIT.failure, `${file} is larger than ${LIMIT_BYTES} bytes`);
  const { manifest, files } = await readBundle(await readFile(file));
  const { success, data } = RunBundle.safeParse(manifest);
  if (!success) throw new Exit(EXIT.failure, `${file} is a tar, but no exported run`);
  const disagreement = compareBundle(data, files);
  if (disagreement) throw new Exit(EXIT.failure, `${file}: ${disagreement}`);
  const document = <T extends z.ZodType>(path: string, schema: T): z.infer<T> => {
    const bytes = files.get(path);
    if (!bytes) throw new Exit(EXIT.failure, `${file}: ${path} is missing`);
    const parsed = schema.safeParse(jsonOf(path, bytes.toString('utf8')));
    if (!parsed.success) throw new Exit(EXIT.failure, `${file}: ${path}: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  };
  const { agents } = document('settings.json', RunDocuments['settings.json']);
  registerAgents(Object.fromEntries(Object.entries(agents).filter(([agent]) => agentContract(agent) === undefined)));
  const events = (files.get('events.jsonl')?.toString('utf8') ?? '').split('\n').filter(Boolean).map((line, index) => {
    const parsed = RunEvent.safeParse(jsonOf('events.jsonl', line));
    if (!parsed.success) throw new Exit(EXIT.failure, `${file}: events.jsonl, line ${index + 1}: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  });
  const run = document('run.json', RunDocuments['run.json']);
  requireWhole(data.runId, events);
  return { files, run, steps: document('steps.json', RunDocuments['steps.json']), lineage: document('lineage.json', RunDocuments['lineage.json']), events, pipeline: document('pipeline.json', Pipeline) };
}

function jsonOf(path: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Failure('artifact-corrupt', `${path} is no JSON`, { cause });
  }
}

async function check(opened: Opened): Promise<Checked> {
  const { run, steps, lineage, events, pipeline } = opened;
  const { runId, repository, ref, params, cache } = run;
  const known = new Map(steps.map((step) => [step.stepId, step.outputs]));
  const again = replay(compile(pipeline), { runId, repository, ref, params, cache }, events, (stepId) => known.get(stepId) ?? {});
  if (again.difference) throw new Exit(EXIT.failure, differs(again.difference));
  requireSameEnd(again.run, opened);
  const trees: Checked['trees'] = [];
  const notReproduced: string[] = [];
  for (const { artifactId, kind, stepId } of lineage) {
    const content = await decodeArtifact(kind as 'pull-request@1', bytesOf(opened, artifactId));
    if (kind !== 'pull-request@1') continue;
    const note = await remake(opened, again.run, stepId, content);
    if (note === undefined) trees.push({ tree: content.tree, commit: content.commit, branch: content.branch });
    else notReproduced.push(note);
  }
  return { runId, status: again.run.status, events: events.length, steps: again.run.steps.size, artifacts: new Set(lineage.map(({ artifactId }) => artifactId)).size, trees, notReproduced };
}

function differs({ seq, recorded, decided, why }: NonNullable<Replay['difference']>): string {
  return `event ${seq}: ${why}\n  recorded: ${text(recorded)}\n  decided:  ${text(decided)}`;
}

/** The run, each step, and all that the steps made, as they were when the run was exported. */
function requireSameEnd(state: RunState, { run, steps, lineage }: Opened): void {
  same('the run', { status: run.status, failure: run.failure, finishedAt: run.finishedAt }, { status: state.status, failure: state.failure, finishedAt: instant(state.finishedAt) });
  same('the steps', steps.map(({ stepId }) => stepId).sort(), [...state.steps.keys()].sort());
  for (const step of steps) {
    const decided = state.steps.get(step.stepId) as NonNullable<ReturnType<RunState['steps']['get']>>;
    same(`step ${step.stepId}`, pick(step), pick({ ...decided, startedAt: instant(decided.startedAt), finishedAt: instant(decided.finishedAt) }));
    // A view leaves long lists out; the lineage, which is compared below, has every element.
    for (const [name, artifacts] of Object.entries(step.outputs)) same(`step ${step.stepId}, output ${name}`, artifacts, decided.outputs[name]);
    for (const [name, artifacts] of Object.entries(step.inputs)) same(`step ${step.stepId}, input ${name}`, artifacts, decided.inputs[name]);
  }
  const made = [...state.steps.values()].filter(({ status, elements }) => status === 'succeeded' && elements === undefined)
    .flatMap(({ stepId, outputs }) => Object.entries(outputs).flatMap(([name, artifacts]) => [artifacts].flat().map((artifactId) => `${stepId} ${name} ${artifactId}`)));
  same('what the steps made', lineage.map(({ stepId, name, artifactId }) => `${stepId} ${name} ${artifactId}`).sort(), made.sort());
}

const instant = (at: number | undefined): string | undefined => (at === undefined ? undefined : new Date(at).toISOString());

type Compared = Pick<StepView, 'agent' | 'status' | 'attempt' | 'facts' | 'failure' | 'startedAt' | 'finishedAt'>;
const pick = ({ agent, status, attempt, facts, failure, startedAt, finishedAt }: Compared): Compared => ({ agent, status, attempt, facts, failure, startedAt, finishedAt });

/** On one line, keys in order, so that equal values have equal text. */
const text = (value: unknown): string => (value === undefined ? 'nothing' : safe(canonicalJson(value).toString('utf8')));

function same(what: string, recorded: unknown, decided: unknown): void {
  if (text(recorded) !== text(decided)) throw new Exit(EXIT.failure, `${what} ends otherwise\n  recorded: ${text(recorded)}\n  decided:  ${text(decided)}`);
}

function bytesOf({ files }: Opened, artifactId: string): Buffer {
  const bytes = files.get(`artifacts/${artifactId.slice('sha256:'.length)}`);
  if (!bytes) throw new Exit(EXIT.failure, `${artifactId} is missing in the bundle`);
  if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` !== artifactId) throw new Exit(EXIT.failure, `${artifactId} has other bytes than its id says`);
  return bytes;
}

/** Makes the published tree again; says why not when what it was made of is not recorded. */
async function remake(opened: Opened, run: RunState, stepId: string, pullRequest: PullRequest): Promise<string | undefined> {
  const bundleId = run.steps.get(stepId)?.inputs['bundle'];
  if (!pullRequest.basis || typeof bundleId !== 'string') return `the tree of ${stepId}: its pull request does not say what it was made of`;
  const { files } = await decodeArtifact('test-bundle@1', bytesOf(opened, bundleId));
  const changed = new Set(pullRequest.basis.changes.map(({ path }) => path));
  const lost = [...files.keys()].find((path) => !changed.has(path) && !pullRequest.files.some((file) => file.path === path && file.change === 'kept'));
  if (lost !== undefined) throw new Exit(EXIT.failure, `${keyOf(stepId)}: ${safe(lost)} is in the bundle, but neither published nor kept`);
  const tree = reproduceTree(pullRequest.basis, new Map(files));
  if (tree !== pullRequest.tree) throw new Exit(EXIT.failure, `${keyOf(stepId)}: the published tree is another one\n  recorded: ${pullRequest.tree}\n  made:     ${tree}`);
  return undefined;
}
