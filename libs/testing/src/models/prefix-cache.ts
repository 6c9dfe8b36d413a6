import { createHash } from 'node:crypto';
import { tokensOf } from './model-service.js';

/** A prefix that is shorter is not kept. */
const LEAST_TOKENS = 512;
const LIFE_MS = 300_000;

export interface Accounting { read: number; written: number; rest: number }

/** What a provider remembers of the beginnings of questions: exact to the byte, by model, for five minutes from its last use. */
export class PrefixCache {
  private readonly known = new Map<string, number>();

  constructor(private readonly now: () => number = Date.now) {}

  /** `blocks` in the order in which they are read; `marks` are the numbers of blocks after which the client wants the beginning kept. */
  account(model: string, blocks: readonly string[], marks: readonly number[]): Accounting {
    const hash = createHash('sha256').update(model);
    const prefixes = blocks.map((block, i) => ({ i, hash: hash.update('\0').update(block).copy().digest('hex'), tokens: tokensOf(...blocks.slice(0, i + 1)) }));
    const wanted = prefixes.filter(({ i, tokens }) => marks.includes(i) && tokens >= LEAST_TOKENS);
    const read = wanted.filter((prefix) => (this.known.get(prefix.hash) ?? -1) >= this.now()).at(-1)?.tokens ?? 0;
    const written = Math.max(0, (wanted.at(-1)?.tokens ?? 0) - read);
    for (const prefix of wanted) this.known.set(prefix.hash, this.now() + LIFE_MS);
    return { read, written, rest: tokensOf(...blocks) - read - written };
  }
}
