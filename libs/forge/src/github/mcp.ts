import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { childEnvironment, NETWORK_ENVIRONMENT } from '#config';
import { Failure } from '#contracts';
import type { SnapshotEntry } from '../forge.js';
import { printable } from '../printable.js';
import { listedEntries, type GithubRepository } from './blobs.js';
import type { GithubAccess } from './access.js';
import type { Reader } from './reader.js';

/** All that is used, and all that the server may offer: one that offers more was not started read-only, or with other tools. */
const TOOLS = ['get_file_contents', 'get_repository_tree'];
const REQUEST_LIMIT_MS = 120_000;
/** Larger files come as a link, and an empty one without the text that the protocol asks for: its client refuses that. */
const FILE_BYTES = 1024 * 1024;
const AT_ONCE = 4;
const NO_TREE = 'the MCP server does not answer with a tree';
/** A tree of 100,000 entries is one message. */
const MESSAGE_BYTES = 64 * 1024 * 1024;

/**
 * Reads through GitHub's MCP server, over stdio (a program) or HTTP (an address). It gets the narrowed token and nothing else. Files are asked for by commit, never by branch: for a branch
 * that it does not find it would silently answer with the default one. An answer in any other shape than a file's is no file, and that one is fetched as a blob.
 * Throws `bad-request` when the server offers other tools than the two, `forge-unavailable` when it does not answer.
 */
export async function mcpReader(access: GithubAccess): Promise<Reader> {
  const { owner, name: repo, mcp } = access;
  if (mcp === undefined) throw new Failure('bad-request', 'GITHUB_MCP: set it to the program or the address of GitHub’s MCP server, or GITHUB_READER to another reader');
  const client = new Client({ name: 'pullwright', version: '1' });
  await reaching(() => client.connect(transportOf(mcp, access), { timeout: REQUEST_LIMIT_MS }));
  try {
    await requireTools(client);
  } catch (error) {
    await client.close();
    throw error;
  }
  return {
    async tree(id, recursive) {
      const [text] = await call(client, 'get_repository_tree', { owner, repo, tree_sha: id, recursive });
      if (text?.type !== 'text') throw new Failure('forge-unavailable', NO_TREE);
      const { tree, truncated } = parseTree(text.text);
      return { entries: listedEntries(tree), truncated };
    },
    async contents(commit, wanted, tell) {
      const files = wanted.filter(({ mode, size }) => (mode === '100644' || mode === '100755') && size > 0 && size < FILE_BYTES);
      const queue = files.values();
      await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        for (const entry of queue) {
          const content = await readFile(client, { owner, repo }, commit, entry);
          if (content) await tell(entry.path, content);
        }
      }));
    },
    close: () => client.close(),
  };
}

function transportOf(mcp: string, { token, webUrl }: GithubAccess): StreamableHTTPClientTransport | StdioClientTransport {
  if (/^https?:\/\//.test(mcp)) {
    return new StreamableHTTPClientTransport(new URL(mcp), { requestInit: { headers: { authorization: `Bearer ${token}`, 'x-mcp-readonly': 'true', 'x-mcp-tools': TOOLS.join(',') } } });
  }
  return new StdioClientTransport({
    command: mcp, args: ['stdio', '--read-only', `--tools=${TOOLS.join(',')}`], stderr: 'ignore', maxBufferSize: MESSAGE_BYTES,
    env: { ...childEnvironment(NETWORK_ENVIRONMENT), GITHUB_PERSONAL_ACCESS_TOKEN: token, GITHUB_HOST: webUrl },
  });
}

async function requireTools(client: Client): Promise<void> {
  const offered = (await reaching(() => client.listTools(undefined, { timeout: REQUEST_LIMIT_MS }))).tools.map(({ name }) => name).sort();
  if (offered.join() === TOOLS.join()) return;
  const others = offered.filter((name) => !TOOLS.includes(name));
  throw new Failure('bad-request', `GITHUB_MCP: the server must be read-only and offer exactly ${TOOLS.join(' and ')}; ${others.length > 0 ? `it offers ${others.length} more, such as ${printable(others[0] as string)}` : 'not all of them are there'}`);
}

type Block = Awaited<ReturnType<Client['callTool']>>['content'][number];

async function call(client: Client, name: string, parameters: Record<string, unknown>): Promise<Block[]> {
  const { content, isError } = await reaching(() => client.callTool({ name, arguments: parameters }, { timeout: REQUEST_LIMIT_MS }));
  if (!isError) return content;
  const words = content.map((block) => (block.type === 'text' ? block.text : '')).join(' ');
  throw new Failure(/\b401\b/.test(words) ? 'forge-unauthorized' : /rate limit/i.test(words) ? 'forge-limited' : /\b404\b/.test(words) ? 'repository-not-found' : 'forge-unavailable', `${name}: ${printable(words)}`);
}

async function readFile(client: Client, at: GithubRepository, commit: string, { path }: SnapshotEntry): Promise<Buffer | undefined> {
  const blocks = await call(client, 'get_file_contents', { ...at, path, sha: commit });
  const [resource, ...others] = blocks.filter((block) => block.type === 'resource');
  if (resource === undefined || others.length > 0) return undefined;
  const held = resource.resource;
  return 'text' in held && typeof held.text === 'string' ? Buffer.from(held.text) : 'blob' in held && typeof held.blob === 'string' ? Buffer.from(held.blob, 'base64') : undefined;
}

function parseTree(text: string): { tree: Parameters<typeof listedEntries>[0]; truncated: boolean } {
  let answer: { tree?: unknown; truncated?: unknown };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch (cause) {
    throw new Failure('forge-unavailable', NO_TREE, { cause });
  }
  if (!Array.isArray(answer.tree)) throw new Failure('forge-unavailable', NO_TREE);
  return { tree: answer.tree as Parameters<typeof listedEntries>[0], truncated: answer.truncated === true };
}

/** Whatever the protocol's client throws means that the server cannot be talked to. */
async function reaching<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new Failure('forge-unavailable', `GITHUB_MCP: ${cause instanceof Error ? printable(cause.message) : 'no answer'}`, { cause });
  }
}
