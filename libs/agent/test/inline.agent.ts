import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '#contracts';
import type { AgentHandlers, AgentOutput } from '../src/agent.js';

const done = (facts: AgentOutput['facts']): AgentOutput => ({ outputs: {}, facts });

let [now, most] = [0, 0];

/** Handlers that run inside the service, well or in one of the ways that handlers go wrong. */
export const agents: AgentHandlers = {
  'inline-sample/count': async (_inputs, { task, signal, progress }) => {
    switch (task.params.behaviour) {
      case 'throws': throw new TypeError('const secret = "from the repository"');
      case 'failure': throw new Failure('nothing-to-test', 'on purpose');
      case 'foreign': throw Object.assign(new Error('on purpose'), { name: 'Failure', code: 'nothing-to-test' });
      case 'extra': return { outputs: { more: {} }, facts: { process: 0 } };
      case 'facts': return done({});
      case 'nothing': return undefined as unknown as AgentOutput;
      case 'wait':
        progress('waiting', 0);
        await sleep(60_000, undefined, { signal });
        return done({ process: 0 });
      case 'deaf':
        progress('waiting', 0);
        await new Promise(() => undefined);
        return done({ process: 0 });
      // Answers with the most that were at work at a time.
      case 'counted':
        most = Math.max(most, ++now);
        await sleep(20);
        now--;
        return done({ process: most });
      default: return done({ process: process.pid });
    }
  },
};
