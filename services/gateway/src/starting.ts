import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { CommandReply, Quota, StartRun } from '#contracts';
import { Coordinator } from './coordinator.js';
import { RequestFailure } from './problem.js';
import type { RerunRequest, StartRunRequest } from './requests.js';
import type { Accepted } from './responses.js';
import { newRunId } from './run-id.js';

/** Until there is a login, every caller of the API is this one. */
export const CALLER = 'rest';

/** `quotas`: of the windows that the start was counted in. */
export interface Started { accepted: Accepted; quotas?: readonly Quota[] }

/** Requests to start a run, as the command that starts it. With an idempotency `key` the same request answers with the first run. All throw what the coordinator refused. */
@Injectable()
export class Starting {
  constructor(private readonly coordinator: Coordinator) {}

  async start(request: StartRunRequest, key: string | undefined): Promise<Started> {
    return this.begin(startOf(request), key, () => hashOf(request));
  }

  /** Many, each as by `start`, in order. `keyOf`: of the one at a place. */
  async startAll(requests: readonly StartRunRequest[], keyOf: (index: number) => string | undefined): Promise<Array<PromiseSettledResult<Started>>> {
    const commands = requests.map((request, index) => commandOf(startOf(request), keyOf(index), () => hashOf(request)));
    const replies = await this.coordinator.orderStarts(commands);
    return Promise.allSettled(commands.map(async (command, index) => {
      const reply = replies[index];
      if (reply?.status !== 'fulfilled') throw reply?.reason;
      return started(command, reply.value);
    }));
  }

  /** With what an earlier run had. */
  async startAgain(runId: string, { cache }: RerunRequest, key: string | undefined): Promise<Started> {
    const { pipeline, repository, ref, params, tenant, priority } = (await this.coordinator.ask('get-run', { runId })).item;
    return this.begin({ pipeline, repository, ref, params, cache, tenant, priority }, key, () => `rerun ${runId} ${cache ?? true}`);
  }

  /** `requestHash` is equal for requests that may have one key. */
  private async begin(start: Start, key: string | undefined, requestHash: () => string): Promise<Started> {
    const command = commandOf(start, key, requestHash);
    return started(command, await this.coordinator.order('start-run', command));
  }
}

function commandOf(start: Start, key: string | undefined, requestHash: () => string): StartRun {
  return { runId: newRunId(), ...start, requestedBy: CALLER, ...(key === undefined ? {} : { idempotency: { key, requestHash: requestHash() } }) };
}

function started({ runId, idempotency }: StartRun, reply: Extract<CommandReply, { ok: true }> | undefined): Started {
  // With a key the run may be an earlier one, which only the coordinator knows: an id told now could name a run that never comes to be.
  if (reply === undefined && idempotency) throw new RequestFailure('bus-unavailable', { detail: 'the coordinator is away; the request is stored; send it again with the same Idempotency-Key to learn the run’s id' });
  return { accepted: { runId: reply?.runId ?? runId, status: reply ? 'started' : 'stored', repeated: reply?.repeated ?? false }, quotas: reply?.quotas };
}

type Start = Pick<StartRun, 'pipeline' | 'repository' | 'ref' | 'params' | 'cache' | 'tenant' | 'priority'>;

/** A request with its short forms among the parameters. */
export function startOf({ repository, ref, pipeline, params, cache, tenant, priority, ...shorts }: StartRunRequest): Start {
  const given = Object.fromEntries(Object.entries(shorts).filter(([, value]) => value !== undefined)) as Record<string, string | boolean>;
  return { pipeline, repository, ref, params: { ...params, ...given }, cache, tenant, priority };
}

/** The parsed body has its keys in the schema's order, so equal requests have equal hashes however they were written; parameters are sorted. */
function hashOf(request: StartRunRequest): string {
  const params = Object.fromEntries(Object.entries(request.params).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify({ ...request, params })).digest('hex');
}
