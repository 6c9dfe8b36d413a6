import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '#config';
import type { GitHubSimulator, SimulatedRepository, TestRepository } from '#testing';
import type { ForgeUse, HostedForge } from '../forge.js';
import { connectHosted, grantAccess, type ForgeSettings } from '../forges.js';
import type { ForgeUnderTest } from '../publication.contract.js';

/** The settings of a Pullwright that is the simulator's App. */
export function settingsFor(github: GitHubSimulator, more: Record<string, string> = {}): ForgeSettings {
  return loadConfig({ GITHUB_URL: github.url, GITHUB_APP_ID: String(github.app.id), GITHUB_APP_PRIVATE_KEY: github.app.privateKey, ...more });
}

export async function forgeFor(settings: ForgeSettings, address: string, use: ForgeUse = 'write'): Promise<HostedForge> {
  return connectHosted(await grantAccess(settings, address, use, 60_000));
}

export interface HostedRepository { simulated: SimulatedRepository; address: string }

/** Repositories of the contract at the simulator: what the test does with git in its folder happens in the bare repository behind the forge, and is seen there at once. */
let count = 0;

export class GithubUnderTest implements ForgeUnderTest {
  private readonly hosted = new Map<TestRepository, HostedRepository>();


  constructor(private readonly github: () => GitHubSimulator, private readonly more: Record<string, string> = {}) {}

  async host(repository: TestRepository): Promise<{ forge: HostedForge; address: string }> {
    const { address } = this.of(repository) ?? await this.adopt(repository);
    return { address, forge: await forgeFor(settingsFor(this.github(), this.more), address) };
  }

  of(repository: TestRepository): HostedRepository | undefined { return this.hosted.get(repository); }

  async merge(repository: TestRepository, branch: string, how: 'squash' | 'merge'): Promise<void> {
    const { simulated } = this.hosted.get(repository) as HostedRepository;
    const pull = simulated.pulls.find(({ head, state }) => head === branch && state === 'open');
    if (!pull) throw new Error(`no open pull request of ${branch}`);
    await simulated.merge(pull.number, { method: how });
    await repository.git('reset', '--quiet', '--hard');
  }

  private async adopt(repository: TestRepository): Promise<HostedRepository> {
    const simulated = await this.github().createRepository(`acme/app-${++count}`);
    const { path } = repository;
    if ((await repository.git('for-each-ref')) !== '') await repository.git('push', '--quiet', '--mirror', simulated.path);
    await cp(join(path, '.git/index'), join(simulated.path, 'index')).catch(() => undefined);
    await rm(join(path, '.git'), { recursive: true });
    await writeFile(join(path, '.git'), `gitdir: ${simulated.path}\n`);
    await simulated.git('config', 'core.bare', 'false');
    const hosted = { simulated, address: simulated.url };
    this.hosted.set(repository, hosted);
    return hosted;
  }
}
