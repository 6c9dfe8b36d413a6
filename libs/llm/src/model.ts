import type { z } from 'zod';
import { Failure, type FailureCode } from '#contracts';

/** The port to a language model. Adapters speak to one kind of service; everything else (budget, retries, fallback, traces, redaction, recordings) is a wrapper with this same shape. */
export interface LanguageModel {
  /** As the GenAI conventions spell it: `anthropic`, `openai`, `scripted`. */
  readonly provider: string;
  readonly model: string;
  /** US dollars per million tokens; `undefined` when nobody has said. */
  readonly price?: Price;
  /**
   * One question, one answer in JSON. It resolves for everything that a model may answer, also for half of one (`stop`); it throws a `ModelFailure` when there was no answer, and the reason of
   * `signal` when that aborts.
   */
  generate(step: ModelStep, schema: AnswerSchema, options?: GenerateOptions): Promise<Answer>;
  /** Tokens of the question. `exact`: the provider has counted; otherwise a guess that is rather too high. */
  countTokens(step: ModelStep, schema: AnswerSchema, signal?: AbortSignal): Promise<{ tokens: number; exact: boolean }>;
}

/** What an answer must look like: the zod schema that decides, and the part of it that model services can be held to while they write. `answerSchema` makes one. */
export interface AnswerSchema { name: string; zod: z.ZodType; json: Record<string, unknown> }

export const EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;
export type Effort = (typeof EFFORTS)[number];

/** All that a model is told. The system prompt is a file of the repository; the first turn is the step's validated input; later ones are its own answer and what was wrong with it. */
export interface ModelStep {
  /** The agent that asks, `case-generator/design`. */
  name: string;
  system: string;
  turns: ReadonlyArray<{ role: 'user' | 'assistant'; text: string }>;
  /** Thinking included. */
  maxOutputTokens: number;
  /** For models that take it. */
  effort?: Effort;
}

export interface GenerateOptions {
  signal?: AbortSignal;
  /** The answer may take hours: a provider with batches takes half the price for it. */
  canWait?: boolean;
  /** Called when the answer begins. */
  onFirstToken?: () => void;
}

/**
 * `complete`: `json` matches the schema. `invalid`: it does not, or is no JSON; `problem` says why, in words for the model. `truncated`: the answer reached its limit.
 * `refused`: the model does not want to answer. `json` is there when the answer is complete.
 */
export interface Answer {
  stop: 'complete' | 'invalid' | 'truncated' | 'refused';
  json?: unknown;
  problem?: string;
  /** What it wrote, thinking left out. */
  text: string;
  usage: Usage;
  ids: { provider: string; model: string; message?: string; request?: string };
}

/** Tokens, each counted once: the input is `inputTokens` + `cacheReadTokens` + `cacheWriteTokens`. */
export interface Usage {
  inputTokens: number; cacheReadTokens: number; cacheWriteTokens: number;
  /** With thinking, of which `reasoningTokens`. */
  outputTokens: number; reasoningTokens: number;
  /** `null` when the model's price is not known. */
  costUsd: number | null;
}

export const NO_USAGE: Usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0, costUsd: 0 };

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens, cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens, cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    outputTokens: a.outputTokens + b.outputTokens, reasoningTokens: a.reasoningTokens + b.reasoningTokens, costUsd: a.costUsd === null || b.costUsd === null ? null : a.costUsd + b.costUsd,
  };
}

/** US dollars per million tokens. `batch`: the factor for answers that may take hours. `above`: what a longer question multiplies everything with. */
export interface Price { input: number; output: number; cacheRead: number; cacheWrite: number; batch?: number; above?: { inputTokens: number; factor: number } }

export type ModelFailureCode = Extract<FailureCode, 'model-rate-limited' | 'model-unavailable' | 'model-misconfigured' | 'recording-missing' | 'over-budget'>;

/** There was no answer. What was paid for all the same, before an answer broke off, is in `usage`. */
export class ModelFailure extends Failure {
  readonly usage: Usage;
  /** What the provider asked to wait. */
  readonly retryAfterMs: number | undefined;
  constructor(override readonly code: ModelFailureCode, detail: string, { usage = NO_USAGE, retryAfterMs, cause }: { usage?: Usage; retryAfterMs?: number; cause?: unknown } = {}) {
    super(code, detail, { cause });
    this.usage = usage;
    this.retryAfterMs = retryAfterMs;
  }
  /** The same with what all tries have cost. */
  again({ usage }: { usage: Usage }): ModelFailure {
    return new ModelFailure(this.code, this.detail ?? '', { usage, retryAfterMs: this.retryAfterMs, cause: this });
  }
}
