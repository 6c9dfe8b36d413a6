import type { Check, Permission } from '../forge.js';
import { printable } from '../printable.js';
import { all, Member, Status } from './api.js';
import type { Source } from './repository.js';

/** Access levels: 30 is a developer, 40 a maintainer, 50 an owner. */
const [DEVELOPER, MAINTAINER] = [30, 40];

export async function permissionOf({ client, at, project }: Source, user: string): Promise<Permission> {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/.test(user)) return 'none';
  const members = await all(client, Member, `the members named ${printable(user)}`, `${at}/members/all`, { query: user });
  const levels = (members ?? []).filter(({ username, state }) => username.toLowerCase() === user.toLowerCase() && state === 'active').map(({ access_level: level }) => level);
  const level = Math.max(0, ...levels);
  return level >= MAINTAINER ? 'admin' : level >= DEVELOPER ? 'write' : level > 0 || project.visibility === 'public' ? 'read' : 'none';
}

const STATES = { success: 'success', neutral: 'success', failure: 'failed', action_required: 'failed', cancelled: 'canceled' } as const;
/** GitLab's bound, in characters. */
const DESCRIPTION_LENGTH = 255;

/**
 * A commit's status, which is what GitLab has in the place of a check: a state, one line and an address. Summary, text and annotations have no place there, so the line is the title.
 * GitLab refuses the state that a status is in already: then nothing is to be done.
 */
export async function setStatus({ client, at }: Source, { commit, name, conclusion, title, url }: Check): Promise<void> {
  const state = conclusion === undefined ? 'running' : STATES[conclusion];
  const description = printable(title).slice(0, DESCRIPTION_LENGTH);
  const known = (await all(client, Status, `the statuses of ${commit.slice(0, 12)}`, `${at}/repository/commits/${commit}/statuses`, { name }))?.at(-1);
  if (known?.status === state && (known.description === description || state === 'running')) return;
  await client.ask(`the status ${printable(name)} of ${commit.slice(0, 12)}`, 'POST', `${at}/statuses/${commit}`, { body: { state, name, description, ...(url !== undefined && { target_url: url }) } });
}
