import { McpServer, type CallToolResult, type Transport } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { failed, fileContents, text } from './file-contents.js';
import { escaped, repositoryPath, type Rest } from './rest.js';

/** Which tools are offered: those of the toolsets, or exactly the named ones beside them. As with the real server, `get_repository_tree` is in a toolset that is not among the usual ones. */
export interface Selection { toolsets: string[]; tools: string[] }

const USUAL = ['context', 'copilot', 'issues', 'pull_requests', 'repos', 'users'];
const where = { owner: z.string(), repo: z.string() };
const paged = { page: z.number().min(1).optional(), perPage: z.number().min(1).max(100).optional() };

interface Account { login: string; id: number; html_url: string; avatar_url: string }
interface Person { name: string; email: string; date: string }
interface RestCommit { sha: string; html_url: string; commit: { message: string; author: Person; committer: Person }; author: Account | null; committer: Account | null; stats?: Record<string, number>; files?: Array<Record<string, unknown>> }
interface RestTree { sha: string; truncated: boolean; tree: Array<{ path: string; type: string; size?: number; mode: string; sha: string; url?: string }> }

interface Tool { toolset: string; title: string; input: z.ZodObject; answer: (rest: Rest, input: unknown) => Promise<CallToolResult> }

function tool<T extends z.ZodRawShape>(toolset: string, title: string, shape: T, answer: (rest: Rest, input: z.infer<z.ZodObject<T>>) => Promise<CallToolResult>): Tool {
  return { toolset, title, input: z.object(shape), answer: (rest, input) => answer(rest, input as z.infer<z.ZodObject<T>>) };
}

const TOOLS: Record<string, Tool> = {
  get_repository_tree: tool('git', 'Get repository tree', { ...where, tree_sha: z.string().optional(), recursive: z.boolean().optional(), path_filter: z.string().optional() }, (rest, { owner, repo, tree_sha: given, recursive = false, path_filter: prefix = '' }) => telling('failed to get repository tree', async () => {
    const treeSha = given ?? (await rest.get(repositoryPath(owner, repo)) as { default_branch: string }).default_branch;
    const { sha, truncated, tree } = await rest.get(`${repositoryPath(owner, repo)}/git/trees/${escaped(treeSha)}`, recursive ? { recursive: 1 } : {}) as RestTree;
    const entries = tree.filter((entry) => entry.path.startsWith(prefix)).map(({ path, type, size, mode, sha: id, url = '' }) => ({ path, type, ...(size === undefined ? {} : { size }), mode, sha: id, url }));
    return { sha, truncated, tree: entries, tree_sha: treeSha, owner, repo, recursive, count: entries.length };
  })),
  get_file_contents: tool('repos', 'Get file or directory contents', { ...where, path: z.string().optional(), ref: z.string().optional(), sha: z.string().optional(), fields: z.array(z.string()).optional() }, fileContents),
  list_branches: tool('repos', 'List branches', { ...where, ...paged }, (rest, { owner, repo, page = 1, perPage = 30 }) => telling('failed to list branches', async () => {
    const branches = await rest.get(`${repositoryPath(owner, repo)}/branches`, { page, per_page: perPage }) as Array<{ name: string; commit: { sha: string }; protected: boolean }>;
    return branches.map(({ name, commit: { sha }, protected: isProtected }) => ({ name, sha, protected: isProtected }));
  })),
  list_commits: tool('repos', 'List commits', { ...where, ...paged, sha: z.string().optional(), path: z.string().optional(), author: z.string().optional(), since: z.string().optional(), until: z.string().optional() }, (rest, { owner, repo, page = 1, perPage = 30, ...filter }) => telling(`failed to list commits: ${filter.sha ?? ''}`, async () => {
    const commits = await rest.get(`${repositoryPath(owner, repo)}/commits`, { ...filter, page, per_page: perPage }) as RestCommit[];
    return commits.map((commit) => minimal(commit, 'none'));
  })),
  get_commit: tool('repos', 'Get commit details', { ...where, ...paged, sha: z.string(), detail: z.enum(['none', 'stats', 'full_patch']).optional() }, (rest, { owner, repo, sha, detail = 'stats', page = 1, perPage = 30 }) => telling(`failed to get commit: ${sha}`, async () =>
    minimal(await rest.get(`${repositoryPath(owner, repo)}/commits/${escaped(sha)}`, { page, per_page: perPage }) as RestCommit, detail))),
};

/** A server with the tools of the GitHub MCP server that read a repository: same names, inputs and layouts of results. */
export function standIn(rest: Rest, { toolsets, tools }: Selection): McpServer {
  const server = new McpServer({ name: 'github-mcp-server', version: 'stand-in' });
  const sets = toolsets.length === 0 && tools.length === 0 ? USUAL : toolsets.flatMap((name) => (name === 'default' ? USUAL : [name]));
  for (const [name, { toolset, title, input, answer }] of Object.entries(TOOLS)) {
    if (tools.includes(name) || sets.includes('all') || sets.includes(toolset)) server.registerTool(name, { annotations: { title, readOnlyHint: true }, inputSchema: input }, (given) => answer(rest, given));
  }
  return server;
}

/** The result as one block of JSON; what the API refuses is a result that says so. */
async function telling(failure: string, ask: () => Promise<unknown>): Promise<CallToolResult> {
  try {
    return text(JSON.stringify(await ask()));
  } catch (error) {
    return failed(`${failure}: ${(error as Error).message}`);
  }
}

function account(who: Account | null) {
  return who === null ? undefined : { login: who.login, id: who.id, profile_url: who.html_url, avatar_url: who.avatar_url };
}

function unlessZero(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0 && value !== undefined && value !== ''));
}

function minimal({ sha, html_url, commit, author, committer, stats, files = [] }: RestCommit, detail: 'none' | 'stats' | 'full_patch') {
  const shown = { sha, html_url, commit: { message: commit.message, author: commit.author, committer: commit.committer }, author: account(author), committer: account(committer) };
  if (detail === 'none') return shown;
  const changed = files.map(({ filename, status, additions, deletions, changes, patch }) => ({ filename, ...unlessZero({ status, additions, deletions, changes, ...(detail === 'full_patch' ? { patch } : {}) }) }));
  return { ...shown, stats: unlessZero({ additions: stats?.additions, deletions: stats?.deletions, total: stats?.total }), ...(changed.length === 0 ? {} : { files: changed }) };
}

/** The real server leaves a text that is empty out of a resource, and so answers for an empty file what a client that checks answers refuses. */
export function leavingEmptyTextsOut<T extends Transport>(transport: T): T {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => send(JSON.parse(JSON.stringify(message, (key, value: unknown) => (key === 'text' && value === '' ? undefined : value))) as typeof message, options);
  return transport;
}
