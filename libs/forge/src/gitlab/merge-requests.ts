import { Failure, type RepositoryFile } from '#contracts';
import type { PullRequestState } from '../forge.js';
import { markedBody, readMark, STATUS_COMMENT } from '../hosted/marks.js';
import { printable } from '../printable.js';
import { all, found, Member, MergeRequest, one } from './api.js';
import { wordsOf } from './client.js';
import { note } from './notes.js';
import { whoAmI, type Source } from './repository.js';
import { withoutQuickActions } from './words.js';

/** A merge request of one of our branches, with what its description remembers. */
export interface Pull {
  number: number; url: string; title: string; text: string; base: string; head: string | null;
  state: 'open' | 'merged' | 'closed';
  closedByUs: boolean; openedBy?: string; untouched: boolean;
  mergeError: string | undefined; rebasing: boolean;
}

/** GitLab's bounds, in characters. */
const TITLE_LENGTH = 255;
const TEXT_LENGTH = 1_000_000;
/** GitLab has no field for it. */
const DRAFT = /^draft:\s*/i;

const subjectOf = (title: string): string => printable(title).replace(DRAFT, '').slice(0, TITLE_LENGTH - 'Draft: '.length);
const textOf = (title: string, body: string, run: string, closed = false): string => markedBody(subjectOf(title), withoutQuickActions(body).slice(0, TEXT_LENGTH), run, closed);

/** Who closes a merge request shows at GitLab: a branch that we removed closed its merge request, too, although no description says so. */
function pullOf({ iid, web_url: url, title, description, state, sha, target_branch: base, closed_by: closedBy, merge_error: mergeError, rebase_in_progress: rebasing }: MergeRequest, me: number): Pull {
  const { mark, untouched } = readMark(subjectOf(title), description);
  return {
    number: iid, url, title, text: description, base, head: sha, untouched, ...(mark && { openedBy: mark.run }), state: state === 'merged' ? 'merged' : state === 'closed' ? 'closed' : 'open',
    closedByUs: state === 'closed' && (mark?.closed === true || closedBy?.id === me), mergeError: mergeError ?? undefined, rebasing: rebasing === true,
  };
}

/** The one that is open, or else the newest one. Those of forks, whose branch has the same name, are others. */
export async function pullOfBranch(source: Source, branch: string): Promise<Pull | undefined> {
  const { client, at, project } = source;
  const listed = await all(client, MergeRequest, `the merge requests of ${printable(branch)}`, `${at}/merge_requests`, { source_branch: branch, state: 'all', order_by: 'created_at', sort: 'desc', per_page: '20' }, () => true);
  const own = (listed ?? []).filter(({ source_project_id: from }) => from === project.id);
  const newest = own.find(({ state }) => state === 'opened' || state === 'locked') ?? own[0];
  return newest && pullOf(newest, (await whoAmI(source)).id);
}

/** Opens it, opens again the one that is closed, or finds the one that an earlier try has opened. Answers with what could not be set. */
export async function openPull(source: Source, known: Pull | undefined, { branch, base, title, body, runId, policy }: { branch: string; base: string; title: string; body: string; runId: string; policy: RepositoryFile['pullRequest'] }): Promise<string[]> {
  const { client, at } = source;
  const subject = `${policy.draft ? 'Draft: ' : ''}${subjectOf(title)}`;
  const description = textOf(title, body, runId);
  if (known?.state === 'closed' && known.base === base) {
    const answer = await client.ask(`opening !${known.number} again`, 'PUT', `${at}/merge_requests/${known.number}`, { body: { state_event: 'reopen', title: subject, description }, allow: [400, 409, 422] });
    if (answer.status === 200) return [];
  }
  const { ids, notes } = await idsOf(source, policy);
  const answer = await client.ask('opening the merge request', 'POST', `${at}/merge_requests`, {
    body: { source_branch: branch, target_branch: base, title: subject, description, remove_source_branch: true, ...(policy.labels.length > 0 && { labels: policy.labels }), ...ids }, allow: [400, 409, 422],
  });
  if (answer.status !== 201 && (await pullOfBranch(source, branch))?.state !== 'open') throw new Failure('forge-forbidden', `opening the merge request: ${wordsOf(answer)}`);
  return notes;
}

/** Users are known by name, and set by number. One who is no member is told, and fails nothing. GitLab asks nobody of a group at once. */
async function idsOf({ client, at }: Source, { reviewers, assignees, teamReviewers }: RepositoryFile['pullRequest']): Promise<{ ids: Record<string, number[]>; notes: string[] }> {
  const notes = teamReviewers.length > 0 ? [`reviewers: groups (${teamReviewers.slice(0, 5).map(printable).join(', ')}) cannot be asked on GitLab`] : [];
  const ids: Record<string, number[]> = {};
  for (const [field, what, names] of [['reviewer_ids', 'reviewers', reviewers], ['assignee_ids', 'assignees', assignees]] as const) {
    for (const name of names) {
      const members = await all(client, Member, `the members named ${printable(name)}`, `${at}/members/all`, { query: name });
      const member = members?.find(({ username }) => username.toLowerCase() === name.toLowerCase());
      if (member) ids[field] = [...ids[field] ?? [], member.id];
      else notes.push(`${what}: ${printable(name)} is no member of the project`);
    }
  }
  return { ids, notes };
}

export async function pullByNumber(source: Source, number: number): Promise<Pull> {
  const mr = await one(source.client, MergeRequest, `the merge request !${number}`, 'GET', `${source.at}/merge_requests/${number}`, { query: { include_rebase_in_progress: 'true' } });
  return pullOf(mr, (await whoAmI(source)).id);
}

/** A merge request for those who ask about it; undefined when there is none of that number. */
export async function stateOfPull({ client, at, project }: Source, number: number): Promise<PullRequestState | undefined> {
  const mr = await found(client, MergeRequest, `the merge request !${number}`, `${at}/merge_requests/${number}`);
  // Without a head the branch of a fork is gone: nothing can be done with it.
  if (!mr || mr.sha === null) return undefined;
  return { head: mr.source_branch, headCommit: mr.sha, base: mr.target_branch, isOwn: mr.source_project_id === project.id, state: mr.state === 'merged' ? 'merged' : mr.state === 'closed' ? 'closed' : 'open' };
}

/** Title and description, unless a person has edited them: then they stay. Whether it is a draft is up to people. */
export async function describePull({ client, at }: Source, pull: Pull, title: string, body: string): Promise<void> {
  if (!pull.untouched || pull.openedBy === undefined) return;
  const subject = `${DRAFT.test(pull.title) ? 'Draft: ' : ''}${subjectOf(title)}`;
  const text = textOf(title, body, pull.openedBy);
  if (pull.title === subject && pull.text.replaceAll('\r\n', '\n').trimEnd() === text.trimEnd()) return;
  await client.ask('the description of the merge request', 'PUT', `${at}/merge_requests/${pull.number}`, { body: { title: subject, description: text } });
}

/** Says why in the one note, then closes it, and remembers in the same request that it was us. */
export async function closePull(source: Source, pull: Pull, runId: string, reason: string): Promise<void> {
  await note(source, pull.number, STATUS_COMMENT, reason);
  const { body } = readMark(subjectOf(pull.title), pull.text);
  await source.client.ask('closing the merge request', 'PUT', `${source.at}/merge_requests/${pull.number}`, { body: { state_event: 'close', description: textOf(pull.title, body, pull.openedBy ?? runId, true) } });
}
