import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { ArtifactView, RunView, StepView } from '#contracts';
import { Coordinator } from './coordinator.js';
import { paginated } from './pages.js';
import { ApprovalPath, ApprovalRequest, IdempotencyHeaders, PageQuery, RerunRequest, RetryRequest, RunPath, RunsQuery, StartRunRequest } from './requests.js';
import type { Accepted, Page } from './responses.js';
import { tellQuotas } from './rate-limit.js';
import { CALLER, Starting, type Started } from './starting.js';
import { checked } from './validation.js';

@Controller('api/v1/runs')
export class RunsController {
  constructor(private readonly coordinator: Coordinator, private readonly starting: Starting) {}

  @Post()
  @HttpCode(202)
  async start(@Body({ schema: StartRunRequest }) body: StartRunRequest, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Accepted> {
    return located(response, await this.starting.start(body, keyOf(request)));
  }

  /** The pipeline is the one of that name now; a retry goes on with the one that the run has pinned. */
  @Post(':runId/rerun')
  @HttpCode(202)
  async rerun(@Param({ schema: RunPath }) { runId }: RunPath, @Body({ schema: RerunRequest }) body: RerunRequest, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Accepted> {
    return located(response, await this.starting.startAgain(runId, body, keyOf(request)));
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

function keyOf(request: Request): string | undefined {
  return checked(IdempotencyHeaders, request.headers)['idempotency-key'];
}

function located(response: Response, { accepted, quotas }: Started): Accepted {
  tellQuotas(response, quotas);
  response.setHeader('Location', `/api/v1/runs/${accepted.runId}`);
  return accepted;
}
