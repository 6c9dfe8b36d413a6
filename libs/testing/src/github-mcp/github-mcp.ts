import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A stand-in for the GitHub MCP server (github/github-mcp-server) with its tools that read a repository. It knows GitHub by its REST address alone, so that it works on the simulator by the same ways, and with the same
 * permissions, as the real one, against which a spec compares it answer by answer when there is one.
 */
export interface GitHubMcp {
  /** Streamable HTTP. A request brings its token (`Authorization: Bearer`), and its selection in `X-MCP-Toolsets` and `X-MCP-Tools`. */
  url: string;
  /** Every `tools/call` that came over HTTP: the tool's name. */
  calls: readonly string[];
  close(): Promise<void>;
}

export async function startGitHubMcp({ host }: { host: string }): Promise<GitHubMcp> {
  // Loaded when it is needed: every spec that needs a server of another kind comes through the same door.
  const [{ NodeStreamableHTTPServerTransport }, { Rest }, { leavingEmptyTextsOut, standIn }] = await Promise.all([import('@modelcontextprotocol/node'), import('./rest.js'), import('./tools.js')]);
  const calls: string[] = [];
  // As the real one has no sessions, each request has a server of its own.
  const server = createServer((request, response) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) { response.writeHead(401, { 'www-authenticate': 'Bearer' }).end(); return; }
    const tools = standIn(new Rest(host, token), { toolsets: list(request.headers['x-mcp-toolsets']), tools: list(request.headers['x-mcp-tools']) });
    const transport = leavingEmptyTextsOut(new NodeStreamableHTTPServerTransport({ sessionIdGenerator: undefined }));
    response.once('close', () => { void tools.close(); });
    void bodyOf(request).then(async (body) => {
      const message = body as { method?: string; params?: { name?: string } } | undefined;
      if (message?.method === 'tools/call') calls.push(message.params?.name ?? '');
      await tools.connect(transport);
      await transport.handleRequest(request, response, body);
    }).catch((error: unknown) => { response.destroy(error instanceof Error ? error : undefined); });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, calls,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => { server.close(closed); });
    },
  };
}

function list(value: string | string[] | undefined): string[] {
  return String(value ?? '').split(',').map((one) => one.trim()).filter(Boolean);
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

/** How to start the stand-in over stdio. Its environment names the token (GITHUB_PERSONAL_ACCESS_TOKEN) and the host (GITHUB_HOST), as the real server's does. */
export function githubMcpCommand(): { command: string; args: string[] } {
  const from = extname(fileURLToPath(import.meta.url));
  const sources = from === '.ts' ? ['--disable-warning=ExperimentalWarning', '--experimental-transform-types', `--import=${new URL('../../../agent/src/from-source.mjs', import.meta.url).href}`] : [];
  return { command: process.execPath, args: [...sources, fileURLToPath(new URL(`main${from}`, import.meta.url)), 'stdio'] };
}
