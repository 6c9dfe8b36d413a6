import { randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { Failure } from '#contracts';
import { proveWritable, writeAppFiles, type AppFiles } from './app-files.js';
import { APP_NAME_LENGTH, convert, type AppRequest, type Registered } from './github-app.js';
import { donePage, registrationPage } from './page.js';

/** GitHub gives an hour from the manifest to the conversion. */
const OPEN_MS = 3_600_000;
const OPEN_AT_ONCE = 20;
const COOKIE = 'pullwright_setup';

const Organization = z.string().max(39).regex(/^[A-Za-z0-9](-?[A-Za-z0-9])*$/, 'a name of an organization on GitHub');
const Query = z.object({
  organization: Organization.or(z.literal('')).optional(), name: z.string().trim().min(1).max(APP_NAME_LENGTH).optional(),
  gateway: z.url({ protocol: /^https?$/ }).optional(),
});
const Back = z.object({ code: z.string().regex(/^[\w-]{1,200}$/), state: z.string().regex(/^[\w-]{43}$/) });

export interface Answer { status: number; body: string; headers: Record<string, string> }

/**
 * The set-up of the GitHub App by GitHub's manifest flow: the first page posts the manifest to GitHub, GitHub asks the person and leads back to the second with a code, which is exchanged for the App.
 *
 *   begun      a state was given out, in the page and in a cookie of that browser
 *   finished   the same state came back in both, within the hour and once; the code was exchanged and the files are written
 *
 * A page of somebody else can bring a browser neither to register an App (nothing here changes by a request without a state) nor to take theirs for ours: the state in the cookie is not theirs.
 */
export class Registration {
  private readonly open = new Map<string, number>();
  private finished: { app: Registered; files: AppFiles } | undefined;

  /** `path`: where the first page is; the second is below it. */
  constructor(private readonly githubUrl: string, private readonly folder: string, private readonly path: string, private readonly defaults: { name: string; organization?: string; gatewayUrl?: string } = { name: 'Pullwright' }) {}

  get done(): { app: Registered; files: AppFiles } | undefined { return this.finished; }

  /** `origin`: of the page as the browser sees it. */
  async begin(origin: string, query: unknown): Promise<Answer> {
    const { organization, name, gateway } = checkedBy(Query, query);
    await proveWritable(this.folder);
    const state = this.newState();
    const wished = organization ?? this.defaults.organization;
    const request: AppRequest = { githubUrl: this.githubUrl, ...wished && { organization: wished }, name: name ?? this.defaults.name, gatewayUrl: gateway ?? this.defaults.gatewayUrl ?? origin, redirectUrl: `${origin}${this.path}/done` };
    return { status: 200, body: registrationPage(request, state, this.path), headers: { ...this.headers(), 'set-cookie': `${COOKIE}=${state}; HttpOnly; SameSite=Lax; Path=${this.path}; Max-Age=3600${origin.startsWith('https:') ? '; Secure' : ''}` } };
  }

  /** Throws `bad-request` for a state that this browser was not given, and what `convert` throws. */
  async finish(query: unknown, cookies: string | undefined): Promise<Answer> {
    const { code, state } = checkedBy(Back, query);
    const [, own = ''] = new RegExp(`(?:^|;\\s*)${COOKIE}=([\\w-]{43})(?:;|$)`).exec(cookies ?? '') ?? [];
    const until = this.open.get(state);
    if (own.length !== state.length || !timingSafeEqual(Buffer.from(own), Buffer.from(state)) || until === undefined || until < Date.now()) throw new Failure('bad-request', 'state: it was not given to this browser in the last hour; begin again');
    this.open.delete(state);
    const app = await convert(this.githubUrl, code);
    const files = await writeAppFiles(this.folder, this.githubUrl, app);
    this.finished = { app, files };
    return { status: 200, body: donePage(app, files), headers: { ...this.headers(), 'set-cookie': `${COOKIE}=; HttpOnly; SameSite=Lax; Path=${this.path}; Max-Age=0` } };
  }

  /** For every page: nothing is kept, nothing is loaded, no other page may frame it, and its forms lead here or to GitHub. */
  headers(): Record<string, string> {
    return {
      'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY',
      'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; form-action 'self' ${new URL(this.githubUrl).origin}; base-uri 'none'; frame-ancestors 'none'`,
    };
  }

  private newState(): string {
    const now = Date.now();
    for (const [state, until] of this.open) if (until < now || this.open.size >= OPEN_AT_ONCE) this.open.delete(state);
    const state = randomBytes(32).toString('base64url');
    this.open.set(state, now + OPEN_MS);
    return state;
  }
}

function checkedBy<T extends z.ZodType>(schema: T, query: unknown): z.infer<T> {
  const parsed = schema.safeParse(query);
  if (!parsed.success) throw new Failure('bad-request', parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  return parsed.data;
}
