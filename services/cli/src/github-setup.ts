import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Failure } from '#contracts';
import { APP_NAME_LENGTH } from '../../gateway/src/setup/github-app.js';
import { problemPage } from '../../gateway/src/setup/page.js';
import { Registration, type Answer } from '../../gateway/src/setup/registration.js';
import { EXIT, Exit, type ExitCode } from './exit-code.js';
import { print, printJson, say } from './terminal.js';

export interface GithubSetup { gateway: string; url: string; org?: string; name: string; out: string; port: number; json?: boolean }

const PATH = '/setup/github';
/** GitHub gives an hour as well. */
const LIMIT_MS = 3_600_000;
/** So that the browser has the last page before the server goes. */
const LINGER_MS = 300;

/** The gateway's set-up page on this machine, until GitHub has led back to it or an hour has passed. Ctrl-C ends it with nothing written. */
export async function setUpGithub({ gateway, url, org, name, out, port, json }: GithubSetup): Promise<ExitCode> {
  for (const [option, address] of [['--gateway', gateway], ['--url', url]] as const) if (!/^https?:$/.test(URL.parse(address)?.protocol ?? '')) throw new Exit(EXIT.usage, `${option}: ${address} is no address; write it as https://<host>`);
  if (name.length > APP_NAME_LENGTH) throw new Exit(EXIT.usage, `--name: at most ${APP_NAME_LENGTH} characters`);
  const registration = new Registration(url, out, PATH, { name, organization: org, gatewayUrl: gateway });
  const { promise: finished, resolve } = Promise.withResolvers<void>();
  const server = createServer((request, response) => { void serve(registration, request, response).then(() => { if (registration.done) resolve(); }); });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  say(`Open http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH} in a browser on this machine; it leads to GitHub and back.`);
  const timer = setTimeout(resolve, LIMIT_MS);
  await finished;
  clearTimeout(timer);
  await new Promise((next) => { setTimeout(next, LINGER_MS); });
  server.close();
  server.closeAllConnections();
  if (!registration.done) throw new Exit(EXIT.failure, 'GitHub did not lead back within an hour; nothing was written', 'github setup');
  const { app, files } = registration.done;
  if (json) printJson({ id: app.id, slug: app.slug, url: app.html_url, files });
  else print(`${files.key}\n${files.environment}`);
  say(`Next: install it on repositories at ${app.html_url}/installations/new, then: set -a; . '${files.environment}'; set +a; ./pullwright serve`);
  return EXIT.ok;
}

async function serve(registration: Registration, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { host = '' } = request.headers;
  const url = URL.parse(request.url ?? '/', `http://${host}`);
  const send = ({ status, headers, body }: Answer) => new Promise<void>((sent) => { response.writeHead(status, headers).end(body, () => { sent(); }); });
  const problem = (status: number, title: string, detail: string) => send({ status, headers: registration.headers(), body: problemPage(title, detail) });
  // Another name for this machine would be somebody else's page.
  if (!url || !/^127\.0\.0\.1:\d+$/.test(host)) return problem(403, 'Not this address', 'Use the address that the terminal shows.');
  if (request.method !== 'GET' || ![PATH, `${PATH}/done`].includes(url.pathname)) return problem(404, 'Nothing here', 'Use the address that the terminal shows.');
  const query = Object.fromEntries(url.searchParams);
  try {
    return await send(await (url.pathname === PATH ? registration.begin(url.origin, query) : registration.finish(query, request.headers.cookie)));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(error.message);
    return problem(400, 'That did not work', error.detail ?? error.message);
  }
}
