import { editComment, writeComment } from './comments.js';
import { closePull, labelNamed, noteMerged, reopenPull, setLabels } from './pull-requests.js';
import { refMoved } from './pushes.js';
import { checkRunEvent } from './shapes/checks.js';
import { repository as repositoryShape } from './shapes/repository.js';
import type { FileContent, Level, PullState, SimulatedRepository } from './repository.js';
import type { Commit, Identity } from '../git-store.js';
import type { PullRecord, RepositoryState, World } from './world.js';

/** A repository as tests handle it: what people do there, by the same ways as the API does it. The owner acts when nobody is named. */
export class RepositoryHandle implements SimulatedRepository {
  constructor(private readonly world: World, private readonly state: RepositoryState) {}

  get id(): number { return this.state.id; }
  get owner(): string { return this.state.owner; }
  get name(): string { return this.state.name; }
  get fullName(): string { return `${this.state.owner}/${this.state.name}`; }
  get url(): string { return `${this.world.url}/${this.fullName}`; }
  get path(): string { return this.state.store.path; }
  get defaultBranch(): string { return this.state.defaultBranch; }

  git(...args: string[]): Promise<string> { return this.state.store.text(args); }

  async head(branch = this.state.defaultBranch): Promise<string> {
    const sha = await this.#tip(branch);
    if (sha === undefined) throw new Error(`${this.fullName} has no branch ${branch}`);
    return sha;
  }

  #tip(branch: string): Promise<string | undefined> { return this.state.store.peel(`refs/heads/${branch}`, 'commit'); }

  async branches(): Promise<string[]> {
    return (await this.state.store.refs('refs/heads/')).map(({ ref }) => ref.slice('refs/heads/'.length));
  }

  async commit(files: Record<string, FileContent | undefined>, { branch = this.state.defaultBranch, by = this.owner, message = 'Change' }: { branch?: string; by?: string; message?: string } = {}): Promise<string> {
    const { store } = this.state;
    const tip = await this.#tip(branch);
    const parent = tip ?? await this.#tip(this.state.defaultBranch);
    const entries = await Promise.all(Object.entries(files).map(async ([path, content]) => {
      if (content === undefined) return { path };
      if (typeof content === 'object' && 'mode' in content) return { path, mode: content.mode, sha: content.mode === '160000' ? String(content.content) : await store.writeBlob(content.content) };
      const mode = parent === undefined ? undefined : (await store.entry(parent, path))?.mode;
      return { path, mode: mode === '100755' ? mode : '100644', sha: await store.writeBlob(content) };
    }));
    const tree = await store.writeTree(parent === undefined ? undefined : await store.peel(parent, 'tree'), entries);
    const sha = await this.#write({ tree, parents: parent === undefined ? [] : [parent], message }, by);
    await this.#move(branch, tip, sha, by);
    return sha;
  }

  #write(commit: Pick<Commit, 'tree' | 'parents' | 'message'>, by: string): Promise<string> {
    const who: Identity = { name: by, email: `${this.world.account(by).id}+${by}@users.noreply.github.com`, date: this.world.now() };
    return this.state.store.writeCommit({ ...commit, author: who, committer: who });
  }

  async #move(branch: string, from: string | undefined, to: string | undefined, by: string): Promise<void> {
    const ref = `refs/heads/${branch}`;
    if (!await this.state.store.moveRef(ref, from, to)) throw new Error(`${ref} moved meanwhile`);
    await refMoved(this.world, this.state, { ref, before: from, after: to, sender: by });
  }

  async forcePush(branch: string, sha: string, by = this.owner): Promise<void> { await this.#move(branch, await this.#tip(branch), sha, by); }
  async deleteBranch(branch: string, by = this.owner): Promise<void> { await this.#move(branch, await this.head(branch), undefined, by); }

  get pulls(): PullState[] {
    return [...this.state.issues.values()].map(({ number, title, body, state, mergedAt, draft, head, headSha, base, author, labels, assignees, reviewers, teams }) => ({
      number, title, body: body ?? '', state, merged: mergedAt !== null, draft, head, headSha, base, author, labels, assignees, reviewers: [...reviewers, ...teams],
    }));
  }

  #pull(number: number): PullRecord {
    const pull = this.state.issues.get(number);
    if (pull === undefined) throw new Error(`${this.fullName} has no pull request ${number}`);
    return pull;
  }

  async merge(number: number, { by = this.owner, method = 'merge' }: { by?: string; method?: 'merge' | 'squash' } = {}): Promise<string> {
    const pull = this.#pull(number);
    const base = await this.head(pull.base);
    const tree = await this.state.store.mergedTree(base, pull.headSha);
    if (tree === undefined) throw new Error(`pull request ${number} has conflicts`);
    const message = method === 'merge' ? `Merge pull request #${number} from ${this.owner}/${pull.head}\n\n${pull.title}` : `${pull.title} (#${number})`;
    const sha = await this.#write({ tree, parents: method === 'merge' ? [base, pull.headSha] : [base], message }, by);
    pull.baseSha = base;
    await this.#move(pull.base, base, sha, by);
    // A squashed head is not in the base: nobody else notes it.
    if (pull.state === 'open') await noteMerged(this.world, this.state, pull, by, sha);
    return sha;
  }

  closePull(number: number, by = this.owner): Promise<void> { return closePull(this.world, this.state, this.#pull(number), by); }
  reopenPull(number: number, by = this.owner): Promise<void> { return reopenPull(this.world, this.state, this.#pull(number), by); }

  labelPull(number: number, label: string, by = this.owner): Promise<void> {
    const pull = this.#pull(number);
    return setLabels(this.world, this.state, pull, [...pull.labels, labelNamed(this.world, this.state, label).name], by);
  }

  async comment(number: number, body: string, by: string): Promise<number> {
    return writeComment(this.world, this.state, this.#pull(number), body, by).id;
  }

  async editComment(id: number, body: string, by: string): Promise<void> {
    const record = this.state.comments.get(id);
    if (record === undefined) throw new Error(`${this.fullName} has no comment ${id}`);
    editComment(this.world, this.state, record, body, by);
  }

  comments(number: number): Array<{ id: number; body: string; by: string; edited: boolean }> {
    return [...this.state.comments.values()].filter((one) => one.issue === number).map(({ id, body, by, edited }) => ({ id, body, by, edited }));
  }

  get checkRuns(): Array<{ id: number; name: string; headSha: string; status: string; conclusion: string | null; title: string | null; summary: string | null }> {
    return [...this.state.checkRuns.values()].map(({ id, name, headSha, status, conclusion, output: { title, summary } }) => ({ id, name, headSha, status, conclusion, title, summary }));
  }

  async rerequestCheck(id: number, by = this.owner): Promise<void> { this.#checkEvent(id, 'rerequested', by); }
  async requestCheckAction(id: number, identifier: string, by = this.owner): Promise<void> { this.#checkEvent(id, 'requested_action', by, { requested_action: { identifier } }); }

  #checkEvent(id: number, action: string, sender: string, more: Record<string, unknown> = {}): void {
    const run = this.state.checkRuns.get(id);
    if (run === undefined) throw new Error(`${this.fullName} has no check run ${id}`);
    this.world.emit({ event: 'check_run', action, repository: this.state, sender, app: run.app, payload: { action, check_run: checkRunEvent(this.world, this.state, run), ...more } });
  }

  collaborator(login: string, level: Level): void {
    this.world.account(login);
    if (level === 'none') this.state.collaborators.delete(login.toLowerCase()); else this.state.collaborators.set(login.toLowerCase(), level);
  }

  protect(branch = this.state.defaultBranch): void { this.state.protectedBranches.add(branch); }

  async rename(name: string, by = this.owner): Promise<void> {
    const from = this.state.name;
    this.state.formerNames.push(from);
    this.state.name = name;
    this.#changed('renamed', by, { changes: { repository: { name: { from } } } });
  }

  async archive(by = this.owner): Promise<void> {
    this.state.archived = true;
    this.#changed('archived', by);
  }

  async delete(by = this.owner): Promise<void> {
    this.#changed('deleted', by);
    this.state.deleted = true;
  }

  #changed(action: string, sender: string, more: Record<string, unknown> = {}): void {
    this.world.emit({ event: 'repository', action, repository: this.state, sender, payload: { action, ...more, repository: repositoryShape(this.world, this.state) } });
  }

  fsck(): Promise<void> { return this.state.store.fsck(); }
}
