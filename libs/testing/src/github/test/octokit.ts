import { App, Octokit } from 'octokit';
import type { GitHubSimulator } from '../simulator.js';
import type { Permissions, SimulatedApp } from '../world.js';

/** Octokit's own client on the simulator, which neither waits nor tries again. */
export function client(github: GitHubSimulator): typeof Octokit {
  return Octokit.defaults({ baseUrl: github.apiUrl, throttle: { enabled: false }, retry: { enabled: false }, log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined } });
}

/** The App itself, by its JWT. */
export function asApp(github: GitHubSimulator, app: SimulatedApp = github.app): App {
  return new App({ appId: app.id, privateKey: app.privateKey, Octokit: client(github) });
}

/** The installation on a repository, with a token narrowed as told. */
export async function asInstallation(github: GitHubSimulator, repository: string, narrowed: { repositories?: string[]; permissions?: Permissions } = {}): Promise<Octokit> {
  const [owner, repo] = repository.split('/') as [string, string];
  const { rest } = asApp(github).octokit;
  const { data: { id } } = await rest.apps.getRepoInstallation({ owner, repo });
  const { data: { token } } = await rest.apps.createInstallationAccessToken({ installation_id: id, ...narrowed });
  return new (client(github))({ auth: token });
}

/** What a call that fails says: status and message. */
export async function refusal(call: Promise<unknown>): Promise<{ status: number; message: string; headers: Record<string, string> }> {
  const error = await call.then(() => { throw new Error('the call did not fail'); }, (caught: unknown) => caught) as { status?: number; message: string; response?: { data: { message?: string }; headers: Record<string, string> } };
  return { status: error.status ?? 0, message: error.response?.data.message ?? error.message, headers: error.response?.headers ?? {} };
}
