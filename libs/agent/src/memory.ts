import { createHash, type Hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson, type ArtifactStore } from '#artifacts';
import { settingsAmong } from '#config';
import { Failure, type AgentContract, type Memo, type Task } from '#contracts';
import { connect, grantAccess, type ForgeSettings } from '#forge';

const DAY_MS = 86_400_000;
/** Below `libs`, wherever this program runs from. */
const LIBRARIES = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** What a task's outputs depend on, as one hash, and how long what is kept under it counts. */
export interface MemoryOptions { store: ArtifactStore; agentsModuleUrl: string; maxAgeDays: number; forges: ForgeSettings }

/**
 * Reuse of what agents have made. The key of a task is a SHA-256 over
 *   agent, version of its contract, its code (every file beside its module and of the libraries, its prompts) · the parameters and settings that it is given, keys left out · ids of the input artifacts ·
 *   repository, branch and commit, resolved now, for an agent whose contract says that it reads the repository
 * so a changed program, setting or commit never finds what another one made. Only agents with `memo` in their contract have keys; one with an effect outside must not.
 */
export class Memory {
  private code: Promise<string> | undefined;

  constructor(private readonly options: MemoryOptions) {}

  /** `undefined` for a task that is not to be remembered, also when its repository cannot be read: the agent itself will say what is wrong. */
  async keyOf(task: Task, { memo, version, environment }: AgentContract): Promise<string | undefined> {
    if (!memo || this.options.maxAgeDays === 0) return undefined;
    const at = memo.commit ? await this.resolved(task) : {};
    if (at === undefined) return undefined;
    this.code ??= fingerprint([dirname(fileURLToPath(this.options.agentsModuleUrl)), LIBRARIES]);
    const settings = settingsAmong(environment);
    const { agent, params, inputs } = asGiven(task, { memo });
    return createHash('sha256').update(canonicalJson({ agent, version, code: await this.code, params, inputs, ...at, ...(Object.keys(settings).length > 0 && { settings }) })).digest('hex');
  }

  /** `undefined` when there is none, it is too old, or one of its artifacts is not there whole. */
  async recall(key: string): Promise<Memo | undefined> {
    const memo = await this.options.store.memos.read(key);
    if (!memo || Date.now() - Date.parse(memo.at) > this.options.maxAgeDays * DAY_MS) return undefined;
    try {
      for (const id of Object.values(memo.outputs).flat()) await this.options.store.bytes(id);
      return memo;
    } catch (error) {
      if (error instanceof Failure && (error.code === 'artifact-missing' || error.code === 'artifact-corrupt')) return undefined;
      throw error;
    }
  }

  /** `before`: the key when the agent began. A branch that has moved meanwhile gives another one, and nobody knows which of the two commits the agent has read. */
  async remember(before: string, task: Task, contract: AgentContract, memo: Omit<Memo, 'at' | 'runId'>): Promise<void> {
    if (contract.memo?.commit && await this.keyOf(task, contract) !== before) return;
    await this.options.store.memos.write(before, { ...memo, runId: task.runId, at: new Date().toISOString() });
  }

  private async resolved({ repository, ref }: Task): Promise<object | undefined> {
    try {
      const forge = connect(await grantAccess(this.options.forges, repository, 'read', 0));
      return { repository, ...await forge.resolveRef(repository, ref) };
    } catch (error) {
      if (error instanceof Failure) return undefined;
      throw error;
    }
  }
}

/** The task as its agent gets it: what does not belong to the key is not shown. */
export function asGiven(task: Task, { memo }: Pick<AgentContract, 'memo'>): Task {
  return memo?.params === undefined ? task : { ...task, params: Object.fromEntries(Object.entries(task.params).filter(([name]) => memo.params?.includes(name))) };
}

/** SHA-256 over the names and contents of all files below these folders, but source maps and specs; and over the prompts, which the build leaves among the sources. */
async function fingerprint(folders: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of folders) {
    await addFolder(hash, folder, (name) => !/\.map$|\.d\.ts$|\.spec\./.test(name));
    const sources = folder.replace(/[/\\]dist(?=[/\\](?:services|libs))/, '');
    if (sources !== folder && existsSync(sources)) await addFolder(hash, sources, (name) => name.endsWith('.prompt.md'));
  }
  return hash.digest('hex');
}

async function addFolder(hash: Hash, folder: string, counts: (name: string) => boolean): Promise<void> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && counts(entry.name));
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name)).filter((path) => !path.includes('node_modules')).sort();
  for (const path of paths) hash.update(`${path.slice(folder.length)}\0`).update(await readFile(path)).update('\0');
}
