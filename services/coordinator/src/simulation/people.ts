import { subjects, type CommandName, type CommandReply, type StartReplies } from '#contracts';
import { isApproval, type CompiledPipeline } from '../engine/pipeline.js';
import { hasEnded, type RunState, type StepState } from '../engine/run-state.js';
import type { Pipelines } from '../pipelines.js';
import type { SimulatedBus } from './bus.js';
import type { World } from './world.js';

/** A command with the answer that its sender has got. `by` is another name for every command. */
export interface Command { readonly name: CommandName; readonly runId: string; readonly by: string; readonly data: Record<string, unknown>; reply?: CommandReply }

const ANSWER_MS = 10_000;
const RETRIES_AT_MOST = 2;

/** Those who start, cancel, retry and approve, and ask again until they are answered, as the gateway's callers do. */
export class People {
  readonly commands: Command[] = [];
  private readonly open = new Map<string, readonly Command[]>();
  /** Starts that wait for others, to share a message with them. */
  private readonly gathered: Command[] = [];
  private readonly retries = new Map<string, number>();
  private sent = 0;

  constructor(private readonly world: World, private readonly bus: SimulatedBus, private readonly pipelines: Pipelines) {}

  /** Somebody wants a run, soon. Sometimes another one wants the same under the same key. */
  want(number: number): void {
    const { world: { random } } = this;
    const runId = runIdOf(number);
    const pipeline = random.pick(this.pipelines.all()).compiled.definition.name;
    const repository = `/repo-${random.between(1, 4)}`;
    const key = random.chance(0.2) ? { idempotency: { key: `key-${number}`, requestHash: `hash-${number}` } } : {};
    const at = random.between(0, 5_000);
    this.plan(at, 'start-run', runId, { pipeline, repository, params: {}, ...key });
    if ('idempotency' in key && random.chance(0.3)) this.plan(at + random.between(0, 20), 'start-run', runIdOf(number + 500_000), { pipeline, repository, params: {}, ...key });
    if (random.chance(0.12)) this.plan(at + random.between(0, random.pick([500, 10_000, 3_600_000])), 'cancel-run', runId, {});
  }

  /** A run has moved: whoever watches may have something to say. */
  watch(run: RunState, changed: readonly StepState[]): void {
    for (const step of changed) if (step.status === 'waiting' && step.wakeAt !== undefined) this.decide(run.runId, step.stepId, step.wakeAt);
    if (run.status === 'compensating' && this.world.random.chance(0.03)) this.plan(this.world.random.between(0, 5_000), 'cancel-run', run.runId, {});
    if (!hasEnded(run)) return;
    const { random } = this.world;
    const retries = this.retries.get(run.runId) ?? 0;
    if (retries >= RETRIES_AT_MOST || !random.chance(run.status === 'succeeded' ? 0.03 : 0.4)) return;
    this.retries.set(run.runId, retries + 1);
    const fromStep = random.chance(run.status === 'succeeded' ? 1 : 0.3) ? random.pick([...run.steps.keys()].filter((stepId) => !stepId.endsWith('~undo'))) : undefined;
    const at = random.between(10, random.pick([5_000, 600_000]));
    this.plan(at, 'retry-run', run.runId, { fromStep });
    if (random.chance(0.2)) this.plan(at + random.between(-500, 5_000), 'retry-run', run.runId, {});
  }

  replied(replyTo: string, reply: CommandReply | StartReplies): void {
    const commands = this.open.get(replyTo) ?? [];
    this.open.delete(replyTo);
    commands.forEach((command, index) => { this.hear(command, 'replies' in reply ? reply.replies[index] : reply); });
  }

  private hear(command: Command, reply: CommandReply | undefined): void {
    if (!reply) return;
    command.reply = reply;
    this.world.note(`${command.by} hears ${reply.ok ? `yes ${reply.runId}${reply.repeated ? ' repeated' : ''}` : reply.failure.code}`);
  }

  private decide(runId: string, stepId: string, expires: number): void {
    const { random } = this.world;
    const untilExpiry = expires - this.world.clock();
    const at = random.pick([random.between(1, 5_000), random.between(1, 3_600_000), untilExpiry + random.between(-300, 500), undefined]);
    if (at === undefined) return;
    const say = (ms: number): void => { this.plan(ms, 'decide-approval', runId, { stepId, decision: random.chance(0.75) ? 'approve' : 'reject', role: random.chance(0.1) ? 'intern' : 'qa' }); };
    say(at);
    if (random.chance(0.3)) say(at + random.between(-500, 500));
  }

  private plan(ms: number, name: CommandName, runId: string, data: Record<string, unknown>): void {
    const by = `p${++this.sent}`;
    const command: Command = { name, runId, by, data: { runId, requestedBy: by, ...data } };
    this.world.after(ms, () => {
      this.commands.push(command);
      if (name === 'start-run' && this.world.random.chance(0.5)) this.gather(command);
      else this.send([command], `${runId}.${name}.${by}`);
    });
  }

  private gather(command: Command): void {
    if (this.gathered.push(command) > 1) return;
    this.world.after(this.world.random.between(0, 1_000), () => { this.send(this.gathered.splice(0), `${command.by}.starts`); });
  }

  /** Asked again without an answer: the same message, or a new one that says the same; a retry always the same, because another one is another retry. */
  private send(commands: readonly Command[], id: string): void {
    const { world } = this;
    const [first] = commands;
    if (!first) return;
    const replyTo = `_INBOX.${++this.sent}`;
    this.open.set(replyTo, commands);
    if (commands.length === 1) this.bus.store(subjects.command(first.name), first.data, id, replyTo);
    else this.bus.store(subjects.command('start-runs'), { starts: commands.map(({ data }) => data) }, id, replyTo);
    world.after(ANSWER_MS, () => {
      const unanswered = commands.filter(({ reply }) => !reply);
      const same = unanswered.length === commands.length && (first.name === 'retry-run' || world.random.chance(0.3));
      this.send(unanswered, same ? id : `${id}.${this.sent}`);
    });
  }
}

export const runIdOf = (number: number): string => `run_${String(number).padStart(26, '0')}`;

/** The roles that an approval of a pipeline asks for. */
export function rolesOf(pipeline: CompiledPipeline, stepId: string): readonly string[] {
  const spec = pipeline.definition.steps[stepId];
  return spec && isApproval(spec) ? spec.approve.roles : [];
}
