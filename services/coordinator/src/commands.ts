import { Logger } from '@nestjs/common';
import type { z } from 'zod';
import type { Bus, Delivered } from '#bus';
import { crashPoint } from '#config';
import { COMMANDS, type CommandName, type CommandReply } from '#contracts';
import { startOfEvent } from './forge/events.js';
import type { Intent, Saga } from './saga.js';

const logger = new Logger('commands');
const AGAIN_MS = 1_000;

/** What each command wants of its run. */
const INTENTS: { [Name in CommandName]: (command: z.infer<(typeof COMMANDS)[Name]>, commandId: string) => Intent } = {
  'forge-event': (event) => ({ runId: event.runId, start: startOfEvent(event) }),
  'start-run': (start) => ({ runId: start.runId, start }),
  'cancel-run': ({ runId, requestedBy: by }) => ({ runId, signal: { type: 'cancel', by } }),
  'retry-run': ({ runId, requestedBy: by, fromStep }, commandId) => ({ runId, signal: { type: 'retry', by, fromStep, commandId } }),
  'decide-approval': ({ runId, requestedBy: by, stepId, decision, role }) => ({ runId, signal: { type: 'approval', by, stepId, decision, role } }),
};

/** Carries out the commands of the gateway; each is answered after the commit, also when it is refused. Without a database they wait in the stream. */
export async function serveCommands(bus: Pick<Bus, 'consume' | 'reply'>, saga: Saga): Promise<{ stop(): Promise<void> }> {
  return bus.consume('coordinator-commands', { batch: 512, concurrency: 2 }, async (messages) => {
    const commands = messages.map((message) => ({ message, read: readCommand(message) }));
    const sound = commands.flatMap(({ message, read }) => ('runId' in read ? [{ message, intent: read }] : []));
    const answers = await saga.apply(sound.map(({ intent }) => intent));
    for (const { message, read } of commands) if (!('runId' in read)) settle(bus, message, read);
    sound.forEach(({ message }, index) => {
      const answer = answers[index];
      if (answer?.status === 'fulfilled') settle(bus, message, answer.value);
      else message.nak(AGAIN_MS);
    });
  });
}

function settle(bus: Pick<Bus, 'reply'>, message: Delivered, reply: CommandReply): void {
  if (!reply.ok) logger.warn(`${message.subject} ${message.id}: ${reply.failure.code} ${reply.failure.detail ?? ''}`);
  crashPoint('commands.before-reply');
  if (message.replyTo) bus.reply(message.replyTo, reply);
  message.ackLater();
}

/** The intent, or the refusal of what is no command. */
function readCommand(message: Delivered): Intent | Extract<CommandReply, { ok: false }> {
  const name = message.subject.slice(message.subject.lastIndexOf('.') + 1);
  if (!isCommandName(name)) return { ok: false, failure: { code: 'bad-request', detail: `there is no command ${name.slice(0, 64)}` } };
  const parsed = COMMANDS[name].safeParse(message.data);
  if (!parsed.success) return { ok: false, failure: { code: 'bad-request', detail: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ').slice(0, 500) } };
  // The compiler cannot see that schema and intent belong to the same name.
  return (INTENTS[name] as (command: unknown, commandId: string) => Intent)(parsed.data, message.id);
}

const isCommandName = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name);
