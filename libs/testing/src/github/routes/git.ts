import { moveAllowed, protects } from '../protection.js';
import { refMoved } from '../pushes.js';
import { ApiError, created, notFound, ok, page, type Answer, type RepositoryRequest } from '../request.js';
import { reads, writes, type Route } from '../route.js';
import { nodeId } from '../shapes/accounts.js';
import { repositoryUrl } from '../shapes/repository.js';
import { loginOf } from '../access.js';

/** The Git database: refs, blobs and tags. Commits and trees have files of their own. */
export const gitRoutes: Record<string, Route> = {
  'git/get-ref': reads('contents', async (request) => {
    const found = await refAt(request, request.params.ref as string);
    if (found === undefined) throw notFound();
    return ok(refShape(request, found));
  }),
  'git/list-matching-refs': reads('contents', async (request) => {
    await requireCommits(request);
    const prefix = `refs/${request.params.ref as string}`;
    return page(request, (await request.repository.store.refs('refs/')).filter((one) => one.ref.startsWith(prefix)), (one) => refShape(request, one));
  }),
  'git/create-ref': writes('contents', createRef),
  'git/update-ref': writes('contents', updateRef),
  'git/delete-ref': writes('contents', async (request) => {
    const { world, repository, actor, params } = request;
    const found = await refAt(request, params.ref as string);
    if (found === undefined) throw new ApiError(422, 'Reference does not exist');
    if (protects(request, found.ref)) throw new ApiError(422, 'Cannot delete a protected branch');
    if (!await repository.store.moveRef(found.ref, found.sha, undefined)) throw new ApiError(422, 'Reference cannot be deleted');
    await refMoved(world, repository, { ref: found.ref, before: found.sha, after: undefined, sender: loginOf(actor) });
    return { status: 204 };
  }),
  'git/get-blob': reads('contents', async ({ world, repository, params, headers }) => {
    const blob = await repository.store.object(params.file_sha as string);
    if (blob?.type !== 'blob' || blob.sha !== params.file_sha) throw notFound();
    if (blob.size > 100 * 1024 * 1024) throw new ApiError(403, 'This API returns blobs up to 100 MB in size. The requested blob is too large to fetch via the API, but you can always clone the repository to obtain it.', [{ resource: 'Blob', field: 'data', code: 'too_large' }]);
    if (/application\/vnd\.github\.(v3\.)?raw/.test(headers.accept ?? '')) return { status: 200, body: blob.content, type: 'application/vnd.github.raw+json' };
    const content = blob.content.toString('base64').replaceAll(/.{60}/g, '$&\n');
    return ok({ sha: blob.sha, node_id: nodeId('B', blob.sha), size: blob.size, url: `${repositoryUrl(world, repository)}/git/blobs/${blob.sha}`, content: content === '' || content.endsWith('\n') ? content : `${content}\n`, encoding: 'base64' });
  }),
  'git/create-blob': writes('contents', async (request) => {
    const { world, repository } = request;
    await requireCommits(request);
    const { content, encoding = 'utf-8' } = request.body as { content: string; encoding?: string };
    if (encoding !== 'utf-8' && encoding !== 'base64') throw new ApiError(422, 'Invalid request.\n\nencoding must be one of utf-8, base64.');
    if (encoding === 'base64' && !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content)) throw new ApiError(422, 'content is not valid Base64');
    const sha = await repository.store.writeBlob(Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8'));
    return created({ sha, url: `${repositoryUrl(world, repository)}/git/blobs/${sha}` });
  }),
  'git/get-tag': reads('contents', async ({ world, repository, params }) => {
    const tag = await repository.store.object(params.tag_sha as string);
    if (tag?.type !== 'tag') throw notFound();
    const text = tag.content.toString('utf8');
    const [, sha = '', type = '', name = '', who = '', email = '', seconds = '0'] = /^object (\w+)\ntype (\w+)\ntag (.*)\ntagger (.*) <(.*)> (\d+) /.exec(text) ?? [];
    const api = repositoryUrl(world, repository);
    return ok({
      node_id: nodeId('TA', tag.sha), sha: tag.sha, url: `${api}/git/tags/${tag.sha}`, object: { sha, type, url: `${api}/git/${type}s/${sha}` }, tag: name, message: text.slice(text.indexOf('\n\n') + 2).trim(),
      tagger: { name: who, email, date: new Date(Number(seconds) * 1000).toISOString() }, verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
    });
  }),
};

/** An empty repository has no Git database to write to. */
export async function requireCommits({ repository }: RepositoryRequest): Promise<void> {
  if (await repository.store.object('HEAD') === undefined && (await repository.store.refs('refs/heads/')).length === 0) throw new ApiError(409, 'Git Repository is empty.');
}

async function refAt(request: RepositoryRequest, name: string): Promise<{ ref: string; sha: string; type: string } | undefined> {
  await requireCommits(request);
  if (name.startsWith('refs/') || name.endsWith('/')) return undefined;
  return request.repository.store.ref(`refs/${name}`);
}

function refShape({ world, repository }: RepositoryRequest, { ref, sha, type }: { ref: string; sha: string; type: string }) {
  const api = repositoryUrl(world, repository);
  return { ref, node_id: nodeId('REF', `${repository.id}:${ref}`), url: `${api}/git/${ref}`, object: { sha, type, url: `${api}/git/${type}s/${sha}` } };
}

async function createRef(request: RepositoryRequest): Promise<Answer> {
  const { world, repository, actor } = request;
  const { ref, sha } = request.body as { ref: string; sha: string };
  await requireCommits(request);
  if (!/^refs\/[^/]+\/./.test(ref) || !await validRef(request, ref)) throw new ApiError(422, "Reference name must start with 'refs/' and contain at least two slashes.");
  const object = /^[0-9a-f]{40}$/.test(sha) ? await repository.store.object(sha) : undefined;
  if (object === undefined) throw new ApiError(422, 'Object does not exist');
  if (ref.startsWith('refs/heads/') && object.type !== 'commit') throw new ApiError(422, 'Reference update failed');
  if (await repository.store.ref(ref) !== undefined) throw new ApiError(422, 'Reference already exists');
  await moveAllowed(request, ref, object.sha);
  const made = await repository.store.moveRef(ref, undefined, sha).catch(() => false);
  if (!made) throw new ApiError(422, 'Reference update failed');
  await refMoved(world, repository, { ref, before: undefined, after: sha, sender: loginOf(actor) });
  return created(refShape(request, { ref, sha, type: object.type }));
}

async function updateRef(request: RepositoryRequest): Promise<Answer> {
  const { world, repository, actor, params } = request;
  const { sha, force = false } = request.body as { sha: string; force?: boolean };
  const found = await refAt(request, params.ref as string);
  if (found === undefined) throw new ApiError(422, 'Reference does not exist');
  const commit = /^[0-9a-f]{40}$/.test(sha) ? await repository.store.peel(sha, 'commit') : undefined;
  if (commit === undefined) throw new ApiError(422, 'Object does not exist');
  if (protects(request, found.ref)) throw new ApiError(422, 'Cannot update this protected ref.');
  if (!force && !await repository.store.isAncestor(found.sha, commit)) throw new ApiError(422, 'Update is not a fast forward');
  await moveAllowed(request, found.ref, commit);
  if (!await repository.store.moveRef(found.ref, found.sha, commit)) throw new ApiError(422, 'Reference cannot be updated');
  await refMoved(world, repository, { ref: found.ref, before: found.sha, after: commit, sender: loginOf(actor) });
  return ok(refShape(request, { ref: found.ref, sha: commit, type: 'commit' }));
}

async function validRef({ repository }: RepositoryRequest, ref: string): Promise<boolean> {
  return repository.store.git(['check-ref-format', ref]).then(() => true, () => false);
}
