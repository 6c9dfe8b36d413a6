import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { actorOf, authorize } from './access.js';
import { ApiError } from './request.js';
import type { World } from './world.js';

/** What is not the API: cloning over smart HTTP, archives, raw files, and the page that registers an App from a manifest. */
export async function serveWeb(world: World, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const clone = /^\/([^/]+)\/([^/]+?)(?:\.git)?(\/(?:info\/refs|git-upload-pack|git-receive-pack))$/.exec(url.pathname);
  const archive = /^\/_codeload\/[^/]+\/[^/]+\/legacy\.tar\.gz\/[0-9a-f]{40}$/.test(url.pathname);
  const raw = /^\/raw\/([^/]+)\/([^/]+)\/(.+)$/.exec(url.pathname);
  try {
    if (/^\/(?:organizations\/[^/]+\/)?settings\/apps\/new$/.test(url.pathname)) await manifestPage(world, request, response, url);
    else if (archive) await sendArchive(world, response, url.searchParams.get('token') ?? '');
    else if (raw !== null) await sendRaw(world, request, response, raw.slice(1).map(decodeURIComponent) as [string, string, string]);
    else if (clone !== null) await sendPack(world, request, response, clone.slice(1) as [string, string, string], url);
    else text(response, 404, 'Not Found');
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    text(response, error.status, error.message, error.status === 401 ? { 'www-authenticate': 'Basic realm="GitHub"' } : {});
  }
}

function text(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers });
  response.end(body);
}

/** The repository, when whoever asks may read its contents. Git asks again with a credential after 401. */
function readable(world: World, request: IncomingMessage, owner: string, name: string) {
  const actor = actorOf(world, request.headers.authorization);
  const { found } = world.repository(owner, name);
  if (actor.kind === 'anonymous' && found?.private !== false) throw new ApiError(401, 'Repository not found.');
  if (found === undefined) throw new ApiError(404, 'Repository not found.');
  authorize(world, actor, found, [{ permission: 'contents', level: 'read' }]);
  return found;
}

/** Fetching only: nothing in the product pushes over this way. */
async function sendPack(world: World, request: IncomingMessage, response: ServerResponse, [owner, name, service]: [string, string, string], url: URL): Promise<void> {
  if (service.endsWith('receive-pack') || url.searchParams.get('service') === 'git-receive-pack') throw new ApiError(403, 'Pushing is not simulated.');
  const repository = readable(world, request, owner, name);
  const environment = repository.store.environment({
    GIT_PROJECT_ROOT: repository.store.path, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: service, REQUEST_METHOD: request.method ?? 'GET', QUERY_STRING: url.search.slice(1), CONTENT_TYPE: request.headers['content-type'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''), HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
  });
  const child = spawn('git', ['-c', 'uploadpack.allowFilter=true', '-c', 'uploadpack.allowAnySHA1InWant=true', 'http-backend'], { env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  let begun = false;
  for await (const chunk of child.stdout) {
    if (begun) { response.write(chunk); continue; }
    head = Buffer.concat([head, chunk as Buffer]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) continue;
    begun = true;
    const headers = head.subarray(0, end).toString('utf8').split('\r\n').map((line) => line.split(': ') as [string, string]);
    response.writeHead(Number(headers.find(([key]) => key === 'Status')?.[1]?.slice(0, 3) ?? 200), Object.fromEntries(headers.filter(([key]) => key !== 'Status')));
    response.write(head.subarray(end + 4));
  }
  response.end();
}

async function sendArchive(world: World, response: ServerResponse, token: string): Promise<void> {
  const archive = world.archives.get(token);
  if (archive === undefined || archive.expires < Date.now()) throw new ApiError(404, 'Not Found');
  const { repository: { owner, name, store }, commit } = archive;
  const folder = `${owner}-${name}-${commit.slice(0, 7)}`;
  const bytes = await store.git(['archive', '--format=tar.gz', `--prefix=${folder}/`, commit]);
  response.writeHead(200, { 'content-type': 'application/x-gzip', 'content-disposition': `attachment; filename=${folder}.tar.gz`, 'content-length': bytes.length });
  response.end(bytes);
}

async function sendRaw(world: World, request: IncomingMessage, response: ServerResponse, [owner, name, rest]: [string, string, string]): Promise<void> {
  const { store } = readable(world, request, owner, name);
  const parts = rest.split('/');
  for (let length = 1; length < parts.length; length++) {
    const commit = await store.commitOf(parts.slice(0, length).join('/'));
    const blob = commit === undefined ? undefined : await store.object(`${commit}:${parts.slice(length).join('/')}`);
    if (blob?.type !== 'blob') continue;
    const binary = blob.content.subarray(0, 8000).includes(0);
    response.writeHead(200, { 'content-type': binary ? 'application/octet-stream' : 'text/plain; charset=utf-8', 'content-length': blob.size, etag: `W/"${blob.sha}"` });
    response.end(blob.content);
    return;
  }
  throw new ApiError(404, 'Not Found');
}

/** The form's one field is the manifest. GitHub then asks the person, who agrees here at once, and leads back to `redirect_url` with a code for one conversion. */
async function manifestPage(world: World, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  if (request.method !== 'POST') { text(response, 200, 'Post the manifest of an App here.'); return; }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const problem = (message: string) => text(response, 422, message);
  let manifest: Record<string, unknown>;
  try {
    manifest = JSON.parse(new URLSearchParams(Buffer.concat(chunks).toString('utf8')).get('manifest') ?? '') as Record<string, unknown>;
  } catch {
    problem('The manifest is not JSON.');
    return;
  }
  const wrong = manifestProblems(manifest);
  if (wrong.length > 0) { problem(wrong.join('\n')); return; }
  const code = world.code();
  world.manifests.set(code, manifest);
  const back = new URL(manifest.redirect_url as string);
  back.searchParams.set('code', code);
  if (url.searchParams.has('state')) back.searchParams.set('state', url.searchParams.get('state') as string);
  response.writeHead(302, { location: back.href });
  response.end();
}

const MANIFEST_KEYS = new Set(['name', 'url', 'hook_attributes', 'redirect_url', 'callback_urls', 'setup_url', 'description', 'public', 'default_events', 'default_permissions', 'request_oauth_on_install', 'setup_on_update']);

function manifestProblems(manifest: Record<string, unknown>): string[] {
  const hook = manifest.hook_attributes as { url?: unknown } | undefined;
  return [
    ...Object.keys(manifest).filter((key) => !MANIFEST_KEYS.has(key)).map((key) => `${key} is not a key of a manifest`),
    ...(typeof manifest.name === 'string' && manifest.name.length <= 34 ? [] : ['name is missing or longer than 34 characters']),
    ...(typeof manifest.url === 'string' && URL.canParse(manifest.url) ? [] : ['url is missing']),
    ...(typeof manifest.redirect_url === 'string' && URL.canParse(manifest.redirect_url) ? [] : ['redirect_url is missing']),
    ...(hook !== undefined && !(typeof hook.url === 'string' && URL.canParse(hook.url)) ? ['hook_attributes.url is missing'] : []),
    ...((manifest.default_events ?? []) as string[]).filter((event) => ['installation', 'installation_repositories'].includes(event)).map((event) => `default_events: ${event} is always sent and cannot be subscribed to`),
  ];
}
