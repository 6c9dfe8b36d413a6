import { ApiError, keysetPage, notFound, type Answer, type ProjectRequest } from './answers.js';
import { showCommit } from './entities.js';

export async function getTree(request: ProjectRequest): Promise<Answer> {
  const { project: { store, defaultBranch }, query } = request;
  const commit = await store.commitOf(query.get('ref') ?? defaultBranch);
  if (commit === undefined) throw notFound('Tree');
  const path = (query.get('path') ?? '').replace(/\/+$/, '');
  const tree = await store.treeAt(commit, path);
  if (tree === undefined) throw notFound('invalid revision or path');
  if (query.get('pagination') !== 'keyset') throw new ApiError(400, 'the simulator pages trees by key only: pagination=keyset');
  const entries = query.get('recursive') === 'true' ? await store.tree(tree, true) : await store.entries(tree);
  const listed = [...entries.filter(({ type }) => type === 'tree'), ...entries.filter(({ type }) => type !== 'tree')];
  return keysetPage(request, listed, (entry) => entry.path, ({ path: below, mode, type, sha }) => ({ id: sha, name: below.split('/').at(-1), type, path: path === '' ? below : `${path}/${below}`, mode }));
}

export async function getRawBlob({ project, params }: ProjectRequest): Promise<Answer> {
  const object = /^[0-9a-f]{40}$/.test(params['sha'] ?? '') ? await project.store.object(params['sha'] as string) : undefined;
  if (object?.type !== 'blob') throw notFound('Blob');
  return { status: 200, body: object.content, type: 'application/octet-stream' };
}

/** As git makes it: files that .gitattributes keeps out of archives are not in it. */
export async function getArchive({ project, query }: ProjectRequest): Promise<Answer> {
  const commit = await project.store.commitOf(query.get('sha') ?? project.defaultBranch);
  if (commit === undefined) throw notFound('File');
  const name = `${project.path.split('/').at(-1)}-${commit}`;
  const tar = await project.store.git(['archive', '--format=tar.gz', `--prefix=${name}/`, commit]);
  return { status: 200, body: tar, type: 'application/octet-stream', headers: { 'content-disposition': `attachment; filename="${name}.tar.gz"` } };
}

export async function getCompare({ world, project, query }: ProjectRequest): Promise<Answer> {
  const { store } = project;
  const [from, to] = await Promise.all(['from', 'to'].map((side) => store.commitOf(query.get(side) ?? '')));
  if (from === undefined || to === undefined) throw notFound('Ref');
  const start = query.get('straight') === 'true' ? from : await store.mergeBase(from, to);
  if (start === undefined) throw notFound('Ref');
  const commits = await Promise.all((await store.log(['--reverse', to, `^${from}`])).map(async (sha) => showCommit(world, project, (await store.commit(sha)) as NonNullable<Awaited<ReturnType<typeof store.commit>>>)));
  const diffs = (await store.diff(start, to)).map((change) => ({
    diff: change.patch, new_path: change.path, old_path: change.from ?? change.path, a_mode: change.status === 'added' ? '0' : '100644', b_mode: change.status === 'removed' ? '0' : '100644',
    new_file: change.status === 'added', renamed_file: change.status === 'renamed', deleted_file: change.status === 'removed', generated_file: false,
  }));
  return { status: 200, body: { commit: commits.at(-1) ?? null, commits, diffs, compare_timeout: false, compare_same_ref: from === to, web_url: `${world.url}/${project.path}/-/compare/${from}...${to}` } };
}

export async function getMergeBase({ world, project, query }: ProjectRequest): Promise<Answer> {
  const refs = await Promise.all(query.getAll('refs[]').map((ref) => project.store.commitOf(ref)));
  if (refs.length < 2 || refs.includes(undefined)) throw new ApiError(400, 'Could not find ref');
  const found = await project.store.mergeBase(refs[0] as string, refs[1] as string);
  const commit = found === undefined ? undefined : await project.store.commit(found);
  if (!commit) throw notFound('Merge Base');
  return { status: 200, body: showCommit(world, project, commit) };
}
