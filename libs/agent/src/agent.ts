import type { Fact, Task } from '#contracts';
import type { Forge } from '#forge';

/** What a handler may use besides its inputs. There is no store, no bus and no configuration here: an agent is a function. */
export interface AgentContext {
  task: Task;
  /** The run's repository, with no more access than the agent's contract says. Using it throws `Failure('internal')` for an agent whose contract says none. */
  readonly forge: Forge;
  /** Aborts when the run is cancelled or the time is up; half a second later the process is killed. */
  signal: AbortSignal;
  /** Live progress for people; `phase` is a fixed word of the agent (a-z and dashes), never text from a repository. */
  progress: (phase: string, done: number, total?: number) => void;
  /** A line for the operator's log. */
  log: (message: string) => void;
}

/** `provisional`: it would be better another time, since somebody it needs was not there; no later step reuses it. */
export interface AgentOutput { outputs: Record<string, unknown>; facts: Record<string, Fact>; provisional?: boolean }

/**
 * An agent. It gets the contents of its input artifacts by name (a list where the contract says `many`; a tar as `{manifest, files}`) and returns contents in the
 * same shape with the facts of its contract. It throws a `Failure` with the code that says what went wrong; any other error counts as a defect.
 */
export type AgentHandler = (inputs: Record<string, unknown>, context: AgentContext) => Promise<AgentOutput>;

/** What `services/<service>/src/<service>.agent.ts` exports as `agents`: a handler for every agent of the service, by its full name. */
export type AgentHandlers = Record<string, AgentHandler>;
