import type { Task } from '#contracts';
import type { ForgeAccess } from '#forge';
import type { AgentHandler } from './agent.js';
import { forgeFor } from './agent-forge.js';
import { failureOf } from './agent-failure.js';
import type { RunListeners } from './agent-process.js';
import type { StepStop } from './step-stop.js';

/**
 * Runs an agent of `isolation: inline` inside the service and answers with what its handler returned, unchecked. Throws the `Failure` that the handler threw, or the reason of `stop` as
 * soon as that is told. The handler itself only has its signal: one that goes on is not waited for, and one that blocks the event loop cannot be stopped and holds up the whole service.
 */
export function runInline(handler: AgentHandler, task: Task, inputs: Record<string, unknown>, access: ForgeAccess | undefined, listeners: RunListeners, stop: StepStop): Promise<unknown> {
  return new Promise((resolve, reject) => {
    stop.onStop(reject);
    if (stop.isStopped) return;
    const fail = (error: unknown) => { reject(failureOf(error)); };
    try {
      handler(inputs, { task, get signal() { return stop.signal; }, get forge() { return forgeFor(task.agent, access); }, progress: listeners.progress, log: listeners.log }).then(resolve, fail);
    } catch (error) {
      fail(error);
    }
  });
}
