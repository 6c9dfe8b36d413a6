import { Controller, Inject, Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit, type Type } from '@nestjs/common';
import { Ctx, EventPattern } from '@nestjs/microservices';
import { StepContext } from '#bus';
import { agentsOf, Harness, type HarnessOptions } from './harness.js';

class RunningHarness extends Harness implements OnModuleInit, OnApplicationShutdown {
  onModuleInit(): Promise<void> { return this.start(); }
  onApplicationShutdown(): Promise<void> { return this.stop(); }
}

/** One agent service as a Nest module. Needs a microservice with the `StepServer` transport in the application that imports it. */
@Module({})
export class AgentServiceModule {
  static forRoot(options: HarnessOptions): DynamicModule {
    return {
      module: AgentServiceModule,
      providers: [{ provide: Harness, useFactory: () => new RunningHarness(options) }],
      controllers: [stepsController(options.service)],
    };
  }
}

/** A controller with one handler for each step of the service, named by the agent: the contract is the only list of them. */
function stepsController(service: string): Type {
  @Controller()
  class StepsController {
    constructor(@Inject(Harness) readonly harness: Harness) {}
  }
  for (const agent of agentsOf(service)) {
    const handler = function handle(this: StepsController, context: StepContext): Promise<void> {
      return this.harness.handle(agent, context.message, context.signal);
    };
    Object.defineProperty(StepsController.prototype, agent, { value: handler, configurable: true, writable: true });
    Ctx()(StepsController.prototype, agent, 0);
    const listens = EventPattern(agent) as MethodDecorator;
    listens(StepsController.prototype, agent, { value: handler });
  }
  return StepsController;
}
