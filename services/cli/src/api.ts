import { z } from 'zod';
import { ArtifactView, Limit, PipelineView, Progress, RunEvent, RunView, Schedule, StepView } from '#contracts';
import { EXIT, Exit, type ExitCode } from './exit-code.js';
import { serverSentEvents } from './server-sent-events.js';

/** What the CLI reads of an error; it prints the rest as it came. */
const Problem = z.object({
  title: z.string(), status: z.number(), detail: z.string().optional(), code: z.string().optional(), retryAfterSeconds: z.number().optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string(), remedy: z.string() })).optional(),
});
const Accepted = z.object({ runId: z.string(), status: z.enum(['started', 'stored']), repeated: z.boolean() });
export type Accepted = z.infer<typeof Accepted>;

const CODES: Record<number, ExitCode> = { 400: EXIT.usage, 404: EXIT.notFound, 409: EXIT.notFound };
const PAGE = 100;
const RECONNECT_MS = 500;
const RECONNECTS = 20;

export type Followed = { event: RunEvent } | { progress: Progress };

/** The REST API of a Pullwright, wherever it runs. Every refusal becomes an `Exit` that says what the problem says. */
export class Api {
  /** `revive` is asked when a stream breaks and nobody answers: it answers with the address to go on at. */
  constructor(private url: string, private readonly revive?: () => Promise<string>) {}

  async startRun(body: Record<string, unknown>): Promise<Accepted> { return Accepted.parse(await this.post('/api/v1/runs', body)); }
  async cancel(runId: string): Promise<Accepted> { return Accepted.parse(await this.post(`/api/v1/runs/${segment(runId)}/cancel`)); }
  async retry(runId: string, fromStep?: string): Promise<Accepted> { return Accepted.parse(await this.post(`/api/v1/runs/${segment(runId)}/retry`, { fromStep })); }
  async rerun(runId: string, body: Record<string, unknown>): Promise<Accepted> { return Accepted.parse(await this.post(`/api/v1/runs/${segment(runId)}/rerun`, body)); }
  async decide(runId: string, stepId: string, body: { decision: 'approve' | 'reject'; role: string; comment?: string }): Promise<Accepted> {
    return Accepted.parse(await this.post(`/api/v1/runs/${segment(runId)}/approvals/${segment(stepId)}`, body));
  }
  async run(runId: string): Promise<RunView> { return RunView.parse(await this.json(`/api/v1/runs/${segment(runId)}`)); }
  async runs(filter: { repository?: string; status?: string }, limit: number): Promise<RunView[]> { return this.all(`/api/v1/runs`, filter, RunView, limit); }
  async steps(runId: string): Promise<StepView[]> { return this.all(`/api/v1/runs/${segment(runId)}/steps`, {}, StepView); }
  async artifacts(runId: string): Promise<ArtifactView[]> { return this.all(`/api/v1/runs/${segment(runId)}/artifacts`, {}, ArtifactView); }
  async pipelines(): Promise<PipelineView[]> { return this.all('/api/v1/pipelines', {}, PipelineView); }

  async schedules(): Promise<Schedule[]> { return this.all('/api/v1/schedules', {}, Schedule); }
  async addSchedule(body: Record<string, unknown>): Promise<Schedule> { return Schedule.parse(await this.post('/api/v1/schedules', body)); }
  async removeSchedule(scheduleId: string): Promise<void> { await this.fetch(`/api/v1/schedules/${segment(scheduleId)}`, { method: 'DELETE' }); }
  async limits(): Promise<Limit[]> { return this.all('/api/v1/limits', {}, Limit); }
  async setLimit({ kind, key, ...limit }: Limit): Promise<Limit> { return Limit.parse(await this.send('PUT', `/api/v1/limits/${segment(kind)}/${segment(key)}`, limit)); }
  async removeLimit(kind: string, key: string): Promise<void> { await this.fetch(`/api/v1/limits/${segment(kind)}/${segment(key)}`, { method: 'DELETE' }); }

  async artifact(artifactId: string): Promise<Buffer> {
    return Buffer.from(await (await this.fetch(`/api/v1/artifacts/${segment(artifactId)}`)).arrayBuffer());
  }

  /** The tar of an ended run, as it comes. */
  async export(runId: string): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.fetch(`/api/v1/runs/${segment(runId)}/export`);
    if (!body) throw new Exit(EXIT.failure, 'the answer has no content');
    return body;
  }

  /** A run's events from the first on, and its progress between them, until it ends. A stream that breaks is taken up again where it broke. */
  async *follow(runId: string, signal?: AbortSignal): AsyncGenerator<Followed, void> {
    let last = '0';
    for (let broken = 0; ;) {
      try {
        const response = await this.fetch(`/api/v1/runs/${segment(runId)}/events`, { headers: { accept: 'text/event-stream', 'last-event-id': last }, signal });
        if (response.status === 204 || !response.body) return;
        let over = false;
        for await (const { event, id, data } of serverSentEvents(response.body)) {
          broken = 0;
          if (event === 'progress') { yield { progress: Progress.parse(JSON.parse(data)) }; continue; }
          last = id;
          const parsed = RunEvent.parse(JSON.parse(data));
          over = ['run-succeeded', 'run-failed', 'run-cancelled'].includes(parsed.type);
          yield { event: parsed };
        }
        if (over) return;
      } catch (error) {
        if (signal?.aborted) return;
        if (error instanceof Exit && error.code !== EXIT.failure) throw error;
        if (++broken > RECONNECTS) throw error;
        await new Promise((resolve) => { setTimeout(resolve, RECONNECT_MS); });
        if (this.revive) this.url = await this.revive();
      }
    }
  }

  private async all<T extends z.ZodType>(path: string, filter: Record<string, string | undefined>, item: T, limit = Infinity): Promise<Array<z.infer<T>>> {
    const items: Array<z.infer<T>> = [];
    let cursor: string | undefined;
    do {
      const query = new URLSearchParams({ limit: String(Math.min(PAGE, limit - items.length)), ...(cursor === undefined ? {} : { cursor }) });
      for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, value);
      const page = z.object({ items: z.array(item), next: z.string().optional() }).parse(await this.json(`${path}?${query.toString()}`));
      items.push(...page.items);
      cursor = page.next;
    } while (cursor !== undefined && items.length < limit);
    return items;
  }

  private async json(path: string): Promise<unknown> { return (await this.fetch(path)).json(); }

  private async post(path: string, body?: Record<string, unknown>): Promise<unknown> { return this.send('POST', path, body); }

  private async send(method: 'POST' | 'PUT', path: string, body?: Record<string, unknown>): Promise<unknown> {
    const init = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return (await this.fetch(path, { method, ...init })).json();
  }

  private async fetch(path: string, init?: RequestInit): Promise<Response> {
    const response = await fetch(new URL(path, this.url), init).catch((error: unknown) => {
      if (init?.signal?.aborted) throw error;
      throw new Exit(EXIT.failure, `${this.url} does not answer (${error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)})`);
    });
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

async function refusal(response: Response): Promise<Exit> {
  const problem = Problem.safeParse(await response.json().catch(() => undefined));
  if (!problem.success) return new Exit(EXIT.failure, `${response.url} answered ${response.status}, which is no answer of Pullwright; check PULLWRIGHT_URL`);
  const { title, detail, errors, status, retryAfterSeconds } = problem.data;
  const fields = (errors ?? []).map(({ field, message, remedy }) => `\n  ${field || 'request'}: ${message}. ${remedy}`);
  return new Exit(CODES[status] ?? EXIT.failure, `${title}${detail ? ` (${detail})` : ''}${retryAfterSeconds === undefined ? '' : ` Again in ${retryAfterSeconds} s.`}${fields.join('')}`);
}

/** An id in a path. Dots alone would climb out of it, and encodeURIComponent leaves them. */
function segment(id: string): string {
  if (/^\.*$/.test(id)) throw new Exit(EXIT.usage, `${JSON.stringify(id)} is no id`);
  return encodeURIComponent(id);
}
