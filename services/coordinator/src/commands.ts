import { Logger } from '@nestjs/common';
import type { z } from 'zod';
import { itemsIn, type Bus, type Delivered } from '#bus';
import { crashPoint } from '#config';
import { COMMANDS, Failure, MAX_MESSAGE_BYTES, type CommandReply, type RunCommandName, type StartReplies } from '#contracts';
import { startOfEvent } from './forge/events.js';
import type { Intent, Saga } from './saga.js';

const logger = new Logger('commands');
const AGAIN_MS = 1_000;
/** Characters of the details of refusals, tried until all replies to a shared message fit. */
const DETAIL_LENGTHS = [Infinity, 500, 100, 20, 0];

/** What each command wants of its run. */
const INTENTS: { [Name in RunCommandName]: (command: z.infer<(typeof COMMANDS)[Name]>, commandId: string) => Intent } = {
  'forge-event': (event) => ({ runId: event.runId, start: startOfEvent(event) }),
  'start-run': (start) => ({ runId: start.runId, start }),
  'cancel-run': ({ runId, requestedBy: by }) => ({ runId, signal: { type: 'cancel', by } }),
  'retry-run': ({ runId, requestedBy: by, fromStep }, commandId) => ({ runId, signal: { type: 'retry', by, fromStep, commandId } }),
  'decide-approval': ({ runId, requestedBy: by, stepId, decision, role }) => ({ runId, signal: { type: 'approval', by, stepId, decision, role } }),
};

type Refusal = Extract<CommandReply, { ok: false }>;
/** `wanted`: by a command one thing, by `start-runs` many, each of its own; what is none is refused. */
interface Command { readonly message: Delivered; readonly wanted: ReadonlyArray<Intent | Refusal>; readonly isShared: boolean }

/**
 * Carries out the commands of the gateway; each is answered after the commit, also when it is refused. Without a database they wait in the stream; a message of which a part was not written comes again
 * as a whole, and what was is not done twice.
 */
export async function serveCommands(bus: Pick<Bus, 'consume' | 'reply'>, saga: Saga): Promise<{ stop(): Promise<void> }> {
  return bus.consume('coordinator-commands', { batch: 512, concurrency: 2 }, async (messages) => {
    const commands = messages.map(readCommand);
    const answers = (await saga.apply(commands.flatMap(({ wanted }) => wanted.filter(isIntent)))).values();
    for (const command of commands) {
      const replies = command.wanted.map((each) => {
        if (!isIntent(each)) return each;
        const answer = answers.next().value;
        return answer?.status === 'fulfilled' ? answer.value : undefined;
      });
      if (replies.every((reply) => reply !== undefined)) settle(bus, command, replies);
      else command.message.nak(AGAIN_MS);
    }
  });
}

function settle(bus: Pick<Bus, 'reply'>, { message, isShared }: Command, replies: readonly CommandReply[]): void {
  for (const reply of replies) if (!reply.ok) logger.warn(`${message.subject} ${message.id}: ${reply.failure.code} ${reply.failure.detail ?? ''}`);
  crashPoint('commands.before-reply');
  if (message.replyTo) bus.reply(message.replyTo, isShared ? fitting(replies) : replies[0]);
  message.ackLater();
}

function readCommand(message: Delivered): Command {
  const name = message.subject.slice(message.subject.lastIndexOf('.') + 1);
  const isShared = name === 'start-runs';
  const wanted = isShared ? itemsIn(message.data, 'starts').map((start) => read('start-run', start, message.id)) : [read(name, message.data, message.id)];
  // A list of nothing wants nothing, and has to be answered all the same.
  return { message, isShared, wanted: wanted.length > 0 ? wanted : [refusal('starts: is empty')] };
}

/** The intent, or the refusal of what is no command. */
function read(name: string, data: unknown, commandId: string): Intent | Refusal {
  if (!isCommandName(name)) return refusal(`there is no command ${name.slice(0, 64)}`);
  const parsed = COMMANDS[name].safeParse(data);
  if (!parsed.success) return refusal(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ').slice(0, 500));
  // The compiler cannot see that schema and intent belong to the same name.
  return (INTENTS[name] as (command: unknown, commandId: string) => Intent)(parsed.data, commandId);
}

/** Replies to many, as they fit on the bus: what was refused is told with its code at least. */
function fitting(replies: readonly CommandReply[]): string {
  for (const length of DETAIL_LENGTHS) {
    const json = JSON.stringify({ replies: length === Infinity ? [...replies] : replies.map(({ quotas: _quotas, ...reply }) => (reply.ok ? reply : { ...reply, failure: { ...reply.failure, detail: reply.failure.detail?.slice(0, length) } })) } satisfies z.input<typeof StartReplies>);
    if (Buffer.byteLength(json) <= MAX_MESSAGE_BYTES) return json;
  }
  throw new Failure('internal', `${replies.length} replies do not fit on the bus`);
}

const refusal = (detail: string): Refusal => ({ ok: false, failure: { code: 'bad-request', detail } });
const isIntent = (wanted: Intent | Refusal): wanted is Intent => 'runId' in wanted;
const isCommandName = (name: string): name is RunCommandName => Object.hasOwn(INTENTS, name);
