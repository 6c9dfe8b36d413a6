import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { createHash } from 'node:crypto';
import type { ArtifactView, RunView, StartRun, StepView } from '#contracts';
import { Coordinator } from './coordinator.js';
import { paginated } from './pages.js';
import { RequestFailure } from './problem.js';
import { ApprovalPath, ApprovalRequest, IdempotencyHeaders, PageQuery, RerunRequest, RetryRequest, RunPath, RunsQuery, StartRunRequest } from './requests.js';
import type { Accepted, Page } from './responses.js';
import { newRunId } from './run-id.js';
import { checkedHeaders } from './validation.js';

/** Until there is a login, every caller of the API is this one. */
const CALLER = 'rest';

@Controller('api/v1/runs')
export class RunsController {
  constructor(private readonly coordinator: Coordinator) {}

  @Post()
  @HttpCode(202)
  async start(@Body({ schema: StartRunRequest }) body: StartRunRequest, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Accepted> {
    const { repository, ref, pipeline, params, ...shorts } = body;
    const given = Object.fromEntries(Object.entries(shorts).filter(([, value]) => value !== undefined)) as Record<string, string | boolean>;
    return this.begin({ pipeline, repository, ref, params: { ...params, ...given } }, hashOf(body), request, response);
  }

  /** The pipeline is the one of that name now; a retry goes on with the one that the run has pinned. */
  @Post(':runId/rerun')
  @HttpCode(202)
  async rerun(@Param({ schema: RunPath }) { runId }: RunPath, @Body({ schema: RerunRequest }) _body: RerunRequest, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Accepted> {
    const { pipeline, repository, ref, params } = (await this.coordinator.ask('get-run', { runId })).item;
    return this.begin({ pipeline, repository, ref, params }, `rerun ${runId}`, request, response);
  }

  /** `requestHash`: equal for requests that one Idempotency-Key may have. */
  private async begin(start: Pick<StartRun, 'pipeline' | 'repository' | 'ref' | 'params'>, requestHash: string, request: Request, response: Response): Promise<Accepted> {
    const chosen = newRunId();
    const key = checkedHeaders(IdempotencyHeaders, request.headers)['idempotency-key'];
    const reply = await this.coordinator.order('start-run', { runId: chosen, ...start, requestedBy: CALLER, ...(key === undefined ? {} : { idempotency: { key, requestHash } }) });
    // With a key the run may be an earlier one, which only the coordinator knows: an id told now could name a run that never comes to be.
    if (reply === undefined && key !== undefined) throw new RequestFailure('bus-unavailable', { detail: 'the coordinator is away; the request is stored; send it again with the same Idempotency-Key to learn the run’s id' });
    const runId = reply?.runId ?? chosen;
    response.setHeader('Location', `/api/v1/runs/${runId}`);
    return { runId, status: reply ? 'started' : 'stored', repeated: reply?.repeated ?? false };
  }

  @Get()
  async list(@Query({ schema: RunsQuery }) query: RunsQuery, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Page<RunView>> {
    return paginated(request, response, await this.coordinator.list('list-runs', query));
  }

  @Get(':runId')
  async get(@Param({ schema: RunPath }) { runId }: RunPath): Promise<RunView> {
    return (await this.coordinator.ask('get-run', { runId })).item;
  }

  @Get(':runId/steps')
  async steps(@Param({ schema: RunPath }) { runId }: RunPath, @Query({ schema: PageQuery }) query: PageQuery, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Page<StepView>> {
    return paginated(request, response, await this.coordinator.list('list-steps', { runId, ...query }));
  }

  @Get(':runId/artifacts')
  async artifacts(@Param({ schema: RunPath }) { runId }: RunPath, @Query({ schema: PageQuery }) query: PageQuery, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Page<ArtifactView>> {
    return paginated(request, response, await this.coordinator.list('list-artifacts', { runId, ...query }));
  }

  @Post(':runId/cancel')
  @HttpCode(202)
  async cancel(@Param({ schema: RunPath }) { runId }: RunPath): Promise<Accepted> {
    const reply = await this.coordinator.order('cancel-run', { runId, requestedBy: CALLER });
    return { runId, status: reply ? 'started' : 'stored', repeated: false };
  }

  @Post(':runId/retry')
  @HttpCode(202)
  async retry(@Param({ schema: RunPath }) { runId }: RunPath, @Body({ schema: RetryRequest }) { fromStep }: RetryRequest): Promise<Accepted> {
    const reply = await this.coordinator.order('retry-run', { runId, fromStep, requestedBy: CALLER });
    return { runId, status: reply ? 'started' : 'stored', repeated: false };
  }

  @Post(':runId/approvals/:stepId')
  @HttpCode(202)
  async decide(@Param({ schema: ApprovalPath }) { runId, stepId }: ApprovalPath, @Body({ schema: ApprovalRequest }) body: ApprovalRequest): Promise<Accepted> {
    const reply = await this.coordinator.order('decide-approval', { runId, stepId, ...body, requestedBy: CALLER });
    return { runId, status: reply ? 'started' : 'stored', repeated: false };
  }
}

/** The parsed body has its keys in the schema's order, so equal requests have equal hashes however they were written; parameters are sorted. */
function hashOf(body: StartRunRequest): string {
  const params = Object.fromEntries(Object.entries(body.params).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify({ ...body, params })).digest('hex');
}
