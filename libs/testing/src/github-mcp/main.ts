import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { parseArgs } from 'node:util';
import { Rest } from './rest.js';
import { leavingEmptyTextsOut, standIn } from './tools.js';

/** The stand-in over stdio, started as the real server is: `stdio --toolsets=repos,git`, with GITHUB_PERSONAL_ACCESS_TOKEN and GITHUB_HOST. */
const list = (value: string | undefined) => (value ?? '').split(',').filter(Boolean);
const { values, positionals } = parseArgs({ allowPositionals: true, options: { toolsets: { type: 'string' }, tools: { type: 'string' }, 'gh-host': { type: 'string' }, 'read-only': { type: 'boolean' } } });
const token = process.env.GITHUB_PERSONAL_ACCESS_TOKEN;
if (positionals[0] !== 'stdio' || token === undefined) {
  console.error(token === undefined ? 'GITHUB_PERSONAL_ACCESS_TOKEN not set' : 'the first argument is stdio');
  process.exit(1);
}
const rest = new Rest(values['gh-host'] ?? process.env.GITHUB_HOST, token);
const { GITHUB_TOOLSETS, GITHUB_TOOLS } = process.env;
await standIn(rest, { toolsets: list(values.toolsets ?? GITHUB_TOOLSETS), tools: list(values.tools ?? GITHUB_TOOLS) }).connect(leavingEmptyTextsOut(new StdioServerTransport()));
