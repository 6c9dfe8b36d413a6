import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { PipelineView } from '#contracts';
import { Coordinator } from './coordinator.js';
import { paginated } from './pages.js';
import { PageQuery } from './requests.js';
import type { Page } from './responses.js';

@Controller('api/v1/pipelines')
export class PipelinesController {
  constructor(private readonly coordinator: Coordinator) {}

  @Get()
  async list(@Query({ schema: PageQuery }) query: PageQuery, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Page<PipelineView>> {
    return paginated(request, response, await this.coordinator.list('list-pipelines', query));
  }
}
