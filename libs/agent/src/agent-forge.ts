import { Failure } from '#contracts';
import { connect, type Forge, type ForgeAccess } from '#forge';

/** Throws `internal` when the agent's contract asks for no access. */
export function forgeFor(agent: string, access: ForgeAccess | undefined): Forge {
  if (!access) throw new Failure('internal', `the contract of ${agent} does not say \`forge\``);
  return connect(access);
}
