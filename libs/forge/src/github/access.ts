import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createAppAuth } from '@octokit/auth-app';
import type { Config } from '#config';
import { Failure, type RepositoryAddress } from '#contracts';
import type { ForgeUse } from '../forge.js';
import { doing, found, githubClient, type GithubClient } from './client.js';

/** What a process gets to work with one repository on GitHub. The token is good for that repository and that use, and for an hour at most; a personal one is what it is. */
export interface GithubAccess {
  forge: 'github';
  webUrl: string; apiUrl: string; owner: string; name: string;
  token: string;
  reader: Config['GITHUB_READER'];
  /** A program, or an address. */
  mcp?: string;
  cache?: { folder: string; megabytes: number };
}

export type GithubSettings = Pick<Config, 'GITHUB_URL' | 'GITHUB_APP_ID' | 'GITHUB_APP_PRIVATE_KEY' | 'GITHUB_APP_PRIVATE_KEY_FILE' | 'GITHUB_TOKEN' | 'GITHUB_READER' | 'GITHUB_MCP' | 'FORGE_CACHE' | 'FORGE_CACHE_MB'>;

/** What each use needs, and no more; docs/pull-requests.md gives the reasons. */
const PERMISSIONS = {
  read: { metadata: 'read', contents: 'read' },
  write: { metadata: 'read', contents: 'write', pull_requests: 'write' },
  report: { metadata: 'read', contents: 'read', pull_requests: 'write', checks: 'write' },
} as const satisfies Record<ForgeUse, Record<string, 'read' | 'write'>>;

/** A token is not handed out when it would end before the step that it is for may. */
const MARGIN_MS = 60_000;

/** Where the API of this GitHub is: an Enterprise Server has it below its own address. */
export function apiUrlOf(webUrl: string): string {
  const { origin, hostname } = new URL(webUrl);
  return hostname === 'github.com' ? 'https://api.github.com' : `${origin}/api/v3`;
}

/** In the host alone: here the App's private key is used. Throws `forge-unauthorized`, `forge-forbidden`, `repository-not-found`, `forge-limited` or `forge-unavailable`. */
export async function grantGithub(settings: GithubSettings, { names, canonical }: RepositoryAddress, use: ForgeUse, timeLimitMs: number): Promise<GithubAccess> {
  const [owner, name] = names;
  if (names.length !== 2) throw new Failure('bad-request', `repository: a repository on GitHub is <owner>/<name>, and this is ${canonical}`);
  const apiUrl = apiUrlOf(settings.GITHUB_URL);
  const token = settings.GITHUB_APP_ID !== undefined ? await installationToken(await appClient(settings, apiUrl), owner, name, use, timeLimitMs) : settings.GITHUB_TOKEN;
  if (token === undefined) throw new Failure('forge-unauthorized', 'neither GITHUB_APP_ID nor GITHUB_TOKEN is set');
  return {
    forge: 'github', webUrl: new URL(settings.GITHUB_URL).origin, apiUrl, owner, name, token, reader: settings.GITHUB_READER,
    ...(settings.GITHUB_MCP !== undefined && { mcp: settings.GITHUB_MCP }),
    ...(settings.FORGE_CACHE !== undefined && { cache: { folder: resolve(settings.FORGE_CACHE), megabytes: settings.FORGE_CACHE_MB } }),
  };
}

async function installationToken(app: GithubClient, owner: string, name: string, use: ForgeUse, timeLimitMs: number): Promise<string> {
  const installation = await found(`the app’s installation on ${owner}/${name}`, () => app.request('GET /repos/{owner}/{repo}/installation', { owner, repo: name }));
  if (!installation) throw new Failure('forge-unauthorized', `the app is not installed on ${owner}/${name}, or there is no such repository`);
  // After a rename the old name still answers, but no token can be had for it.
  const mint = (refresh: boolean) => app.auth({ type: 'installation', installationId: installation.data.id, repositoryNames: [name], permissions: PERMISSIONS[use], refresh }) as Promise<{ token: string; expiresAt: string }>;
  return doing(`a token for ${owner}/${name} (${Object.entries(PERMISSIONS[use]).map((permission) => permission.join(': ')).join(', ')})`, async () => {
    const known = await mint(false);
    return (Date.parse(known.expiresAt) - Date.now() > timeLimitMs + MARGIN_MS ? known : await mint(true)).token;
  });
}

/** One for each App, so that its tokens are remembered. */
const apps = new Map<string, GithubClient>();

async function appClient(settings: GithubSettings, apiUrl: string): Promise<GithubClient> {
  const { GITHUB_APP_ID: appId, GITHUB_APP_PRIVATE_KEY_FILE: file } = settings;
  const privateKey = (settings.GITHUB_APP_PRIVATE_KEY ?? (file === undefined ? undefined : await readKey(file)))?.replaceAll(String.raw`\n`, '\n');
  if (privateKey === undefined) throw new Failure('forge-unauthorized', 'GITHUB_APP_ID is set, but neither GITHUB_APP_PRIVATE_KEY nor GITHUB_APP_PRIVATE_KEY_FILE');
  const key = createHash('sha256').update(`${apiUrl} ${appId} ${privateKey}`).digest('hex');
  const client = apps.get(key) ?? githubClient(apiUrl, { authStrategy: createAppAuth, auth: { appId, privateKey } }, `app-${appId}`);
  apps.set(key, client);
  return client;
}

async function readKey(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => { throw new Failure('forge-unauthorized', `GITHUB_APP_PRIVATE_KEY_FILE cannot be read: ${cause.code}`, { cause }); });
}
