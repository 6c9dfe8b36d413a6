import { join } from 'node:path';
import { loadConfig } from '#config';
import type { GitLabSimulator, SimulatedProject, TestRepository } from '#testing';
import type { HostedForge } from '../forge.js';
import { connectHosted, grantAccess } from '../forges.js';
import type { ForgeUnderTest } from '../publication.contract.js';

export interface HostedProject { project: SimulatedProject; address: string; token: string }

let count = 0;

/** Repositories of the contract at the simulator, which serves the very git directory that the test works in. */
export class GitlabUnderTest implements ForgeUnderTest {
  readonly rebases = true;
  private readonly hosted = new Map<TestRepository, HostedProject>();

  constructor(private readonly gitlab: () => GitLabSimulator, private readonly more: Record<string, string> = {}) {}

  async host(repository: TestRepository): Promise<{ forge: HostedForge; address: string }> {
    const { address, token } = await this.of(repository);
    return { address, forge: await forgeFor(this.gitlab(), address, token, this.more) };
  }

  async of(repository: TestRepository): Promise<HostedProject> {
    const known = this.hosted.get(repository);
    if (known) return known;
    const project = await this.gitlab().hostProject(`acme/web/app-${++count}`, join(repository.path, '.git'));
    const hosted = { project, address: project.url, token: project.accessToken('developer') };
    this.hosted.set(repository, hosted);
    return hosted;
  }

  async merge(repository: TestRepository, branch: string, how: 'squash' | 'merge'): Promise<void> {
    const { project } = await this.of(repository);
    const open = project.mergeRequests.find(({ sourceBranch, state }) => sourceBranch === branch && state === 'opened');
    if (!open) throw new Error(`no open merge request of ${branch}`);
    await project.merge(open.iid, { squash: how === 'squash' });
    await repository.git('reset', '--quiet', '--hard');
  }
}

export async function forgeFor(gitlab: GitLabSimulator, address: string, token: string, more: Record<string, string> = {}): Promise<HostedForge> {
  return connectHosted(await grantAccess(loadConfig({ GITLAB_URL: gitlab.url, GITLAB_TOKEN: token, ...more }), address, 'write', 60_000));
}
