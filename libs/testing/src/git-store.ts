import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { childEnvironment } from '#config';

export interface GitObject { sha: string; type: 'blob' | 'tree' | 'commit' | 'tag'; size: number; content: Buffer }
export interface TreeEntry { path: string; mode: string; type: 'blob' | 'tree' | 'commit'; sha: string; size?: number }
export interface Identity { name: string; email: string; date: string }
/** Dates are ISO 8601. */
export interface Commit { sha: string; tree: string; parents: string[]; author: Identity; committer: Identity; message: string }
export interface FileChange { status: 'added' | 'removed' | 'modified' | 'renamed'; path: string; from?: string; sha: string; additions: number; deletions: number; patch: string }

const compressed = promisify(deflate);
const MAX_OUTPUT = 512 * 1024 * 1024;
const ZERO = '0'.repeat(40);

/** A bare repository, read and written with git's plumbing alone. Objects are read through one process that stays. */
export class GitStore {
  #reader: ChildProcessWithoutNullStreams | undefined;
  #pending = Buffer.alloc(0);
  #turn: Promise<unknown> = Promise.resolve();
  #indexes = 0;

  constructor(readonly path: string) {}

  static async create(path: string, defaultBranch: string): Promise<GitStore> {
    await mkdir(path, { recursive: true });
    const store = new GitStore(path);
    await store.git(['init', '--quiet', '--bare', `--initial-branch=${defaultBranch}`, path]);
    return store;
  }

  environment(extra: Record<string, string> = {}): Record<string, string> {
    const { PATH = '/usr/bin:/bin' } = childEnvironment();
    return { PATH, HOME: this.path, LC_ALL: 'C', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_DIR: this.path, GIT_NO_REPLACE_OBJECTS: '1', ...extra };
  }

  /** Runs git to its end; throws with its words when it fails, unless its exit code is among `allowed`. */
  git(args: string[], { input = '', env = {}, allowed = [] }: { input?: string | Buffer; env?: Record<string, string>; allowed?: number[] } = {}): Promise<Buffer> {
    return new Promise((settle, fail) => {
      const child = execFile('git', ['-c', 'core.quotePath=false', '-c', 'gc.auto=0', ...args], { cwd: this.path, env: this.environment(env), maxBuffer: MAX_OUTPUT, encoding: 'buffer' }, (error, stdout, stderr) => {
        if (error === null || (typeof error.code === 'number' && allowed.includes(error.code))) settle(stdout);
        else fail(new Error(`git ${args.join(' ').slice(0, 200)}: ${stderr.toString('utf8').trim()}`));
      });
      // git may end before it has read its input; its exit code says whether that was wrong.
      child.stdin?.on('error', () => undefined).end(input);
    });
  }

  async text(args: string[], input: string | Buffer = ''): Promise<string> {
    return (await this.git(args, { input })).toString('utf8').trim();
  }

  /** An object by any name git knows it under; undefined when there is none. */
  object(name: string): Promise<GitObject | undefined> {
    if (/[\n\0]/.test(name) || name === '') return Promise.resolve(undefined);
    const mine = this.#turn.then(() => this.#read(name));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #read(name: string): Promise<GitObject | undefined> {
    this.#reader ??= spawn('git', ['cat-file', '--batch'], { cwd: this.path, env: this.environment(), stdio: ['pipe', 'pipe', 'pipe'] });
    this.#reader.stdin.write(`${name}\n`);
    let end = -1;
    while ((end = this.#pending.indexOf(10)) < 0) await this.#more();
    const line = this.#pending.subarray(0, end).toString('utf8');
    this.#pending = this.#pending.subarray(end + 1);
    const [, sha, type, length] = /^([0-9a-f]{40}) (blob|tree|commit|tag) (\d+)$/.exec(line) ?? [];
    if (sha === undefined) return undefined;
    const size = Number(length);
    while (this.#pending.length < size + 1) await this.#more();
    const content = Buffer.from(this.#pending.subarray(0, size));
    this.#pending = this.#pending.subarray(size + 1);
    return { sha, type: type as GitObject['type'], size, content };
  }

  async #more(): Promise<void> {
    const stdout = (this.#reader as ChildProcessWithoutNullStreams).stdout;
    const first = (stdout.read() ?? await once(stdout, 'readable').then(() => stdout.read())) as Buffer | null;
    if (first === null && stdout.readableEnded) throw new Error('git cat-file ended');
    if (first !== null) this.#pending = Buffer.concat([this.#pending, first]);
  }

  /** The id that this name stands for as a commit or a tree; undefined when there is none. */
  async peel(name: string, type: 'commit' | 'tree'): Promise<string | undefined> {
    return (await this.object(`${name}^{${type}}`))?.sha;
  }

  /** The commit of a branch, tag, full ref or commit id, in the order in which forges look. */
  async commitOf(name: string): Promise<string | undefined> {
    if (name.startsWith('-') || name.includes('..') || /[\s~^:?*[\\]/.test(name)) return undefined;
    if (/^[0-9a-f]{40}$/.test(name)) return this.peel(name, 'commit');
    for (const candidate of [`refs/heads/${name}`, `refs/tags/${name}`, name.startsWith('refs/') ? name : `refs/${name}`]) {
      const found = await this.peel(candidate, 'commit');
      if (found !== undefined) return found;
    }
    return name === 'HEAD' || /^[0-9a-f]{7,39}$/.test(name) ? this.peel(name, 'commit') : undefined;
  }

  async commit(name: string): Promise<Commit | undefined> {
    const object = await this.object(`${name}^{commit}`);
    if (object === undefined) return undefined;
    const text = object.content.toString('utf8');
    const end = text.indexOf('\n\n');
    const lines = text.slice(0, end).split('\n');
    const all = (key: string) => lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
    return { sha: object.sha, tree: all('tree')[0] as string, parents: all('parent'), author: identity(all('author')[0]), committer: identity(all('committer')[0]), message: text.slice(end + 2).replace(/\n$/, '') };
  }

  /** Writes the commit as it is given; `signature` becomes its `gpgsig` header. */
  async writeCommit(commit: Omit<Commit, 'sha'>, sign?: (payload: string) => string): Promise<string> {
    const body = `\n${commit.message}\n`;
    const head = [`tree ${commit.tree}`, ...commit.parents.map((parent) => `parent ${parent}`), `author ${line(commit.author)}`, `committer ${line(commit.committer)}`];
    const signature = sign?.(`${head.join('\n')}\n${body}`);
    if (signature !== undefined) head.push(`gpgsig ${signature.trim().replaceAll('\n', '\n ')}`);
    return this.text(['hash-object', '-t', 'commit', '-w', '--stdin'], `${head.join('\n')}\n${body}`);
  }

  /** As a loose object, without a process for each; `git fsck` would tell if it were wrong. */
  async writeBlob(content: string | Buffer): Promise<string> {
    const bytes = Buffer.from(content as Buffer);
    const whole = Buffer.concat([Buffer.from(`blob ${bytes.length}\0`), bytes]);
    const sha = createHash('sha1').update(whole).digest('hex');
    const folder = join(this.path, 'objects', sha.slice(0, 2));
    await mkdir(folder, { recursive: true });
    const draft = join(folder, `draft-${randomUUID()}`);
    await writeFile(draft, await compressed(whole));
    await rename(draft, join(folder, sha.slice(2)));
    return sha;
  }

  async tree(name: string, recursive: boolean): Promise<TreeEntry[]> {
    const listed = (await this.git(['ls-tree', '-z', '-l', ...(recursive ? ['-r', '-t'] : []), '--end-of-options', name])).toString('utf8');
    return listed.split('\0').filter(Boolean).map((entry) => {
      const [, mode, type, sha, size, path] = /^(\d+) (\w+) ([0-9a-f]+) +(-|\d+)\t([^]*)$/.exec(entry) as unknown as string[];
      return { path: path as string, mode: mode as string, type: type as TreeEntry['type'], sha: sha as string, ...(size === '-' ? {} : { size: Number(size) }) };
    });
  }

  /** The entries of one tree, without sizes: read where objects are read, and no program is started for it. */
  async entries(tree: string): Promise<TreeEntry[]> {
    const content = (await this.object(tree))?.content ?? Buffer.alloc(0);
    const found: TreeEntry[] = [];
    for (let at = 0; at < content.length;) {
      const [space, end] = [content.indexOf(32, at), content.indexOf(0, at)];
      const mode = content.toString('latin1', at, space).padStart(6, '0');
      found.push({ path: content.toString('utf8', space + 1, end), mode, type: mode === '040000' ? 'tree' : mode === '160000' ? 'commit' : 'blob', sha: content.toString('hex', end + 1, end + 21) });
      at = end + 21;
    }
    return found;
  }

  /** The id of the tree at a path, which is empty for the root; undefined when there is none. */
  async treeAt(commit: string, path: string): Promise<string | undefined> {
    const found = path === '' ? await this.object(`${commit}^{tree}`) : await this.object(`${commit}:${path}`);
    return found?.type === 'tree' ? found.sha : undefined;
  }

  /** The entry at a path; undefined when there is none. */
  async entry(commit: string, path: string): Promise<TreeEntry | undefined> {
    const parts = path.split('/');
    const name = parts.pop() as string;
    const folder = await this.treeAt(commit, parts.join('/'));
    return folder === undefined ? undefined : (await this.entries(folder)).find((one) => one.path === name);
  }

  /** A tree made of another (none: the empty one) and these entries; without `sha` the path goes. Works in an index of its own. */
  async writeTree(base: string | undefined, entries: ReadonlyArray<{ path: string; mode?: string; sha?: string }>): Promise<string> {
    const index = join(this.path, `index-${this.#indexes++}`);
    const options = { env: { GIT_INDEX_FILE: index } };
    try {
      await this.git(base === undefined ? ['read-tree', '--empty'] : ['read-tree', base], options);
      const lines: string[] = [];
      for (const { path, mode, sha } of entries) {
        // A folder comes or goes with all that is in it: an index knows files alone.
        const gone = base === undefined || (sha !== undefined && mode !== '040000') ? [] : await this.#files(base, path);
        lines.push(...gone.map((file) => `0 ${ZERO}\t${file.path}\0`));
        if (sha !== undefined && mode === '040000') lines.push(...(await this.tree(sha, true)).filter((file) => file.type !== 'tree').map((file) => `${file.mode} ${file.sha}\t${path}/${file.path}\0`));
        else if (sha !== undefined) lines.push(`${mode} ${sha}\t${path}\0`);
      }
      await this.git(['update-index', '-z', '--replace', '--index-info'], { ...options, input: lines.join('') });
      return (await this.git(['write-tree', '--missing-ok'], options)).toString('utf8').trim();
    } finally {
      await rm(index, { force: true });
    }
  }

  /** The file at a path, or all files of the folder there. */
  async #files(tree: string, path: string): Promise<TreeEntry[]> {
    const folder = await this.treeAt(tree, path);
    if (folder === undefined) return [{ path, mode: '', type: 'blob', sha: '' }];
    return (await this.tree(folder, true)).filter((file) => file.type !== 'tree').map((file) => ({ ...file, path: `${path}/${file.path}` }));
  }

  /** A ref by its full name, with the object that it points to, which of an annotated tag is the tag; undefined when there is none. */
  async ref(name: string): Promise<{ ref: string; sha: string; type: string } | undefined> {
    if (!name.startsWith('refs/') || /[\s~^:?*[\\]|\.\.|@\{/.test(name)) return undefined;
    const found = await this.object(name);
    return found === undefined ? undefined : { ref: name, sha: found.sha, type: found.type };
  }

  async refs(prefix: string): Promise<Array<{ ref: string; sha: string; type: string }>> {
    const listed = await this.text(['for-each-ref', '--format=%(refname) %(objectname) %(objecttype)', prefix]);
    return listed.split('\n').filter(Boolean).map((one) => { const [ref, sha, type] = one.split(' ') as [string, string, string]; return { ref, sha, type }; });
  }

  /** Moves a ref from what it was (undefined: it was not there) to what it shall be (undefined: it goes); false when it was something else. */
  async moveRef(ref: string, from: string | undefined, to: string | undefined): Promise<boolean> {
    const args = to === undefined ? ['update-ref', '-d', ref, from ?? ''] : ['update-ref', ref, to, from ?? ZERO];
    return this.git(args).then(() => true, (error: unknown) => { if (/cannot lock ref|reference already exists/.test(String(error))) return false; throw error; });
  }

  async isAncestor(one: string, other: string): Promise<boolean> {
    return one === other || await this.text(['rev-list', '--max-count=1', one, `^${other}`]) === '';
  }

  /** Ids of commits, newest first. */
  async log(args: string[]): Promise<string[]> {
    return (await this.text(['rev-list', ...args])).split('\n').filter(Boolean);
  }

  /** What differs between two trees or commits, with renames found and text patches. */
  async diff(from: string | undefined, to: string): Promise<FileChange[]> {
    const range = [from ?? '4b825dc642cb6eb9a060e54bf8d69288fbee4904', to];
    const [raw, patches] = (await Promise.all([['--raw', '--numstat', '-z'], ['--patch']].map((how) => this.git(['diff-tree', '-r', '--find-renames', '--abbrev=40', ...how, ...range])))).map((out) => out.toString('utf8')) as [string, string];
    const bodies = patches.split(/^diff --git .*\n/m).slice(1).map((patch) => (/^@@[^]*$/m.exec(patch)?.[0] ?? '').replace(/\n$/, ''));
    const parts = raw.split('\0');
    const changes: FileChange[] = [];
    let at = 0;
    for (; parts[at]?.startsWith(':') === true;) {
      const [, , before, after, letter] = (parts[at] as string).split(' ') as [string, string, string, string, string];
      const renamed = letter.startsWith('R');
      const path = parts[at + (renamed ? 2 : 1)] as string;
      const status = renamed ? 'renamed' : letter === 'A' ? 'added' : letter === 'D' ? 'removed' : 'modified';
      changes.push({ status, path, ...(renamed ? { from: parts[at + 1] } : {}), sha: status === 'removed' ? before : after, additions: 0, deletions: 0, patch: bodies[changes.length] ?? '' });
      at += renamed ? 3 : 2;
    }
    // The counts follow, in the same order; those of a rename name both paths after an empty one. Binary files have dashes.
    for (const change of changes) {
      const [additions = '-', deletions = '-'] = (parts[at] as string).split('\t');
      Object.assign(change, { additions: Number(additions.replace('-', '0')), deletions: Number(deletions.replace('-', '0')) });
      at += change.status === 'renamed' ? 3 : 1;
    }
    return changes;
  }

  /** The tree that a merge of two commits gives; undefined when they conflict. */
  async mergedTree(one: string, other: string): Promise<string | undefined> {
    const [tree = '', ...rest] = (await this.git(['merge-tree', '--write-tree', '--name-only', one, other], { allowed: [1] })).toString('utf8').trim().split('\n');
    return rest.length === 0 && /^[0-9a-f]{40}$/.test(tree) ? tree : undefined;
  }

  async mergeBase(one: string, other: string): Promise<string | undefined> {
    return (await this.git(['merge-base', one, other], { allowed: [1] })).toString('utf8').trim() || undefined;
  }

  /** Throws git's words when it finds fault with an object or a ref. */
  async fsck(): Promise<void> {
    const said = (await this.git(['fsck', '--strict', '--full', '--no-dangling', '--no-progress'])).toString('utf8').trim();
    if (said !== '') throw new Error(`git fsck: ${said}`);
  }

  /** Ends the process that reads objects. */
  close(): void {
    this.#reader?.stdin.end();
    this.#reader?.kill();
  }
}

function line({ name, email, date }: Identity): string {
  return `${name.replaceAll(/[<>\n]/g, '')} <${email.replaceAll(/[<>\n]/g, '')}> ${Math.floor(Date.parse(date) / 1000)} +0000`;
}

function identity(text = ''): Identity {
  const [, name = '', email = '', seconds = '0'] = /^(.*) <(.*)> (\d+) [+-]\d{4}$/.exec(text) ?? [];
  return { name, email, date: new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z') };
}
