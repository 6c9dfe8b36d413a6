import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { createHash, timingSafeEqual } from 'node:crypto';
import { Failure, FAILURES } from '#contracts';
import { problemPage } from './page.js';
import type { Answer, Registration } from './registration.js';

const PATH = '/setup/github';
const LOOPBACK = /^(127\.0\.0\.1|::1|::ffff:127\.0\.0\.1)$/;
const LOCAL_NAMES = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** What the page needs; it is off without a registration. `token`: who has it may always, as the password of any user name. */
export class SetupSettings {
  constructor(readonly registration: Registration | undefined, readonly isConfigured: boolean, readonly token: string | undefined) {}
}

/**
 * The page that sets up the GitHub App. Whoever registers it decides which App Pullwright is, so: without a token only a browser on this very machine may, and only while there is no App;
 * with the token one may from anywhere, and again.
 */
@Controller(PATH)
export class SetupController {
  constructor(private readonly settings: SetupSettings) {}

  @Get()
  async begin(@Query() query: unknown, @Req() request: Request, @Res() response: Response): Promise<void> {
    const registration = this.admit(request, response);
    if (registration) await told(response, () => registration.begin(originOf(request), query));
  }

  @Get('done')
  async done(@Query() query: unknown, @Req() request: Request, @Res() response: Response): Promise<void> {
    const registration = this.admit(request, response);
    if (registration) await told(response, () => registration.finish(query, request.headers.cookie));
  }

  private admit(request: Request, response: Response): Registration | undefined {
    const { registration, isConfigured, token } = this.settings;
    if (!registration) throw new Failure('setup-off');
    if (token !== undefined && hasToken(request, token)) return registration;
    if (!isConfigured && !registration.done && isFromHere(request)) return registration;
    const page = token === undefined ? problemPage('Not from here', isConfigured || registration.done ? 'There is an App already. Set GITHUB_SETUP_TOKEN to set up another one.' : 'Without GITHUB_SETUP_TOKEN this page is for browsers on the machine of the gateway itself.')
      : problemPage('Token needed', 'Sign in with any user name and the token of GITHUB_SETUP_TOKEN as the password.');
    response.status(token === undefined ? 403 : 401).set({ ...registration.headers(), ...token !== undefined && { 'www-authenticate': 'Basic realm="Pullwright setup", charset="UTF-8"' } }).send(page);
    return undefined;
  }
}

/** A page in place of problem details: a person is looking. */
async function told(response: Response, answer: () => Promise<Answer>): Promise<void> {
  try {
    const { status, headers, body } = await answer();
    response.status(status).set(headers).send(body);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { fault } = FAILURES[error.code];
    response.status(fault === 'caller' ? 400 : 502).set({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'` })
      .send(problemPage('That did not work', error.detail ?? error.message));
  }
}

function hasToken(request: Request, token: string): boolean {
  const [, given] = /^Basic ([A-Za-z0-9+/=]{1,1000})$/.exec(request.headers.authorization ?? '') ?? [];
  if (given === undefined) return false;
  const password = Buffer.from(given, 'base64').toString('utf8').replace(/^[^:]*:/, '');
  const [one, other] = [password, token].map((secret) => createHash('sha256').update(secret).digest()) as [Buffer, Buffer];
  return timingSafeEqual(one, other);
}

/** Not through a proxy, whose own address it would be, and not by a name that somebody has made to mean this machine. */
function isFromHere(request: Request): boolean {
  return LOOPBACK.test(request.socket.remoteAddress ?? '') && LOCAL_NAMES.test(request.headers.host ?? '') && request.headers['x-forwarded-for'] === undefined && request.headers['forwarded'] === undefined && request.headers['x-real-ip'] === undefined;
}

/** As the browser sees it; behind a proxy that ends TLS as that says. It ends up in the manifest, which the person sees at GitHub. */
function originOf(request: Request): string {
  const protocol = request.headers['x-forwarded-proto'] === 'https' ? 'https' : request.protocol;
  return `${protocol}://${request.headers.host ?? 'localhost'}`;
}

export const SETUP_PATH = PATH;
