import { Controller, Get } from '@nestjs/common';
import { Bus } from '#bus';
import type { Health } from './responses.js';

@Controller('health')
export class HealthController {
  constructor(private readonly bus: Bus) {}

  /** The process answers: says nothing about others, or a restart of NATS would restart every service. */
  @Get('live')
  live(): Health { return { status: 'ok' }; }

  /** Proves that commands can be stored: a write to JetStream, not a ping. */
  @Get('ready')
  async ready(): Promise<Health> {
    await this.bus.health();
    return { status: 'ok' };
  }
}
