import { Controller, Get, Logger, ServiceUnavailableException, type OnModuleDestroy } from '@nestjs/common';
import { ArtifactStore } from '#artifacts';
import { Bus } from '#bus';

@Controller('health')
export class HealthController implements OnModuleDestroy {
  private readonly logger = new Logger('health');
  private stopping = false;

  constructor(private readonly bus: Bus, private readonly store: ArtifactStore) {}

  /** The process answers. It says nothing about others, or a restart of NATS would restart every service. */
  @Get('live')
  live(): { status: 'ok' } { return { status: 'ok' }; }

  /** Proves by a write to each that JetStream and the artifact store work; 503 when one does not, or while the service stops. */
  @Get('ready')
  async ready(): Promise<{ status: 'ok' }> {
    if (this.stopping) throw new ServiceUnavailableException();
    try {
      await Promise.all([this.bus.health(), this.store.check()]);
      return { status: 'ok' };
    } catch (error) {
      // The reason may name hosts and users: it is for the log.
      this.logger.warn(String(error));
      throw new ServiceUnavailableException();
    }
  }

  onModuleDestroy(): void { this.stopping = true; }
}
