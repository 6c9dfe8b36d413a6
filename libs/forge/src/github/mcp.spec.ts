import { afterAll, beforeAll, describe } from '@jest/globals';
import { startGitHub, startGitHubMcp, type GitHubMcp, type GitHubSimulator } from '#testing';
import { snapshotContract } from '../snapshot.contract.js';
import { GithubUnderTest } from './github-under-test.js';

/** The program of a real GitHub MCP server, when there is one. */
const REAL = process.env.GITHUB_MCP_SERVER;

let github: GitHubSimulator;
let mcp: GitHubMcp;
const settings: Record<string, string> = { GITHUB_READER: 'mcp' };

beforeAll(async () => {
  github = await startGitHub();
  mcp = await startGitHubMcp({ host: github.url });
  settings.GITHUB_MCP = mcp.url;
});
afterAll(async () => {
  await mcp.close();
  await github.close();
});

describe('GitHub, read through a stand-in for its MCP server over HTTP, keeps the contract of snapshots', () => snapshotContract(new GithubUnderTest(() => github, settings)));
(REAL === undefined ? describe.skip : describe)('GitHub, read through its real MCP server over stdio, keeps the contract of snapshots', () => snapshotContract(new GithubUnderTest(() => github, { GITHUB_READER: 'mcp', GITHUB_MCP: REAL as string })));
