import { Controller, Get, Logger, ServiceUnavailableException } from '@nestjs/common';
import { Coordinator } from './coordinator.js';

@Controller('health')
export class HealthController {
  private readonly logger = new Logger('health');

  constructor(private readonly coordinator: Coordinator) {}

  /** The process answers. It says nothing about others, or a restart of Postgres would restart every coordinator. */
  @Get('live')
  live(): { status: 'ok' } { return { status: 'ok' }; }

  @Get('ready')
  async ready(): Promise<{ status: 'ok' }> {
    try {
      await this.coordinator.ready();
      return { status: 'ok' };
    } catch (error) {
      // The reason may name hosts and users: it is for the log.
      this.logger.warn(String(error));
      throw new ServiceUnavailableException();
    }
  }
}
