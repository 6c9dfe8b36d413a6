import { z } from 'zod';
import { Limit, RunView, Schedule } from '#contracts';
import { FieldError, Problem } from './problem.js';
import { AddScheduleRequest, ApprovalPath, ApprovalRequest, ArtifactPath, EventsHeaders, EventsQuery, GithubHeaders, GitlabHeaders, IdempotencyHeaders, LimitPath, LimitRequest, PageQuery, RerunRequest, RetryRequest, RunBatchRequest, RunPath, RunsQuery, SchedulePath, StartRunRequest } from './requests.js';
import { Accepted, ArtifactPage, Delivered, EventPage, Health, LimitPage, PipelinePage, RunBatch, RunPage, SchedulePage, StepPage } from './responses.js';

interface Route {
  method: 'get' | 'post' | 'put' | 'delete'; path: string; operationId: string; summary: string;
  params?: z.ZodObject; query?: z.ZodObject; headers?: z.ZodObject; body?: z.ZodType;
  status: number; description: string; answer?: Record<string, z.ZodType>; answerHeaders?: Record<string, string>;
  /** Statuses of problems, beside 500 and the 503 of a bus that is away. */
  problems: readonly number[];
}

const json = (schema: z.ZodType) => ({ 'application/json': schema });
const QUOTAS = {
  'RateLimit-Policy': 'The windows that the start was counted in: each one’s kind, limit (`q`) and seconds (`w`). Absent when none is set.',
  RateLimit: 'What is left in each (`r`), and in how many seconds there is more (`t`).',
};
const PAGES = { Link: 'RFC 8288 link to the next page, `rel="next"`; absent on the last.' };
const bytes = z.string().meta({ contentEncoding: 'binary' });

/** Every route of the gateway. A test compares it with the routes that the application really has. */
export const ROUTES: readonly Route[] = [
  { method: 'post', path: '/api/v1/runs', operationId: 'startRun', summary: 'Start a run', headers: IdempotencyHeaders, body: StartRunRequest,
    status: 202, description: 'The run is durable.', answer: json(Accepted), answerHeaders: { Location: 'Address of the run.', ...QUOTAS }, problems: [400, 404, 413, 422, 429] },
  { method: 'post', path: '/api/v1/run-batches', operationId: 'startRuns', summary: 'Start up to 500 runs', headers: IdempotencyHeaders, body: RunBatchRequest,
    status: 202, description: 'What became of each run: its id, or a problem. With an Idempotency-Key each run has a key of its own, by its place in the batch.', answer: json(RunBatch), problems: [400, 413, 429] },
  { method: 'get', path: '/api/v1/runs', operationId: 'listRuns', summary: 'List runs, newest first', query: RunsQuery,
    status: 200, description: 'A page of runs.', answer: json(RunPage), answerHeaders: PAGES, problems: [400] },
  { method: 'get', path: '/api/v1/runs/{runId}', operationId: 'getRun', summary: 'Look at a run', params: RunPath,
    status: 200, description: 'The run.', answer: json(RunView), problems: [400, 404] },
  { method: 'get', path: '/api/v1/runs/{runId}/steps', operationId: 'listSteps', summary: 'List the steps of a run', params: RunPath, query: PageQuery,
    status: 200, description: 'A page of steps.', answer: json(StepPage), answerHeaders: PAGES, problems: [400, 404] },
  { method: 'get', path: '/api/v1/runs/{runId}/artifacts', operationId: 'listArtifacts', summary: 'List what the steps of a run made', params: RunPath, query: PageQuery,
    status: 200, description: 'A page of artifacts.', answer: json(ArtifactPage), answerHeaders: PAGES, problems: [400, 404] },
  { method: 'get', path: '/api/v1/runs/{runId}/events', operationId: 'followRun', summary: 'Follow a run, or list its events', params: RunPath, query: EventsQuery, headers: EventsHeaders,
    status: 200, description: 'Events with `id` and, between them, `event: progress` without one; the stream ends with the run. 204 when nothing follows the Last-Event-ID and the run is over.',
    answer: { 'text/event-stream': z.string(), 'application/json': EventPage }, answerHeaders: PAGES, problems: [400, 404, 406] },
  { method: 'get', path: '/api/v1/runs/{runId}/export', operationId: 'exportRun', summary: 'Read an ended run as one file: events, steps, artifacts, pipeline and settings', params: RunPath,
    status: 200, description: 'A tar; the same run gives the same bytes.', answer: { 'application/x-tar': bytes }, problems: [400, 404, 409] },
  { method: 'post', path: '/api/v1/runs/{runId}/cancel', operationId: 'cancelRun', summary: 'Cancel a run and undo what it published', params: RunPath,
    status: 202, description: 'Accepted.', answer: json(Accepted), problems: [400, 404, 409] },
  { method: 'post', path: '/api/v1/runs/{runId}/retry', operationId: 'retryRun', summary: 'Run the failed steps again, or everything from a step on', params: RunPath, body: RetryRequest,
    status: 202, description: 'Accepted.', answer: json(Accepted), problems: [400, 404, 409, 413] },
  { method: 'post', path: '/api/v1/runs/{runId}/rerun', operationId: 'rerunRun', summary: 'Start a new run with the same parameters, on the same repository and ref', params: RunPath, headers: IdempotencyHeaders, body: RerunRequest,
    status: 202, description: 'The new run is durable.', answer: json(Accepted), answerHeaders: { Location: 'Address of the new run.', ...QUOTAS }, problems: [400, 404, 413, 422, 429] },
  { method: 'post', path: '/api/v1/runs/{runId}/approvals/{stepId}', operationId: 'decideApproval', summary: 'Approve or reject at a gate', params: ApprovalPath, body: ApprovalRequest,
    status: 202, description: 'Accepted.', answer: json(Accepted), problems: [400, 404, 409, 413] },
  { method: 'get', path: '/api/v1/artifacts/{artifactId}', operationId: 'getArtifact', summary: 'Read an artifact', params: ArtifactPath,
    status: 200, description: 'Its bytes.', answer: { 'application/json': z.looseObject({}), 'application/x-tar': bytes }, problems: [400, 404] },
  { method: 'get', path: '/api/v1/pipelines', operationId: 'listPipelines', summary: 'List the pipelines', query: PageQuery,
    status: 200, description: 'A page of pipelines.', answer: json(PipelinePage), answerHeaders: PAGES, problems: [400] },
  { method: 'post', path: '/api/v1/schedules', operationId: 'addSchedule', summary: 'Start runs by the clock', body: AddScheduleRequest,
    status: 201, description: 'The schedule.', answer: json(Schedule), problems: [400, 404, 413] },
  { method: 'get', path: '/api/v1/schedules', operationId: 'listSchedules', summary: 'List the schedules', query: PageQuery,
    status: 200, description: 'A page of schedules.', answer: json(SchedulePage), answerHeaders: PAGES, problems: [400] },
  { method: 'delete', path: '/api/v1/schedules/{scheduleId}', operationId: 'removeSchedule', summary: 'Remove a schedule; the runs that it has started go on', params: SchedulePath,
    status: 204, description: 'It is gone.', problems: [400, 404] },
  { method: 'post', path: '/api/v1/webhooks/github', operationId: 'takeGithubDelivery', summary: 'Take a delivery of GitHub, signed in X-Hub-Signature-256', headers: GithubHeaders, body: z.looseObject({}),
    status: 202, description: 'The delivery is durable, or nothing follows from it.', answer: json(Delivered), problems: [400, 401, 404, 413, 415] },
  { method: 'post', path: '/api/v1/webhooks/gitlab', operationId: 'takeGitlabDelivery', summary: 'Take a delivery of GitLab, with its token in X-Gitlab-Token', headers: GitlabHeaders, body: z.looseObject({}),
    status: 202, description: 'The delivery is durable, or nothing follows from it.', answer: json(Delivered), problems: [400, 401, 404, 413, 415] },
  { method: 'get', path: '/api/v1/limits', operationId: 'listLimits', summary: 'List the limits', query: PageQuery,
    status: 200, description: 'A page of limits.', answer: json(LimitPage), answerHeaders: PAGES, problems: [400] },
  { method: 'put', path: '/api/v1/limits/{kind}/{key}', operationId: 'setLimit', summary: 'Set a limit; it holds within two seconds', params: LimitPath, body: LimitRequest,
    status: 200, description: 'The limit.', answer: json(Limit), problems: [400, 413] },
  { method: 'delete', path: '/api/v1/limits/{kind}/{key}', operationId: 'removeLimit', summary: 'Remove a limit, whether there is one or not', params: LimitPath,
    status: 204, description: 'There is none.', problems: [400] },
  { method: 'get', path: '/setup/github', operationId: 'showGithubSetup', summary: 'The page that sets up the GitHub App',
    status: 200, description: 'The page.', answer: { 'text/html': z.string() }, problems: [400, 401, 403, 404] },
  { method: 'get', path: '/setup/github/done', operationId: 'finishGithubSetup', summary: 'Where GitHub leads back to with the App’s code',
    status: 200, description: 'The page.', answer: { 'text/html': z.string() }, problems: [400, 401, 403, 404] },
  { method: 'get', path: '/api/openapi.json', operationId: 'getOpenapi', summary: 'Read this document', status: 200, description: 'This document.', answer: json(z.looseObject({})), problems: [] },
  { method: 'get', path: '/health/live', operationId: 'getLive', summary: 'Whether the process answers', status: 200, description: 'It does.', answer: json(Health), problems: [] },
  { method: 'get', path: '/health/ready', operationId: 'getReady', summary: 'Whether commands can be stored', status: 200, description: 'They can.', answer: json(Health), problems: [] },
];

type Json = Record<string, unknown>;

/** OpenAPI 3.1 from the schemas that the pipes check with: JSON Schema 2020-12 is its own dialect, so nothing is translated. */
export function openapi(): Json {
  const { schemas, schemaOf } = convert([FieldError, Problem, ...ROUTES.flatMap((route) => [route.body, ...Object.values(route.answer ?? {}), ...parameterSchemas(route)])]);
  const paths: Record<string, Json> = {};
  for (const route of ROUTES) (paths[route.path] ??= {})[route.method] = operation(route, schemaOf);
  return {
    openapi: '3.1.0',
    info: { title: 'Pullwright', version: '1', description: 'Turns a repository into a pull request of tests. Every error is RFC 9457 problem details with a stable `type`.', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    paths,
    components: { schemas },
  };
}

type SchemaOf = (schema: z.ZodType) => unknown;

function operation(route: Route, schemaOf: SchemaOf): Json {
  const parameters = ([['path', route.params], ['query', route.query], ['header', route.headers]] as const).flatMap(([place, object]) =>
    Object.entries(object?.shape ?? {}).map(([name, schema]) => ({ name, in: place, required: place === 'path', schema: schemaOf(schema as z.ZodType) })));
  const answer = {
    description: route.description,
    ...(route.answerHeaders ? { headers: Object.fromEntries(Object.entries(route.answerHeaders).map(([name, description]) => [name, { description, schema: { type: 'string' } }])) } : {}),
    ...(route.answer ? { content: Object.fromEntries(Object.entries(route.answer).map(([type, schema]) => [type, { schema: schemaOf(schema) }])) } : {}),
  };
  const problems = [...route.problems, 500, 503].map((status) => [status, { description: 'Problem details.', content: { 'application/problem+json': { schema: schemaOf(Problem) } } }]);
  return {
    operationId: route.operationId, summary: route.summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body ? { requestBody: { required: !route.body.safeParse(undefined).success, content: { 'application/json': { schema: schemaOf(route.body) } } } } : {}),
    responses: { [route.status]: answer, ...Object.fromEntries(problems) },
  };
}

function parameterSchemas(route: Route): z.ZodType[] {
  return [route.params, route.query, route.headers].flatMap((object) => Object.values(object?.shape ?? {}) as z.ZodType[]);
}

/** One conversion of all schemas, so that a schema with an id is one component however often it is used. */
function convert(all: Array<z.ZodType | undefined>): { schemas: Json; schemaOf: SchemaOf } {
  const unique = [...new Set(all.filter((schema) => schema !== undefined))];
  // `input`: what readers may rely on. `output` would forbid the fields that a later version adds.
  const whole = z.toJSONSchema(z.tuple(unique as [z.ZodType, ...z.ZodType[]]), { io: 'input', target: 'draft-2020-12' });
  const hoisted = JSON.parse(JSON.stringify(whole).replaceAll('"#/$defs/', '"#/components/schemas/')) as { prefixItems: unknown[]; $defs: Record<string, Json> };
  const schemas = Object.fromEntries(Object.entries(hoisted.$defs).map(([name, { id: _id, ...schema }]) => [name, schema]).sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)));
  return { schemas, schemaOf: (schema) => hoisted.prefixItems[unique.indexOf(schema)] };
}
