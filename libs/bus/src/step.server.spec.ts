import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern } from '@nestjs/microservices';
import { subjects } from '#contracts';
import { startNats, type TestNats } from '#testing';
import { Bus } from './bus.js';
import { provision } from './provision.js';
import { StepContext, StepServer } from './step.server.js';

const handled = Promise.withResolvers<{ data: unknown; deliveries: number }>();

@Controller()
class CrawlController {
  private tries = 0;

  @EventPattern('crawler/crawl')
  async crawl(@Ctx() context: StepContext): Promise<void> {
    this.tries += 1;
    if (this.tries === 1) throw new Error('the first try of a test');
    await context.message.ack();
    handled.resolve({ data: context.message.data, deliveries: context.message.deliveries });
  }
}
@Module({ controllers: [CrawlController] })
class CrawlModule {}

@Controller()
class RivalController {
  @EventPattern('crawler/crawl')
  async crawl(@Ctx() context: StepContext): Promise<void> { await context.message.ack(); }
}
@Module({ controllers: [CrawlController, RivalController] })
class RivalModule {}

@Controller()
class MisspeltController {
  @EventPattern('crawler/crwal')
  async crawl(@Ctx() context: StepContext): Promise<void> { await context.message.ack(); }
}
@Module({ controllers: [MisspeltController] })
class MisspeltModule {}

let nats: TestNats;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await Bus.open({ servers: nats.url, name: 'crawler' });
  await provision(bus);
});
afterAll(async () => {
  await bus.close();
  await nats.remove();
});

async function boot(module: object): Promise<{ close(): Promise<void> }> {
  const app = await NestFactory.createMicroservice(module, { strategy: new StepServer(bus, { slots: 1, graceMs: 0 }), abortOnError: false, logger: false });
  await app.listen();
  return app;
}

test('a handler named by its step gets the task, and again when it threw', async () => {
  const app = await boot(CrawlModule);
  await bus.publish(subjects.task('crawler/crawl'), { n: 1 }, { id: 'task' });
  expect(await handled.promise).toEqual({ data: { n: 1 }, deliveries: 2 });
  await app.close();
  expect((await bus.manager.streams.info('PULLWRIGHT_TASKS')).state.messages).toBe(0);
});

test.each<[string, object, string]>([
  ['two handlers for one step', RivalModule, 'internal'],
  ['a handler for a step that no agent has', MisspeltModule, 'agent-unknown'],
])('%s fail the boot', async (_what, module, code) => {
  await expect(boot(module)).rejects.toMatchObject({ code });
});
