import { loginOf } from '../access.js';
import { suiteOf } from '../pushes.js';
import { ApiError, created, inaccessible, notFound, ok, page, type Answer, type RepositoryRequest } from '../request.js';
import { reads, writes, type Route } from '../route.js';
import { checkRun, checkRunEvent } from '../shapes/checks.js';
import type { CheckRunRecord } from '../world.js';

export const checkRoutes: Record<string, Route> = {
  'checks/create': writes('checks', create),
  'checks/update': writes('checks', update),
  'checks/get': reads('checks', async (request) => ok(checkRun(request.world, request.repository, runOf(request)))),
  'checks/list-for-ref': reads('checks', listForRef),
};

interface Output { title?: string; summary?: string; text?: string; annotations?: unknown[] }
interface Given {
  name?: string; head_sha: string; details_url?: string; external_id?: string; status?: string; conclusion?: string; started_at?: string; completed_at?: string; output?: Output; actions?: CheckRunRecord['actions'];
}

function runOf({ repository, params }: RepositoryRequest): CheckRunRecord {
  const run = repository.checkRuns.get(Number(params.check_run_id));
  if (run === undefined) throw notFound();
  return run;
}

/** Check runs belong to an App: tokens of people are refused. */
async function create(request: RepositoryRequest): Promise<Answer> {
  const { world, repository, actor } = request;
  if (actor.kind !== 'installation') throw new ApiError(403, 'You must authenticate via a GitHub App.');
  const given = request.body as Given;
  if (!/^[0-9a-f]{40}$/.test(given.head_sha) || await repository.store.peel(given.head_sha, 'commit') === undefined) throw new ApiError(422, `No commit found for SHA: ${given.head_sha}`);
  const { app } = actor.installation;
  const run: CheckRunRecord = {
    id: world.id(), app, suite: suiteOf(world, repository, app, given.head_sha, null, null), name: given.name as string, headSha: given.head_sha, status: 'queued', conclusion: null, detailsUrl: null, externalId: null,
    startedAt: world.now(), completedAt: null, output: { title: null, summary: null, text: null, annotations: 0 }, actions: [],
  };
  change(run, given, world.now());
  repository.checkRuns.set(run.id, run);
  const event = (action: string) => world.emit({ event: 'check_run', action, repository, sender: loginOf(actor), payload: { action, check_run: checkRunEvent(world, repository, run) } });
  event('created');
  if (run.status === 'completed') event('completed');
  return created(checkRun(world, repository, run));
}

async function update(request: RepositoryRequest): Promise<Answer> {
  const { world, repository, actor } = request;
  const run = runOf(request);
  if (actor.kind !== 'installation' || actor.installation.app !== run.app) throw inaccessible();
  const before = run.status;
  change(run, request.body as Partial<Given>, world.now());
  if (run.status === 'completed' && before !== 'completed') world.emit({ event: 'check_run', action: 'completed', repository, sender: loginOf(actor), payload: { action: 'completed', check_run: checkRunEvent(world, repository, run) } });
  return ok(checkRun(world, repository, run));
}

/** A conclusion completes the run; `completed` needs one. Texts have 65,535 characters at most, an answer 50 annotations and 3 actions. */
function change(run: CheckRunRecord, given: Partial<Given>, now: string): void {
  const { output, status = given.conclusion === undefined ? run.status : 'completed' } = given;
  if (status === 'completed' && given.conclusion === undefined && run.conclusion === null) throw new ApiError(422, 'Invalid request.\n\nMissing conclusion for a completed check run.');
  for (const [key, value] of Object.entries({ summary: output?.summary, text: output?.text })) if ((value ?? '').length > 65_535) throw new ApiError(422, `Invalid request.\n\n${key} exceeds a maximum of 65535 characters.`);
  if ((output?.annotations ?? []).length > 50) throw new ApiError(422, 'Invalid request.\n\nNo more than 50 annotations may be sent in one request.');
  Object.assign(run, {
    status, name: given.name ?? run.name, detailsUrl: given.details_url ?? run.detailsUrl, externalId: given.external_id ?? run.externalId, startedAt: given.started_at ?? run.startedAt, actions: given.actions ?? run.actions,
    conclusion: status === 'completed' ? given.conclusion ?? run.conclusion : null, completedAt: status === 'completed' ? given.completed_at ?? run.completedAt ?? now : null,
  });
  if (output !== undefined) run.output = { title: output.title ?? run.output.title, summary: output.summary ?? run.output.summary, text: output.text ?? run.output.text, annotations: run.output.annotations + (output.annotations ?? []).length };
}

/** Of several runs of one name the latest, unless `filter=all`. */
async function listForRef(request: RepositoryRequest): Promise<Answer> {
  const { world, repository, params, query } = request;
  const sha = await repository.store.commitOf(params.ref as string);
  if (sha === undefined) throw new ApiError(422, `No commit found for SHA: ${params.ref}`);
  const wanted = [...repository.checkRuns.values()].filter((run) => run.headSha === sha && [[query.get('check_name'), run.name], [query.get('status'), run.status], [query.get('app_id'), String(run.app.id)]].every(([asked, has]) => asked === null || asked === has));
  const latest = query.get('filter') === 'all' ? wanted : [...new Map(wanted.map((run) => [`${run.app.id}:${run.name}`, run])).values()];
  return page(request, latest.reverse(), (run) => checkRun(world, repository, run), (runs) => ({ total_count: latest.length, check_runs: runs }));
}
