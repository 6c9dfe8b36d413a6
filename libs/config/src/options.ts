import { z } from 'zod';

/**
 * Every setting of every service: name, schema, default, who reads it, one sentence. Types, validation, docs/configuration.md and .env.example come from this list.
 * `process.env` is read in this library only.
 */
export interface Option { schema: z.ZodType; default?: string; secret?: boolean; usedBy: readonly string[]; describe: string }

const EVERY = ['gateway', 'coordinator', 'crawler', 'case-generator', 'engineer', 'pr-publisher', 'standalone'] as const;
/** Those that tell the addresses of forges apart. */
const FORGE_SERVICES = ['gateway', 'crawler', 'pr-publisher', 'standalone'] as const;
/** Those whose agents read or write repositories: no other holds a credential of a forge. */
const CREDENTIAL_SERVICES = ['crawler', 'pr-publisher', 'standalone'] as const;
const AGENT_SERVICES = ['crawler', 'case-generator', 'engineer', 'pr-publisher', 'standalone'] as const;
const port = z.coerce.number().int().min(0).max(65_535);
const days = z.coerce.number().int().min(0).max(36_500);
const MODEL_AGENTS = ['case-generator', 'standalone'] as const;
const address = z.url({ protocol: /^https?$/ }).refine((url) => { const { username, password } = new URL(url); return username === '' && password === ''; }, 'an http or https address without credentials in it').transform((url) => url.replace(/\/+$/, ''));
const amount = z.coerce.number().positive();
/** `2,10` or `2,10,0.2,2.5`: input, output, and what is read from and written to a cache (as the input, when it is not said). */
const price = z.string().regex(/^\d+(\.\d+)?(,\d+(\.\d+)?){1,3}$/, 'dollars per million tokens, such as 2,10 or 2,10,0.2,2.5')
  .transform((words) => { const [input = 0, output = 0, cacheRead = input, cacheWrite = input] = words.split(',').map(Number); return { input, output, cacheRead, cacheWrite }; });
const fallback = z.string().regex(/^(anthropic|openai):[^\s,]+(,(anthropic|openai):[^\s,]+)*$/, 'provider:model, several separated by commas')
  .transform((words) => words.split(',').map((one) => ({ provider: one.slice(0, one.indexOf(':')) as 'anthropic' | 'openai', model: one.slice(one.indexOf(':') + 1) })));
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

const sharedSecret = z.string().min(16, 'at least 16 characters');

export const OPTIONS = {
  NATS_URL: { schema: z.string(), default: 'nats://127.0.0.1:4222', usedBy: EVERY, describe: 'Address of NATS; several separated by commas.' },
  NATS_USER: { schema: z.string(), usedBy: EVERY, describe: 'User of this service on NATS, when the server asks for one.' },
  NATS_PASSWORD: { schema: z.string(), secret: true, usedBy: EVERY, describe: 'Password of that user.' },
  NATS_PROVISION: { schema: flag, default: 'false', usedBy: ['coordinator', 'standalone'], describe: 'Whether the coordinator may make streams and consumers that are not there, after a loss of the bus for example; otherwise it waits for `pullwright provision`. The standalone always may.' },
  DATABASE_URL: { schema: z.string(), default: 'postgres://pullwright@127.0.0.1:5432/pullwright', secret: true, usedBy: ['coordinator', 'standalone'], describe: 'Postgres 15 or newer; only the coordinator has it.' },
  ARTIFACT_STORE: { schema: z.enum(['disk', 's3']), default: 'disk', usedBy: EVERY, describe: 'Where artifacts are kept.' },
  ARTIFACT_DIR: { schema: z.string(), default: '.pullwright/artifacts', usedBy: EVERY, describe: 'Folder of the disk store.' },
  S3_ENDPOINT: { schema: z.url(), default: 'http://127.0.0.1:9000', usedBy: EVERY, describe: 'Address of the S3 API.' },
  S3_BUCKET: { schema: z.string(), default: 'pullwright', usedBy: EVERY, describe: 'Bucket that holds the artifacts; it must exist.' },
  S3_REGION: { schema: z.string(), default: 'us-east-1', usedBy: EVERY, describe: 'Region, for signing.' },
  S3_ACCESS_KEY: { schema: z.string(), secret: true, usedBy: EVERY, describe: 'Access key of this service.' },
  S3_SECRET_KEY: { schema: z.string(), secret: true, usedBy: EVERY, describe: 'Secret key of this service.' },
  HOST: { schema: z.string(), default: '127.0.0.1', usedBy: EVERY, describe: 'Address to listen on.' },
  PORT: { schema: port, default: '8080', usedBy: ['gateway', 'standalone'], describe: 'Port of the REST API; 0 takes a free one.' },
  HEALTH_PORT: { schema: port, default: '8081', usedBy: EVERY, describe: 'Port of /health/live and /health/ready of services without a REST API.' },
  GITHUB_SETUP_DIR: { schema: z.string(), usedBy: ['gateway', 'standalone'], describe: 'Folder to which the set-up page writes the key and the settings of a new GitHub App; the page is off when it is not set. The standalone has one in its home.' },
  GITHUB_SETUP_TOKEN: { schema: sharedSecret, secret: true, usedBy: ['gateway', 'standalone'], describe: 'Who has it may use the set-up page from anywhere; without it only browsers on the gateway’s machine may, and only while there is no App.' },
  GITHUB_WEBHOOK_SECRET: { schema: sharedSecret, secret: true, usedBy: ['gateway', 'standalone'], describe: 'What GitHub signs its deliveries with; without it none is taken.' },
  GITHUB_WEBHOOK_SECRET_PREVIOUS: { schema: sharedSecret, secret: true, usedBy: ['gateway', 'standalone'], describe: 'While it is changed: the secret before, which is taken as well.' },
  GITLAB_WEBHOOK_SECRET: { schema: sharedSecret, secret: true, usedBy: ['gateway', 'standalone'], describe: 'The token that GitLab sends with its deliveries; without it none is taken.' },
  GITLAB_WEBHOOK_SECRET_PREVIOUS: { schema: sharedSecret, secret: true, usedBy: ['gateway', 'standalone'], describe: 'While it is changed: the token before, which is taken as well.' },
  RETAIN_RUNS_DAYS: { schema: days, default: '30', usedBy: ['coordinator', 'standalone'], describe: 'An ended run is removed after so many days, with its steps and events; 0 keeps it for ever.' },
  RETAIN_EVENTS_DAYS: { schema: days, default: '30', usedBy: ['coordinator', 'standalone'], describe: 'The events of an ended run are removed after so many days; without them it cannot be replayed.' },
  RETAIN_BUNDLES_DAYS: { schema: days, default: '7', usedBy: ['coordinator', 'standalone'], describe: 'The bundles of code of an ended run are given up after so many days, its other artifacts with the run; the store is then swept by `pullwright gc`, or by the standalone itself.' },
  PIPELINES_DIR: { schema: z.string(), usedBy: ['coordinator', 'standalone'], describe: 'Folder with further pipelines (*.yaml), beside the built-in ones.' },
  AGENTS_FILE: { schema: z.string(), usedBy: [...EVERY, 'cli'], describe: 'YAML file with agents of your own, beside the built-in ones; the same one for every service (docs/agents.md).' },
  CONCURRENCY: { schema: z.coerce.number().int().min(1).max(1024), default: '2', usedBy: AGENT_SERVICES, describe: 'Steps of each kind that one instance of an agent service works on at once.' },
  MEMO_DAYS: { schema: z.coerce.number().min(0).max(3650), default: '7', usedBy: AGENT_SERVICES, describe: 'How long a step may reuse what an earlier one made of the same; 0 reuses nothing.' },
  GITHUB_URL: { schema: z.url({ protocol: /^https?$/ }), default: 'https://github.com', usedBy: FORGE_SERVICES, describe: 'The GitHub whose repositories are understood: github.com, or a GitHub Enterprise Server.' },
  GITHUB_APP_ID: { schema: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, 'an App id or a client id'), usedBy: CREDENTIAL_SERVICES, describe: 'Id of the GitHub App that Pullwright is there. Tokens for one repository and one use are made with its key, and only these reach an agent.' },
  GITHUB_APP_PRIVATE_KEY: { schema: z.string().regex(/^-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'a PEM'), secret: true, usedBy: CREDENTIAL_SERVICES, describe: 'The App’s private key (PEM; its line ends may be written as \\n).' },
  GITHUB_APP_PRIVATE_KEY_FILE: { schema: z.string(), usedBy: CREDENTIAL_SERVICES, describe: 'The file with that key, instead.' },
  GITHUB_TOKEN: { schema: z.string().regex(/^[\x21-\x7e]{10,1000}$/, 'a token'), secret: true, usedBy: CREDENTIAL_SERVICES, describe: 'A personal access token instead of an App, for one user: agents get it as it is.' },
  GITHUB_READER: { schema: z.enum(['tarball', 'blobs', 'mcp']), default: 'tarball', usedBy: CREDENTIAL_SERVICES, describe: 'How files are read from GitHub: all at once as a tarball, one by one, or through GitHub’s MCP server; what comes out is the same.' },
  GITHUB_MCP: { schema: z.string(), usedBy: CREDENTIAL_SERVICES, describe: 'For GITHUB_READER=mcp: the program (`github-mcp-server`, run over stdio) or the address of GitHub’s MCP server.' },
  FORGE_CACHE: { schema: z.string(), usedBy: CREDENTIAL_SERVICES, describe: 'Folder in which trees and files read from forges are kept by repository and id; none are kept when it is not set. The standalone has one in its home.' },
  FORGE_CACHE_MB: { schema: z.coerce.number().int().min(1).max(1_000_000), default: '1024', usedBy: CREDENTIAL_SERVICES, describe: 'What was unused the longest is removed from that folder above so many megabytes.' },
  GITLAB_URL: { schema: z.url({ protocol: /^https?$/ }), default: 'https://gitlab.com', usedBy: FORGE_SERVICES, describe: 'The GitLab whose repositories are understood.' },
  GITLAB_TOKEN: { schema: z.string().regex(/^[\x21-\x7e]{10,1000}$/, 'a token'), secret: true, usedBy: CREDENTIAL_SERVICES, describe: 'A project or group access token of GitLab with the scope api, or one of a service account; agents get it as it is.' },
  GITLAB_READER: { schema: z.enum(['archive', 'blobs']), default: 'archive', usedBy: CREDENTIAL_SERVICES, describe: 'How files are read from GitLab: all at once as an archive, or one by one; what comes out is the same.' },
  MODEL_PROVIDER: { schema: z.enum(['anthropic', 'openai', 'scripted']), usedBy: MODEL_AGENTS, describe: 'Whose language model is asked for more cases: `openai` is any service with its chat completions (OPENAI_BASE_URL), `scripted` plays recorded answers. No model is asked when it is not set (docs/models.md).' },
  MODEL: { schema: z.string().regex(/^[\w.:/@-]{1,120}$/, 'the name of a model'), usedBy: MODEL_AGENTS, describe: 'The model, as its provider calls it.' },
  MODEL_FALLBACK: { schema: fallback, usedBy: MODEL_AGENTS, describe: 'Who is asked when that model is over a limit or away: `provider:model`, several separated by commas, in this order.' },
  MODEL_EFFORT: { schema: z.enum(['low', 'medium', 'high', 'xhigh', 'max']), usedBy: MODEL_AGENTS, describe: 'How much the model may think, for models that take it.' },
  MODEL_TEMPERATURE: { schema: z.coerce.number().min(0).max(2), usedBy: MODEL_AGENTS, describe: 'Sampling temperature; sent only to models that take one, which those of Anthropic and those of OpenAI that reason do not.' },
  MODEL_MAX_OUTPUT_TOKENS: { schema: z.coerce.number().int().min(256).max(128_000), default: '16000', usedBy: MODEL_AGENTS, describe: 'The longest answer, thinking included.' },
  MODEL_STEP_TOKENS: { schema: z.coerce.number().int().min(1), default: '200000', usedBy: MODEL_AGENTS, describe: 'Hard cap on the tokens that one step may use, questions and answers together; at the cap it delivers what it has.' },
  MODEL_STEP_USD: { schema: amount, usedBy: MODEL_AGENTS, describe: 'Hard cap on the US dollars that one step may spend.' },
  MODEL_PRICE: { schema: price, usedBy: MODEL_AGENTS, describe: 'Price of a model that Pullwright has none for, in US dollars per million tokens: `input,output` or `input,output,cache read,cache write`.' },
  MODEL_BATCH: { schema: flag, default: 'false', usedBy: MODEL_AGENTS, describe: 'Whether answers may take hours, at half the price (Anthropic’s batches). The time limit of the step has to allow it.' },
  MODEL_RECORDINGS: { schema: z.string().startsWith('/', 'an absolute path'), usedBy: MODEL_AGENTS, describe: 'Folder of recorded answers: `scripted` plays them, any other provider’s answers are recorded there.' },
  ANTHROPIC_API_KEY: { schema: z.string(), secret: true, usedBy: MODEL_AGENTS, describe: 'Key for Anthropic; only the single-use processes of agents that ask a model get it.' },
  ANTHROPIC_BASE_URL: { schema: address, default: 'https://api.anthropic.com', usedBy: MODEL_AGENTS, describe: 'Address of the Messages API.' },
  OPENAI_API_KEY: { schema: z.string(), secret: true, usedBy: MODEL_AGENTS, describe: 'Key for OpenAI or the service at OPENAI_BASE_URL, if that wants one; only the single-use processes of agents that ask a model get it.' },
  OPENAI_BASE_URL: { schema: address, default: 'https://api.openai.com/v1', usedBy: MODEL_AGENTS, describe: 'Address of a service with OpenAI’s chat completions, version included: `http://127.0.0.1:11434/v1` for Ollama.' },
  PULLWRIGHT_URL: { schema: z.url(), usedBy: ['cli'], describe: 'Address of a Pullwright to talk to; the CLI starts one of its own when it is not set.' },
  PULLWRIGHT_HOME: { schema: z.string(), usedBy: ['cli', 'standalone'], describe: 'Folder of the standalone: databases, artifacts, demo; `.pullwright` beside the launcher when it is not set.' },
  PULLWRIGHT_COLD_SINCE: { schema: z.coerce.number().int(), usedBy: ['cli'], describe: 'Set by the launcher when it had to install or build: the second it started, so that the time of a cold start can be told.' },
  PULLWRIGHT_CRASH_AT: { schema: z.string().regex(/^[a-z-]+\.[a-z-]+:[1-9]\d{0,8}$/, 'a place and a count, such as saga.after-commit:3'), usedBy: EVERY, describe: 'For tests of crashes only: the process kills itself when it passes this place for that time (libs/config/src/crash-point.ts).' },
  LOG_LEVEL: { schema: z.enum(['error', 'warn', 'log', 'debug']), default: 'log', usedBy: EVERY, describe: 'Least severe level that is logged.' },
  LOG_JSON: { schema: flag, default: 'false', usedBy: EVERY, describe: 'Log one JSON object a line.' },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;
type Parsed<K extends OptionName> = (typeof OPTIONS)[K] extends { default: string } ? z.infer<(typeof OPTIONS)[K]['schema']> : z.infer<(typeof OPTIONS)[K]['schema']> | undefined;
export type Config = { [K in OptionName]: Parsed<K> };
