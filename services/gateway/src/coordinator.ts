import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { Bus, shareOut, type Item } from '#bus';
import { COMMANDS, CommandReply, Failure, QUERIES, StartReplies, subjects, type QueryName, type RunCommandName, type StartRun } from '#contracts';
import { RequestFailure } from './problem.js';
import { Timing } from './timing.js';

type QueryRequest<N extends QueryName> = z.input<(typeof QUERIES)[N]['request']>;
type QueryAnswer<N extends QueryName> = Extract<z.infer<(typeof QUERIES)[N]['reply']>, { ok: true }>;
type ItemOf<N extends QueryName> = QueryAnswer<N> extends { items: Array<infer T> } ? T : never;
export type ListQuery = { [N in QueryName]: QueryAnswer<N> extends { items: unknown } ? N : never }[QueryName];

type Done = Extract<CommandReply, { ok: true }>;
/** As many as can all be answered with one message, whatever the answers. */
const STARTS_AT_MOST = 50;

/** What the gateway may ask of the coordinator, and what its silence and its refusals mean to a caller. */
@Injectable()
export class Coordinator {
  constructor(private readonly bus: Bus, private readonly timing: Timing) {}

  /** Throws what the coordinator refused, and `Failure('bus-unavailable')` when it is away: a read is not stored for later. */
  async ask<N extends QueryName>(name: N, request: QueryRequest<N>): Promise<QueryAnswer<N>> {
    const raw = await this.bus.request(subjects.query(name), QUERIES[name].request.parse(request), this.timing.answerMs);
    const reply = QUERIES[name].reply.parse(raw);
    if (!reply.ok) throw new Failure(reply.failure.code, reply.failure.detail);
    return reply as QueryAnswer<N>;
  }

  /** Follows the coordinator's pages, which are short by the bus's size bound, until `limit` items are there or no more exist. */
  async list<N extends ListQuery>(name: N, request: QueryRequest<N> & { cursor?: string; limit: number }): Promise<{ items: Array<ItemOf<N>>; next?: string }> {
    const items: Array<ItemOf<N>> = [];
    let cursor = request.cursor;
    do {
      const page = await this.ask(name, { ...request, cursor, limit: request.limit - items.length }) as { items: Array<ItemOf<N>>; next?: string };
      items.push(...page.items);
      cursor = page.next;
    } while (cursor !== undefined && items.length < request.limit);
    return { items, ...(cursor === undefined ? {} : { next: cursor }) };
  }

  /**
   * Publishes a command, which is durable from then on, and waits for the reply that follows its commit. Undefined when the coordinator is away:
   * the command is carried out when it is back. Throws what the coordinator refused.
   */
  async order<N extends RunCommandName>(name: N, command: z.infer<(typeof COMMANDS)[N]>): Promise<Done | undefined> {
    const raw = await this.bus.command(subjects.command(name), command, { id: `${command.runId}.${name}.${randomUUID()}` }, this.timing.answerMs);
    return raw === undefined ? undefined : accepted(CommandReply.parse(raw));
  }

  /** The same for many starts, which share messages; in order, each settles like `order`. */
  async orderStarts(starts: readonly StartRun[]): Promise<Array<PromiseSettledResult<Done | undefined>>> {
    const messages = shareOut('starts', starts.map((start) => ({ id: start.runId, json: JSON.stringify(start) })), STARTS_AT_MOST);
    return (await Promise.all(messages.map(async (message) => this.orderShared(message)))).flat();
  }

  private async orderShared({ id, json, items }: { id: string; json: string; items: readonly Item[] }): Promise<Array<PromiseSettledResult<Done | undefined>>> {
    try {
      const raw = await this.bus.command(subjects.command('start-runs'), json, { id }, this.timing.answerMs);
      if (raw === undefined) return items.map(() => ({ status: 'fulfilled', value: undefined }));
      const { replies } = StartReplies.parse(raw);
      return await Promise.allSettled(items.map(async (_, index) => accepted(replies[index])));
    } catch (reason) {
      return items.map(() => ({ status: 'rejected', reason }));
    }
  }
}

function accepted(reply: CommandReply | undefined): Done {
  if (reply?.ok) return reply;
  if (!reply) throw new Failure('internal', 'a start has no reply');
  throw new RequestFailure(reply.failure.code, { detail: reply.failure.detail, retryAfterSeconds: reply.retryAfterSeconds, quotas: reply.quotas });
}
