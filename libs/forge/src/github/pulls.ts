import { Failure, type RepositoryFile } from '#contracts';
import type { PullRequestState } from '../forge.js';
import { commentMark, markedBody, readMark, STATUS_COMMENT } from '../hosted/marks.js';
import { printable } from '../printable.js';
import { doing, found, isStatus, wordsOf } from './client.js';
import type { GithubSource } from './snapshot.js';

/** A pull request of one of our branches, with what its description remembers. */
export interface Pull {
  number: number; url: string; title: string; text: string; base: string;
  state: 'open' | 'merged' | 'closed';
  closedByUs: boolean; openedBy?: string; untouched: boolean;
  head: string;
}

const TITLE_LENGTH = 256;
/** GitHub's bound, in characters. */
const TEXT_LENGTH = 65_536;
/** Pages of a hundred that are looked through for the one comment. */
const COMMENT_PAGES = 10;

interface RawPull { number: number; html_url: string; title: string; body: string | null; state: string; merged_at?: string | null; merged?: boolean; base: { ref: string }; head: { sha: string; ref: string } }

function pullOf({ number, html_url: url, title, body, state, merged_at: mergedAt, base, head }: RawPull): Pull {
  const { mark, untouched } = readMark(title, body ?? '');
  return {
    number, url, title, text: body ?? '', base: base.ref, head: head.sha, untouched, closedByUs: state === 'closed' && mark?.closed === true, ...(mark && { openedBy: mark.run }),
    state: state === 'open' ? 'open' : mergedAt ? 'merged' : 'closed',
  };
}

export async function pullByNumber({ client, at }: GithubSource, number: number): Promise<PullRequestState | undefined> {
  const answer = await found(`pull request #${number}`, () => client.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', { ...at, pull_number: number }));
  if (!answer) return undefined;
  const { head, base, state, merged } = answer.data;
  return { head: head.ref, headCommit: head.sha, base: base.ref, isOwn: head.repo?.id === base.repo.id, state: state === 'open' ? 'open' : merged ? 'merged' : 'closed' };
}

/** The one that is open, or else the newest one. */
export async function pullOfBranch({ client, at }: GithubSource, branch: string): Promise<Pull | undefined> {
  const { data } = await doing(`the pull requests of ${printable(branch)}`, () => client.request('GET /repos/{owner}/{repo}/pulls', { ...at, state: 'all', head: `${at.owner}:${branch}`, sort: 'created', direction: 'desc', per_page: 20 }));
  const own = data.filter(({ head }) => head.ref === branch);
  const newest = own.find(({ state }) => state === 'open') ?? own[0];
  return newest && pullOf(newest);
}

/** Opens it, or finds the one that an earlier try has opened. */
export async function openPull(source: GithubSource, { branch, base, title, body, runId, draft }: { branch: string; base: string; title: string; body: string; runId: string; draft: boolean }): Promise<Pull> {
  const { client, at } = source;
  const subject = printable(title).slice(0, TITLE_LENGTH);
  return doing('opening the pull request', async () => {
    try {
      const { data } = await client.request('POST /repos/{owner}/{repo}/pulls', { ...at, title: subject, head: branch, base, body: bounded(subject, body, runId), draft, maintainer_can_modify: true });
      return pullOf(data);
    } catch (error) {
      if (!isStatus(error, 422)) throw error;
      const existing = await pullOfBranch(source, branch);
      if (existing?.state === 'open') return existing;
      throw new Failure('forge-forbidden', `opening the pull request: ${wordsOf(error)}`, { cause: error });
    }
  });
}

function bounded(title: string, body: string, run: string, closed = false): string {
  const text = markedBody(title, body, run, closed);
  return text.length <= TEXT_LENGTH ? text : markedBody(title, body.slice(0, TEXT_LENGTH - 500), run, closed);
}

/** Title and description, unless a person has edited them: then they stay. */
export async function describePull({ client, at }: GithubSource, pull: Pull, title: string, body: string): Promise<void> {
  const subject = printable(title).slice(0, TITLE_LENGTH);
  const text = bounded(subject, body, pull.openedBy as string);
  if (!pull.untouched || (pull.title === subject && pull.text.replaceAll('\r\n', '\n').trimEnd() === text.trimEnd())) return;
  await doing('the description of the pull request', () => client.request('PATCH /repos/{owner}/{repo}/pulls/{pull_number}', { ...at, pull_number: pull.number, title: subject, body: text }));
}

/** Says why in the one comment, then closes it, and remembers in the same request that it was us. */
export async function closePull(source: GithubSource, pull: Pull, runId: string, reason: string): Promise<void> {
  const { client, at } = source;
  await comment(source, pull.number, STATUS_COMMENT, reason);
  const { body } = readMark(pull.title, pull.text);
  await doing('closing the pull request', () => client.request('PATCH /repos/{owner}/{repo}/pulls/{pull_number}', { ...at, pull_number: pull.number, state: 'closed', body: bounded(pull.title, body, pull.openedBy ?? runId, true) }));
}

/** The one comment with this mark: written, or edited in place. The first try may have written it and not been heard: the retries of the client may leave a second one then, of which the older is kept up to date. */
export async function comment(source: GithubSource, number: number, mark: string, body: string): Promise<{ url: string }> {
  const { client, at } = source;
  const first = commentMark(mark);
  const text = `${first}\n${body}`.slice(0, TEXT_LENGTH);
  return doing('the comment', async () => {
    const existing = await findComment(source, number, first);
    if (existing?.body === text) return { url: existing.url };
    if (existing) {
      const { data } = await client.request('PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}', { ...at, comment_id: existing.id, body: text });
      return { url: data.html_url };
    }
    return writeComment(source, number, first, text);
  });
}

/** An answer of 502 may hide a comment that was written: so it is not tried again blindly, but looked for first. */
async function writeComment(source: GithubSource, number: number, first: string, text: string): Promise<{ url: string }> {
  const { client, at } = source;
  for (let tries = 1; ; tries++) {
    try {
      const { data } = await client.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', { ...at, issue_number: number, body: text, request: { retries: 0 } });
      return { url: data.html_url };
    } catch (error) {
      if (!isStatus(error, 500, 502, 503, 504) || tries === 3) throw error;
      const written = await findComment(source, number, first);
      if (written) return { url: written.url };
    }
  }
}

/** An App looks only at what apps have written: anybody can write the mark. */
async function findComment({ client, at, access }: GithubSource, number: number, first: string): Promise<{ id: number | bigint; url: string; body: string } | undefined> {
  for (let page = 1; page <= COMMENT_PAGES; page++) {
    const { data } = await client.request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', { ...at, issue_number: number, per_page: 100, page });
    const own = data.find(({ body, user }) => (!access.token.startsWith('ghs_') || user?.type === 'Bot') && body?.replaceAll('\r\n', '\n').startsWith(`${first}\n`));
    if (own) return { id: own.id, url: own.html_url, body: own.body ?? '' };
    if (data.length < 100) return undefined;
  }
  return undefined;
}

/** Labels, reviewers and assignees. The pull request is there without them: what cannot be had is told, and fails nothing. */
export async function dressPull(source: GithubSource, number: number, policy: RepositoryFile['pullRequest'], owners: { users: string[]; teams: string[] }): Promise<string[]> {
  const { client, at } = source;
  const notes: string[] = [];
  const trying = async (what: string, wanted: readonly string[], work: () => Promise<unknown>) => {
    if (wanted.length === 0) return;
    try {
      await doing(what, work);
    } catch (error) {
      if (!(error instanceof Failure) || error.code === 'forge-limited' || error.code === 'forge-unavailable') throw error;
      notes.push(`${what}: ${wanted.slice(0, 5).map(printable).join(', ')} could not be set (${printable(error.detail ?? error.code)})`);
    }
  };
  const reviewers = [...new Set([...policy.reviewers, ...owners.users])];
  const teams = [...new Set([...policy.teamReviewers.map((team) => team.slice(team.lastIndexOf('/') + 1)), ...owners.teams])];
  await trying('labels', policy.labels, () => client.request('POST /repos/{owner}/{repo}/issues/{issue_number}/labels', { ...at, issue_number: number, labels: policy.labels }));
  await trying('assignees', policy.assignees, () => client.request('POST /repos/{owner}/{repo}/issues/{issue_number}/assignees', { ...at, issue_number: number, assignees: policy.assignees }));
  // One that is unknown makes GitHub refuse all of them: so users and teams apart.
  await trying('reviewers', reviewers, () => client.request('POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers', { ...at, pull_number: number, reviewers }));
  await trying('team reviewers', teams, () => client.request('POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers', { ...at, pull_number: number, team_reviewers: teams }));
  return notes;
}

/** Whether there is one. */
export async function deleteBranch({ client, at }: GithubSource, branch: string): Promise<boolean> {
  // 422: there is no such ref.
  return await found(`removing ${printable(branch)}`, () => client.request('DELETE /repos/{owner}/{repo}/git/refs/{ref}', { ...at, ref: `heads/${branch}` }), 422) !== undefined;
}
