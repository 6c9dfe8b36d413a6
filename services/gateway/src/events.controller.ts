import { Controller, Get, HttpException, Param, Query, Req, Res, type OnModuleDestroy } from '@nestjs/common';
import type { Request, Response } from 'express';
import { once } from 'node:events';
import { Bus } from '#bus';
import { Coordinator } from './coordinator.js';
import { EventFeed } from './event-feed.js';
import { paginated } from './pages.js';
import { EventsHeaders, EventsQuery, RunPath } from './requests.js';
import { runEvents, type Told } from './run-events.js';
import { Timing } from './timing.js';
import { checked } from './validation.js';

/** A run's events: as a page for `Accept: application/json`, as a live stream otherwise. */
@Controller('api/v1/runs')
export class EventsController implements OnModuleDestroy {
  private readonly closing = new AbortController();

  constructor(private readonly bus: Bus, private readonly feed: EventFeed, private readonly coordinator: Coordinator, private readonly timing: Timing) {}

  @Get(':runId/events')
  async events(@Param({ schema: RunPath }) { runId }: RunPath, @Query({ schema: EventsQuery }) query: EventsQuery, @Req() request: Request, @Res() response: Response): Promise<void> {
    const afterSeq = Math.max(query.afterSeq, checked(EventsHeaders, request.headers)['last-event-id']);
    const type = request.accepts(['text/event-stream', 'application/json']);
    if (type === false) throw new HttpException('not acceptable', 406);
    // A run that is not there must be a 404, and the stream cannot say so.
    const { item: run } = await this.coordinator.ask('get-run', { runId });
    if (type === 'application/json') {
      const { cursor, limit } = query;
      response.json(paginated(request, response, await this.coordinator.list('list-events', { runId, afterSeq, cursor, limit })));
      return;
    }
    // 204 tells an EventSource that comes back after the end to stop coming back.
    if (afterSeq > 0 && run.finishedAt !== undefined && (await this.coordinator.list('list-events', { runId, afterSeq, limit: 1 })).items.length === 0) response.status(204).end();
    else await this.stream(runId, afterSeq, response);
  }

  /** An open stream would keep the server from closing: readers come back with Last-Event-ID. */
  onModuleDestroy(): void { this.closing.abort(); }

  private async stream(runId: string, afterSeq: number, response: Response): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.closing.signal]);
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no', Connection: 'close' });
    response.flushHeaders();
    const { bus, feed, coordinator, timing: { heartbeatMs } } = this;
    for await (const told of runEvents({ bus, feed, coordinator, heartbeatMs }, runId, afterSeq, signal)) {
      if (!response.write(frame(told))) await Promise.race([once(response, 'drain', { signal }), once(response, 'close')]);
    }
    response.end();
  }
}

function frame(told: Told): string {
  if ('event' in told) return `id: ${told.event.seq}\ndata: ${JSON.stringify(told.event)}\n\n`;
  if ('progress' in told) return `event: progress\ndata: ${JSON.stringify(told.progress)}\n\n`;
  return ': still here\n\n';
}
