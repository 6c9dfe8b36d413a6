import type { Random } from './random.js';
import type { Stage } from './stage.js';

/**
 * Something that goes wrong. `inject` does it, lets it last, lifts it, and settles when everything is up again; it says in a few words what it did. Everything it chooses it chooses by `random`.
 * What cannot be done here (no root, another store) is answered as `skipped` with the reason.
 */
export interface Fault {
  name: string;
  inject(stage: Stage, random: Random): Promise<Outcome>;
}
export type Outcome = { did: string } | { skipped: string };
