import type { LeftOut } from '#contracts';

/** Why a proposal is refused. `message` goes back to the model, and may quote it; what people and artifacts get does not: a model that obeys a stranger could say anything there. */
export class NotGrounded extends Error {
  override readonly name = 'NotGrounded';
  constructor(message: string, readonly reason: LeftOut['reason'] = 'not-grounded') { super(message); }
  get forPeople(): string { return this.message.replaceAll(/“[^”]*”/g, '“…”'); }
}

/** Something that a model has written, for a message to it. */
export const quoted = (words: string): string => `“${words.replaceAll(/[^\w ./:#?=&-]+/g, '_').slice(0, 60)}”`;
