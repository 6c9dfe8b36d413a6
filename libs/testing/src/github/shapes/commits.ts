import type { Commit, FileChange, Identity } from '../../git-store.js';
import type { RepositoryState, World } from '../world.js';
import { nodeId, user } from './accounts.js';
import { repositoryUrl } from './repository.js';

function verification(world: World, sha: string) {
  const signed = world.signatures.get(sha);
  return signed === undefined
    ? { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null }
    : { verified: true, reason: 'valid', signature: signed.signature, payload: signed.payload, verified_at: signed.at };
}

/** `git-commit`. */
export function gitCommit(world: World, state: RepositoryState, commit: Commit) {
  const api = repositoryUrl(world, state);
  const html = `${world.url}/${state.owner}/${state.name}`;
  const { sha, tree, parents, author, committer, message } = commit;
  return {
    sha, node_id: nodeId('C', sha), url: `${api}/git/commits/${sha}`, html_url: `${html}/commit/${sha}`, author, committer, tree: { sha: tree, url: `${api}/git/trees/${tree}` }, message,
    parents: parents.map((parent) => ({ sha: parent, url: `${api}/git/commits/${parent}`, html_url: `${html}/commit/${parent}` })), verification: verification(world, sha),
  };
}

/** GitHub knows people by the address they commit with; here that is their login at users.noreply.github.com, before it perhaps their id. */
export function loginOfEmail(world: World, { email }: Identity): string | undefined {
  const login = /^(?:\d+\+)?([^@]+)@users\.noreply\.github\.com$/.exec(email)?.[1];
  return login !== undefined && world.accounts.has(login.toLowerCase()) ? login : email === 'noreply@github.com' ? 'web-flow' : undefined;
}

/** `commit`; `files` are given for one commit alone. */
export function commit(world: World, state: RepositoryState, record: Commit, files?: FileChange[]) {
  const api = repositoryUrl(world, state);
  const { sha, author, committer, message, parents, tree, node_id, html_url, verification: verified } = gitCommit(world, state, record);
  const account = (identity: Identity) => { const login = loginOfEmail(world, identity); return login === undefined ? null : user(world, login); };
  const sum = (of: (file: FileChange) => number) => (files ?? []).reduce((total, file) => total + of(file), 0);
  return {
    sha, node_id, commit: { author, committer, message, tree, url: `${api}/git/commits/${sha}`, comment_count: 0, verification: verified }, url: `${api}/commits/${sha}`, html_url, comments_url: `${api}/commits/${sha}/comments`,
    author: account(author), committer: account(committer), parents: parents.map((parent) => ({ ...parent, url: `${api}/commits/${parent.sha}` })),
    ...(files === undefined ? {} : { stats: { total: sum((file) => file.additions + file.deletions), additions: sum((file) => file.additions), deletions: sum((file) => file.deletions) }, files: files.map((file) => diffEntry(world, state, file, sha)) }),
  };
}

/** `diff-entry`. */
export function diffEntry(world: World, state: RepositoryState, { status, path, from, sha, additions, deletions, patch }: FileChange, commitSha: string) {
  const html = `${world.url}/${state.owner}/${state.name}`;
  const escaped = path.split('/').map(encodeURIComponent).join('/');
  return {
    sha, filename: path, status, additions, deletions, changes: additions + deletions, blob_url: `${html}/blob/${commitSha}/${escaped}`, raw_url: `${html}/raw/${commitSha}/${escaped}`,
    contents_url: `${repositoryUrl(world, state)}/contents/${escaped}?ref=${commitSha}`, ...(patch === '' ? {} : { patch }), ...(from === undefined ? {} : { previous_filename: from }),
  };
}
