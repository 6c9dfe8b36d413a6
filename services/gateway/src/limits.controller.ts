import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Limit } from '#contracts';
import { Coordinator } from './coordinator.js';
import { paginated } from './pages.js';
import { LimitPath, LimitRequest, PageQuery } from './requests.js';
import type { Page } from './responses.js';
import { checked } from './validation.js';

@Controller('api/v1/limits')
export class LimitsController {
  constructor(private readonly coordinator: Coordinator) {}

  @Get()
  async list(@Query({ schema: PageQuery }) query: PageQuery, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Page<Limit>> {
    return paginated(request, response, await this.coordinator.list('list-limits', query));
  }

  @Put(':kind/:key')
  async set(@Param({ schema: LimitPath }) path: LimitPath, @Body({ schema: LimitRequest }) body: LimitRequest): Promise<Limit> {
    return (await this.coordinator.ask('set-limit', checked(Limit, { ...path, ...body }))).item;
  }

  @Delete(':kind/:key')
  @HttpCode(204)
  async remove(@Param({ schema: LimitPath }) path: LimitPath): Promise<void> {
    await this.coordinator.ask('remove-limit', path);
  }
}
