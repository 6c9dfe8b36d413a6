import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentContext } from '#agent';
import { crashPoint } from '#config';
import type { PullRequest } from '#contracts';
import { note } from './effects.js';

/** What the agents of the suite do: take a moment, have an effect on the world, say so in an artifact. */

/** A number that a text decides. */
export function numberOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32LE(0);
}

export function artifact({ task }: Pick<AgentContext, 'task'>, detail = ''): PullRequest {
  const zero = '0'.repeat(40);
  return {
    kind: 'pull-request@1', forge: 'local', repository: task.repository, branch: 'chaos', base: 'main', baseCommit: zero, commit: zero, tree: zero, outcome: 'opened',
    title: `${task.runId} ${task.stepId} ${detail}`, body: '', files: [], createdBy: task.runId, look: '',
  };
}

/** Half the time before the effect and half after it, so that a kill hits both. */
export async function act({ task, signal }: AgentContext): Promise<void> {
  const ms = 5 + numberOf(`${task.runId} ${task.stepId}`) % 120;
  note('begin', task);
  await sleep(ms, undefined, { signal });
  crashPoint('handler.before-effect');
  note('effect', task);
  crashPoint('handler.after-effect');
  await sleep(ms, undefined, { signal });
  note('end', task);
}
