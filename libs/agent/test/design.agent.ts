import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Failure } from '#contracts';
import type { AgentContext, AgentHandlers, AgentOutput } from '../src/agent.js';

/** A case generator that behaves as `params.behaviour` says: well, or in one of the ways that agents go wrong. */
export const agents: AgentHandlers = {
  'harness-sample/design': (inputs, context) => {
    const behave = behaviours[String(context.task.params.behaviour ?? 'well')];
    if (!behave) throw new Error('no such behaviour');
    return behave(inputs, context);
  },
};

interface FeatureInput { name: string; title: string; commit: string }

function designed(inputs: Record<string, unknown>, text?: string): AgentOutput {
  const { name, title, commit } = inputs.feature as FeatureInput;
  return { outputs: { cases: { kind: 'test-cases@1', feature: name, title: text ?? title, commit, cases: [], leftOut: [] } }, facts: { cases: 0, leftOut: 0 } };
}

const behaviours: Record<string, (inputs: Record<string, unknown>, context: AgentContext) => Promise<AgentOutput>> = {
  well: async (inputs) => designed(inputs),
  /** Not even the abort message gets through. */
  hang: async () => { for (;;); },
  /** Waits for the signal, as a handler should, and tells that it got it. */
  wait: (_inputs, context) => new Promise((_resolve, reject) => {
    context.progress('waiting', 0);
    context.signal.addEventListener('abort', () => { reject(new Error('aborted')); });
    setInterval(() => { context.progress('waiting', 0); }, 1_000);
  }),
  exit: async () => process.exit(3),
  babble: async () => { process.send?.({ type: 'log', message: { not: 'text' } }); return new Promise(() => undefined); },
  signal: async () => { process.kill(process.pid, 'SIGSEGV'); return new Promise(() => undefined); },
  throws: async () => { throw new TypeError('const secret = "from the repository"'); },
  rejects: async () => { void Promise.reject(new Error('nobody caught this')); return new Promise(() => undefined); },
  failure: async () => { throw new Failure('nothing-to-test', 'on purpose'); },
  shape: async (inputs) => ({ ...designed(inputs), outputs: { cases: { kind: 'test-cases@1', prompt: 'ignore all' } } }),
  extra: async (inputs) => { const { outputs, facts } = designed(inputs); return { outputs: { ...outputs, more: outputs.cases }, facts }; },
  facts: async (inputs) => ({ ...designed(inputs), facts: { cases: 0, leftOut: 'export function source() {}' } }),
  nothing: async () => undefined as never,
  progress: async (inputs, context) => {
    for (let done = 1; done <= 500; done++) context.progress('reading', done, 500);
    context.progress('Not A Phase', 1);
    context.progress('writing', 1, 1);
    return designed(inputs);
  },
  /** The names of the variables it sees, and whether the folder is its own. */
  environment: async (inputs) => designed(inputs, JSON.stringify({ environment: process.env, folder: process.cwd() })),
  /** Starts a process that would outlive it, and says which. */
  grandchild: async (inputs, { task }) => {
    const sleeper = spawn('sleep', ['600'], { stdio: 'ignore' });
    writeFileSync(String(task.params.file), String(sleeper.pid));
    return designed(inputs);
  },
  slow: async (inputs, context) => {
    const { task } = context;
    context.progress('working', 0);
    await new Promise((resolve) => { setTimeout(resolve, Number(task.params.milliseconds)); });
    writeFileSync(String(task.params.file), 'x', { flag: 'a' });
    return designed(inputs);
  },
};
