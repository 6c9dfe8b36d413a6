import type { AgentContext, AgentHandler, AgentHandlers, AgentOutput } from '#agent';
import { crashPoint } from '#config';
import { Failure } from '#contracts';
import { act, artifact, numberOf } from './acting.js';
import { note } from './effects.js';

/** The agents that run inside their service. How often one fails is decided by its run, so that the same run fails the same way again. */

async function work(context: AgentContext): Promise<AgentOutput> {
  await act(context);
  return { outputs: { item: artifact(context) }, facts: {} };
}

const flaky: AgentHandler = async (_inputs, context) => {
  const { runId, attempt } = context.task;
  if (attempt <= numberOf(runId) % 3) throw new Failure('forge-unavailable', 'as the run asks for');
  return work(context);
};

const doomed: AgentHandler = async (_inputs, context) => {
  const { params, attempt } = context.task;
  if (params.fails === 'always' || (params.fails === 'once' && attempt === 1)) throw new Failure('nothing-to-test', 'as the run asks for');
  return work(context);
};

const list: AgentHandler = async (_inputs, context) => {
  await act(context);
  const width = Number(context.task.params.width);
  return { outputs: { items: Array.from({ length: width }, (_, index) => artifact(context, String(index))) }, facts: {} };
};

const gather: AgentHandler = async ({ items }, context) => {
  if (!Array.isArray(items) || items.length !== context.task.params.width) throw new Failure('nothing-to-test', `${Array.isArray(items) ? items.length : 'no'} elements of ${context.task.params.width}`);
  return work(context);
};

const undo: AgentHandler = async (_inputs, { task }) => {
  note('begin', task);
  crashPoint('undo.before-effect');
  note('undo', task);
  crashPoint('undo.after-effect');
  note('end', task);
  return { outputs: {}, facts: {} };
};

export const agents: AgentHandlers = {
  'worker/work': async (_inputs, context) => work(context), 'worker/flaky': flaky, 'worker/doomed': doomed, 'worker/list': list, 'worker/gather': gather, 'worker/undo': undo,
};
