import { rmSync } from 'node:fs';
import type { AgentHandlers } from './agent.js';
import { forgeFor } from './agent-forge.js';
import { failureOf } from './agent-failure.js';
import type { FromChild, ToChild } from './child-protocol.js';

/**
 * The single-use process: imports the agents' module, says that it is ready, runs one task, answers and ends. It is the leader of a process group, so that
 * whatever it has started ends with it. When the host is gone there is nobody to answer and nobody who removes its folder: it removes it and ends at once.
 */
const [agentsModuleUrl, folder] = process.argv.slice(2) as [string, string];
const stopping = new AbortController();

function send(message: FromChild, sent?: () => void): void {
  process.send?.(message, undefined, undefined, sent);
}

/** Ends this process and everything it started. */
function end(): void {
  process.kill(-process.pid, 'SIGKILL');
}

function endAlone(): void {
  rmSync(folder, { recursive: true, force: true });
  end();
}

async function run({ agent, task, inputs, access }: Extract<ToChild, { type: 'run' }>, handlers: AgentHandlers): Promise<FromChild> {
  const handler = handlers[agent];
  if (!handler) return { type: 'failed', code: 'agent-unknown', detail: agent };
  try {
    const output = await handler(inputs, {
      task, signal: stopping.signal, get forge() { return forgeFor(agent, access); },
      progress: (phase, done, total) => { send({ type: 'progress', phase, done, total }); },
      log: (message) => { send({ type: 'log', message }); },
    });
    return { type: 'done', output };
  } catch (error) {
    const { code, detail } = failureOf(error);
    if (code === 'internal') process.stderr.write(`${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
    return { type: 'failed', code, detail };
  }
}

process.once('disconnect', endAlone);
// The host may have gone while this process was starting, before anybody listened.
if (!process.connected) endAlone();
const { agents } = await import(agentsModuleUrl) as { agents: AgentHandlers };
process.on('message', (message: ToChild) => {
  if (message.type === 'abort') stopping.abort();
  else void run(message, agents).then((answer) => { send(answer, end); });
});
send({ type: 'ready', agents: Object.keys(agents) });
