import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { AgentHandler, AgentHandlers } from '../src/agent.js';

/** Adds a letter to `params.file` each time it runs. */
const leavesTrace: AgentHandler = async (inputs, { task }) => {
  const { name, title, commit } = inputs.feature as { name: string; title: string; commit: string };
  appendFileSync(String(task.params.file), 'x');
  await sleep(200);
  if (task.params.moves) await promisify(execFile)('git', ['-C', task.repository, '-c', 'user.name=A', '-c', 'user.email=a@b', 'commit', '--allow-empty', '--quiet', '--message', 'moved'], { env: { PATH: process.env.PATH, HOME: '/nonexistent' } });
  return { outputs: { cases: { kind: 'test-cases@1', feature: name, title, commit, cases: [], leftOut: [] } }, facts: { ran: Object.keys(task.params).length } };
};

export const agents: AgentHandlers = { 'memo-sample/think': leavesTrace, 'memo-sample/read': leavesTrace, 'memo-sample/act': leavesTrace, 'memo-sample/blind': leavesTrace };
