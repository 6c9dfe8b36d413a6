import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { startGitHub, type GitHubSimulator } from '../github/simulator.js';
import { githubMcpCommand, startGitHubMcp, type GitHubMcp } from './github-mcp.js';
import type { SimulatedRepository } from '../github/repository.js';

/** The path of a real `github-mcp-server`, when there is one; before v1.10.0 it forgets the port of its host and finds no simulator. */
const REAL = process.env.GITHUB_MCP_SERVER;
const TOOLS = ['get_repository_tree', 'get_file_contents', 'list_branches', 'list_commits', 'get_commit'];

let github: GitHubSimulator;
let mcp: GitHubMcp;
let shop: SimulatedRepository;
let token: string;
const open: Client[] = [];

beforeAll(async () => {
  github = await startGitHub();
  shop = await github.createRepository('acme/shop', {
    'README.md': '# Shop\n', 'src/index.ts': 'export const answer = 42;\n', 'src/page.html': '<!DOCTYPE html><p>Hi</p>\n', 'data/a.json': '{"a":1}\n', 'empty.txt': '', 'logo.png': Buffer.from('89504e470d0a1a0a0000', 'hex'),
    'latin1.txt': Buffer.from('caf\xe9\n', 'latin1'), 'big.txt': 'x'.repeat(1024 * 1024), 'bin/run': { mode: '100755', content: '#!/bin/sh\n' },
    'link.ts': { mode: '120000', content: 'src/index.ts' }, 'out': { mode: '120000', content: '../elsewhere' }, 'away': { mode: '120000', content: '/etc/passwd' },
    '.gitmodules': '[submodule "vendor/lib"]\n\tpath = vendor/lib\n\turl = https://example.com/lib.git\n', 'vendor/lib': { mode: '160000', content: 'a'.repeat(40) },
    'src/deep/er/file name.ts': '// spaces\n',
  });
  await shop.commit({ 'src/index.ts': 'export const answer = 43;\n', 'src/new.ts': '//\n' }, { message: 'Answer better\n\nAt length' });
  await shop.commit({ 'feature.txt': 'x' }, { branch: 'feature/one' });
  mcp = await startGitHubMcp({ host: github.url });
  token = github.personToken('acme');
});
afterAll(async () => {
  await Promise.all(open.map((client) => client.close()));
  await mcp.close();
  await github.close();
});

async function overStdio(command: string, args: string[], env: Record<string, string> = {}): Promise<Client> {
  const client = new Client({ name: 'spec', version: '1' });
  await client.connect(new StdioClientTransport({ command, args: [...args, '--read-only', '--toolsets=repos,git'], env: { GITHUB_PERSONAL_ACCESS_TOKEN: token, GITHUB_HOST: github.url, ...env }, stderr: 'ignore' }));
  open.push(client);
  return client;
}

async function overHttp(headers: Record<string, string> = { 'X-MCP-Toolsets': 'repos,git' }, bearer = token, url = mcp.url): Promise<Client> {
  const client = new Client({ name: 'spec', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${bearer}`, ...headers } } }));
  open.push(client);
  return client;
}

/** What a reader of repositories may ask, with what is right and what is not. */
async function questions(): Promise<Array<[string, Record<string, unknown>]>> {
  const sha = await shop.head();
  const at = { owner: 'acme', repo: 'shop' };
  return [
    ['get_repository_tree', at], ['get_repository_tree', { ...at, recursive: true, tree_sha: sha }], ['get_repository_tree', { ...at, recursive: true, tree_sha: 'feature/one', path_filter: 'src/' }], ['get_repository_tree', { ...at, tree_sha: 'nowhere' }],
    ['list_branches', at], ['list_branches', { ...at, perPage: 1, page: 2 }], ['list_branches', { owner: 'acme', repo: 'unknown' }],
    ['get_commit', { ...at, sha }], ['get_commit', { ...at, sha: 'main', detail: 'full_patch' }], ['get_commit', { ...at, sha, detail: 'none' }], ['get_commit', { ...at, sha: 'nowhere' }],
    ['list_commits', at], ['list_commits', { ...at, sha: 'feature/one', path: 'feature.txt' }],
    ...['README.md', '/src/index.ts', 'src/page.html', 'data/a.json', 'empty.txt', 'logo.png', 'latin1.txt', 'big.txt', 'bin/run', 'link.ts', 'out', 'away', 'vendor/lib', 'src', 'src/deep/er/file name.ts', 'index.ts', 'nowhere.ts', 'er/', ''].map((path): [string, Record<string, unknown>] => ['get_file_contents', { ...at, path, sha }]),
    ['get_file_contents', { ...at, path: 'src/index.ts' }], ['get_file_contents', { ...at, path: 'feature.txt', ref: 'feature/one' }], ['get_file_contents', { ...at, path: 'feature.txt', ref: 'refs/heads/feature/one' }], ['get_file_contents', { ...at, path: 'src', fields: ['name', 'type'] }],
    ['get_file_contents', { ...at, path: 'README.md', ref: 'nowhere' }], ['get_file_contents', { ...at, path: 'README.md', ref: sha }],
  ];
}

async function answers(client: Client): Promise<Array<[string, unknown]>> {
  const all: Array<[string, unknown]> = [];
  for (const [name, input] of await questions()) {
    const answer = await client.callTool({ name, arguments: input }).then(({ content, isError = false }) => ({ content: (content as Array<Record<string, unknown>>).map(told), isError }), (error: Error) => ({ refused: error.message }));
    all.push([`${name} ${JSON.stringify(input)}`, answer]);
  }
  return all;
}

/** JSON inside of texts as what it says. */
function told(block: Record<string, unknown>): unknown {
  if (block.type !== 'text' || !/^[[{]/.test(block.text as string)) return block;
  return { type: 'text', text: JSON.parse(block.text as string) as unknown };
}

test('the stand-in answers the same over stdio and over HTTP', async () => {
  const { command, args } = githubMcpCommand();
  const stdio = await overStdio(command, args);
  const http = await overHttp();
  expect((await stdio.listTools()).tools.map((tool) => tool.name).sort()).toEqual([...TOOLS].sort());
  expect((await http.listTools()).tools.map((tool) => tool.name).sort()).toEqual([...TOOLS].sort());
  const one = await answers(stdio);
  expect(await answers(http)).toEqual(one);
  expect(mcp.calls.filter((name) => name === 'list_branches')).toHaveLength(3);
  // Texts, blobs, links and refusals are among them: the comparison is of something.
  expect(Object.fromEntries(one.map(([question, answer]) => [question, JSON.stringify(answer)]))).toMatchObject({
    [`get_file_contents {"owner":"acme","repo":"shop","path":"logo.png","sha":"${await shop.head()}"}`]: expect.stringContaining('"mimeType":"image/png","blob":"iVBORw0KGgoAAA=="') as string,
    [`get_file_contents {"owner":"acme","repo":"shop","path":"big.txt","sha":"${await shop.head()}"}`]: expect.stringContaining('"resource_link"') as string,
    [`get_file_contents {"owner":"acme","repo":"shop","path":"nowhere.ts","sha":"${await shop.head()}"}`]: expect.stringContaining('"isError":true') as string,
  });
}, 120_000);

test('without its toolset named there is no tree tool; a named tool comes alone', async () => {
  expect((await (await overHttp({})).listTools()).tools.map((tool) => tool.name)).not.toContain('get_repository_tree');
  expect((await (await overHttp({ 'X-MCP-Tools': 'get_repository_tree' })).listTools()).tools.map((tool) => tool.name)).toEqual(['get_repository_tree']);
});

test('a token that may not read the contents gets refusals, not files', async () => {
  const client = await overHttp(undefined, github.personToken('stranger'));
  for (const [name, input] of [['get_repository_tree', {}], ['get_file_contents', { path: 'README.md' }], ['list_branches', {}]] as const) {
    expect(await client.callTool({ name, arguments: { owner: 'acme', repo: 'shop', ...input } })).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('404 Not Found') as string }] });
  }
});

const withReal = REAL === undefined ? test.skip : test;

withReal('the real server works on the simulator, and the stand-in answers as it does', async () => {
  const real = await overStdio(REAL as string, ['stdio']);
  expect((await real.listTools()).tools.map((tool) => tool.name)).toEqual(expect.arrayContaining(TOOLS));
  const asked = github.calls.length;
  const [theirs, ours] = [await answers(real), await answers(await overHttp())];
  expect(github.calls.length).toBeGreaterThan(asked + 2 * TOOLS.length);
  expect(ours).toEqual(theirs);
}, 120_000);

withReal('the real server signs in as the App by itself, and over HTTP takes the token of each request', async () => {
  const asApp = { GITHUB_PERSONAL_ACCESS_TOKEN: '', GITHUB_APP_ID: String(github.app.id), GITHUB_APP_INSTALLATION_ID: String(github.installationOf('acme').id), GITHUB_APP_PRIVATE_KEY: github.app.privateKey };
  const client = await overStdio(REAL as string, ['stdio'], asApp);
  const branches = { name: 'list_branches', arguments: { owner: 'acme', repo: 'shop' } };
  expect(JSON.stringify((await client.callTool(branches)).content)).toContain('feature/one');
  expect(github.calls.some((call) => call.operation === 'apps/create-installation-access-token')).toBe(true);

  const port = await freePort();
  const server = spawn(REAL as string, ['http', '--read-only', `--port=${port}`, '--listen-host=127.0.0.1', `--gh-host=${github.url}`], { stdio: 'ignore', env: {} });
  try {
    const url = `http://127.0.0.1:${port}/`;
    const connected = async (bearer: string) => {
      for (const deadline = Date.now() + 10_000;; await sleep(50)) {
        try {
          return await overHttp({ 'X-MCP-Toolsets': 'repos,git' }, bearer, url);
        } catch (error) {
          if (Date.now() > deadline) throw error;
        }
      }
    };
    expect(JSON.stringify((await (await connected(token)).callTool(branches)).content)).toContain('feature/one');
    expect(JSON.stringify((await (await connected(github.personToken('stranger'))).callTool(branches)).content)).toContain('404 Not Found');
  } finally {
    server.kill();
  }
}, 120_000);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
