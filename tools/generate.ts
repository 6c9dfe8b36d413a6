import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { OPTIONS, type Option } from '#config';
import {
  AgentsFile, artifactJsonSchema, ARTIFACTS, CommandReply, COMMANDS, Failure, jsonSchema, Pipeline, Progress, QUERIES, RepositoryFile, Result, Results, RunEvent, StartReplies, Task, Tasks, Told, type ArtifactKind,
} from '#contracts';
import { openapi } from '../services/gateway/src/openapi.js';

/** The files that are written from the contracts, the list of options and the routes of the gateway. `--check` writes nothing and fails when one of them differs. */

const SCHEMAS = 'libs/contracts/json-schema';

/** Every generated file by its path below the repository's root. */
export function generated(): Map<string, string> {
  const files = new Map<string, string>();
  const schema = (path: string, document: object) => files.set(`${SCHEMAS}/${path}.json`, `${JSON.stringify(document, null, 2)}\n`);
  for (const kind of Object.keys(ARTIFACTS) as ArtifactKind[]) schema(`artifacts/${kind}`, artifactJsonSchema(kind));
  const messages: Record<string, z.ZodType> = { task: Task, tasks: Tasks, result: Result, results: Results, event: RunEvent, told: Told, progress: Progress, 'command-reply': CommandReply, 'start-replies': StartReplies };
  for (const [name, message] of Object.entries(messages)) schema(`messages/${name}`, jsonSchema(message, 'input'));
  for (const [name, command] of Object.entries(COMMANDS)) schema(`messages/command.${name}`, jsonSchema(command, 'input'));
  for (const [name, { request, reply }] of Object.entries(QUERIES)) {
    schema(`messages/query.${name}.request`, jsonSchema(request, 'input'));
    schema(`messages/query.${name}.reply`, jsonSchema(reply, 'input'));
  }
  schema('pipeline', jsonSchema(Pipeline, 'input'));
  schema('agents', jsonSchema(AgentsFile, 'input'));
  schema('pullwright-file', jsonSchema(RepositoryFile, 'input'));
  files.set('docs/configuration.md', configurationReference());
  files.set('.env.example', environmentExample());
  files.set('docs/openapi.json', `${JSON.stringify(openapi(), null, 2)}\n`);
  return files;
}

function configurationReference(): string {
  const rows = options().map(([name, option]) => `| \`${name}\`${option.secret ? ' (secret)' : ''} | ${option.default === undefined ? '' : `\`${option.default}\``} | ${option.usedBy.join(', ')} | ${option.describe} |`);
  return `# Configuration

Every setting is an environment variable. This page is generated from \`libs/config/src/options.ts\`; change that file, then run \`npm run generate\`.
A service checks all of its settings when it starts and names each one that is wrong.

| variable | default | read by | what it is |
|---|---|---|---|
${rows.join('\n')}
`;
}

function environmentExample(): string {
  const entries = options().map(([name, option]) => `# ${option.describe}\n# ${name}=${option.secret ? '' : option.default ?? ''}\n`);
  return `# Every setting with its default; generated from libs/config/src/options.ts.\n\n${entries.join('\n')}`;
}

function options(): Array<[string, Option]> {
  return Object.entries(OPTIONS);
}

/** Paths that are missing, differ, or are left from a schema that is no more. */
export async function drift(root: string): Promise<string[]> {
  const files = generated();
  const found: string[] = [];
  for (const [path, text] of files) {
    if ((await readFile(join(root, path), 'utf8').catch(() => undefined)) !== text) found.push(path);
  }
  const present = await readdir(join(root, SCHEMAS), { recursive: true }).catch(() => []);
  return [...found, ...present.map((path) => `${SCHEMAS}/${path}`).filter((path) => path.endsWith('.json') && !files.has(path))];
}

async function main(argument: string | undefined): Promise<void> {
  // From dist/tools or from tools: the root is where package.json is.
  const here = fileURLToPath(import.meta.url);
  const root = here.includes(join('dist', 'tools')) ? join(dirname(here), '../..') : join(dirname(here), '..');
  if (argument === '--check') {
    const differing = await drift(root);
    if (differing.length > 0) throw new Failure('internal', `not up to date, run \`npm run generate\`: ${differing.join(', ')}`);
    return;
  }
  await rm(join(root, SCHEMAS), { recursive: true, force: true });
  for (const [path, text] of generated()) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

if (import.meta.main) await main(process.argv[2]);
