import { ApiError, notFound, ok, type Answer, type RepositoryRequest } from '../request.js';
import { reads, type Route } from '../route.js';
import { repositoryUrl } from '../shapes/repository.js';
import type { TreeEntry } from '../../git-store.js';

const MEBIBYTE = 1024 * 1024;
const RAW = /application\/vnd\.github\.(v3\.)?raw/;

export const contentRoutes: Record<string, Route> = { 'repos/get-content': reads('contents', getContent) };

/** A file with its bytes (above 1 MiB without, above 100 MiB not at all), a folder of up to 1,000 entries, a symbolic link (that leads to a file: that file), or a submodule. */
async function getContent(request: RepositoryRequest): Promise<Answer> {
  const { repository: { store, defaultBranch }, params, query, headers } = request;
  const ref = query.get('ref') ?? defaultBranch;
  const commit = await store.commitOf(ref);
  if (commit === undefined) throw (await store.refs('refs/heads/')).length === 0 ? new ApiError(404, 'This repository is empty.') : new ApiError(404, `No commit found for the ref ${ref}`);
  const path = (params.path ?? '').replace(/^\/+|\/+$/g, '');
  const entry = path === '' ? { path, mode: '040000', type: 'tree' as const, sha: await store.peel(commit, 'tree') as string } : await store.entry(commit, path);
  if (entry === undefined) throw notFound();
  if (entry.type === 'tree') return ok((await store.tree(entry.sha, false)).slice(0, 1000).map((one) => summary(request, ref, path === '' ? one.path : `${path}/${one.path}`, one)));
  if (entry.type === 'commit') return ok({ ...summary(request, ref, path, entry), submodule_git_url: await submoduleUrl(request, commit, path) });
  const blob = await store.object(entry.sha);
  if (blob === undefined) throw notFound();
  if (entry.mode === '120000') {
    const target = blob.content.toString('utf8');
    const resolved = new URL(target, `file:///${path}`).pathname.slice(1);
    const led = target.startsWith('/') ? undefined : await store.entry(commit, decodeURIComponent(resolved));
    if (led?.type !== 'blob' || led.mode === '120000') return ok({ ...summary(request, ref, path, entry), target });
    return file(request, ref, path, led);
  }
  if (blob.size > 100 * MEBIBYTE) throw new ApiError(403, 'This API returns blobs up to 100 MB in size. The requested blob is too large to fetch via the API, but you can always clone the repository to obtain it.', [{ resource: 'Blob', field: 'data', code: 'too_large' }]);
  if (RAW.test(headers.accept ?? '')) return { status: 200, body: blob.content, type: 'application/vnd.github.raw+json' };
  return file(request, ref, path, entry);
}

async function file(request: RepositoryRequest, ref: string, path: string, entry: TreeEntry): Promise<Answer> {
  const blob = await request.repository.store.object(entry.sha);
  if (blob === undefined) throw notFound();
  const small = blob.size <= MEBIBYTE;
  return ok({ ...summary(request, ref, path, { ...entry, size: blob.size }), content: small ? blob.content.toString('base64').replaceAll(/.{60}/g, '$&\n').replace(/\n?$/, blob.size === 0 ? '' : '\n') : '', encoding: small ? 'base64' : 'none' });
}

function summary({ world, repository }: RepositoryRequest, ref: string, path: string, { type, mode, sha, size }: TreeEntry) {
  const api = repositoryUrl(world, repository);
  const escaped = path.split('/').map(encodeURIComponent).join('/');
  const url = `${api}/contents/${escaped}?ref=${encodeURIComponent(ref)}`;
  const html = `${world.url}/${repository.owner}/${repository.name}/${type === 'tree' ? 'tree' : 'blob'}/${ref}/${escaped}`;
  const git = type === 'commit' ? null : `${api}/git/${type}s/${sha}`;
  return {
    name: path.split('/').at(-1) as string, path, sha, size: size ?? 0, url, html_url: type === 'commit' ? null : html, git_url: git, download_url: type === 'blob' ? `${world.url}/raw/${repository.owner}/${repository.name}/${ref}/${escaped}` : null,
    type: type === 'tree' ? 'dir' : type === 'commit' ? 'submodule' : mode === '120000' ? 'symlink' : 'file', _links: { self: url, git, html: type === 'commit' ? null : html },
  };
}

/** GitHub answers null for a submodule of which `.gitmodules` does not know; its description has no other way than an address. */
async function submoduleUrl({ repository: { store } }: RepositoryRequest, commit: string, path: string): Promise<string> {
  const modules = (await store.object(`${commit}:.gitmodules`))?.content.toString('utf8') ?? '';
  const section = modules.split(/^\[submodule /m).find((one) => new RegExp(String.raw`^\s*path\s*=\s*${path.replaceAll(/[.*+?^$()|[\]\\{}]/g, String.raw`\$&`)}\s*$`, 'm').test(one));
  return /^\s*url\s*=\s*(\S+)/m.exec(section ?? '')?.[1] ?? 'about:blank';
}
