import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Schedule } from '#contracts';
import { Coordinator } from './coordinator.js';
import { paginated } from './pages.js';
import { AddScheduleRequest, PageQuery, SchedulePath } from './requests.js';
import type { Page } from './responses.js';
import { newRunId } from './run-id.js';
import { CALLER, startOf } from './starting.js';

@Controller('api/v1/schedules')
export class SchedulesController {
  constructor(private readonly coordinator: Coordinator) {}

  @Post()
  async add(@Body({ schema: AddScheduleRequest }) { cron, timeZone, ...request }: AddScheduleRequest): Promise<Schedule> {
    return (await this.coordinator.ask('add-schedule', { scheduleId: newRunId().replace(/^run/, 'sch'), cron, timeZone, ...startOf(request), requestedBy: CALLER })).item;
  }

  @Get()
  async list(@Query({ schema: PageQuery }) query: PageQuery, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Page<Schedule>> {
    return paginated(request, response, await this.coordinator.list('list-schedules', query));
  }

  @Delete(':scheduleId')
  @HttpCode(204)
  async remove(@Param({ schema: SchedulePath }) { scheduleId }: SchedulePath): Promise<void> {
    await this.coordinator.ask('remove-schedule', { scheduleId });
  }
}
