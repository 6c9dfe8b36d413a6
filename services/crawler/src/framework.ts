import type { LeftOut, Location, Screen } from '#contracts';
import type { Markup, MarkupElement, Place, Words } from './markup.js';

/**
 * What the crawler needs to know of a way to build web applications. A framework answers three questions and none of
 * them about testing: is it here, what does a request give, what does an event on an element do. `browser.ts` acts as the
 * user agent on top (links, forms, constraint validation, focus), `explore.ts` as the curious user.
 *
 * Nothing of a repository is ever executed: handlers run in the interpreter (`interpret/`), which knows the values that the source decides and
 * `Unknown` for all others. A branch on an unknown value ends in `undecided`, and that outcome is left out with the reason.
 * To add a framework: one file that exports a `Framework`, one line in `frameworks.ts`.
 */
export interface Framework {
  /** As in reports: `html`, `react-router`, `next`, `express`. */
  readonly name: string;
  /** The applications of this kind in the repository (a monorepo may hold several). Cheap: reads manifests and entry points only. */
  detect(repo: Repo): Application[];
}

/** The repository at one commit, in memory: text files within the limits. Never the working tree. */
export interface Repo {
  readonly repository: string;
  readonly commit: string;
  /** Every path of the tree, sorted. */
  readonly paths: readonly string[];
  /** The decoded text, or `null` when there is no such file or it was not read (binary, too large, not UTF-8). Synchronous: everything is in memory. */
  text(path: string): string | null;
  /** Throws when the file is not in the tree. */
  locate(place: Place): Location;
  /** Notes something left out. */
  leaveOut(reason: LeftOut['reason'], what: string, detail?: string, at?: Place): void;
}

export interface Application {
  readonly framework: string;
  readonly version?: string;
  /** Folder of the application in the repository, `''` for the root. */
  readonly root: string;
  readonly at: Place;
  readonly entryPoints: readonly string[];
  /** Known before anything is rendered. `paths`: addresses to visit; empty when the parameters are not known from the source. */
  readonly routes: ReadonlyArray<{ pattern: string; at: Place; paths: readonly string[] }>;
  /** A request by a browser whose storage is `session` (fresh: `undefined`). Redirects are followed inside; `page.path` says where it ended. */
  visit(request: PageRequest, session: Session | undefined): Outcome;
  /** An event at an element of a page (the application bubbles it through ancestors' handlers itself). Only called when the element or an ancestor has a handler for it. */
  dispatch?(page: Page, element: MarkupElement, event: UserEvent): EventOutcome;
}

/** Cookies, local storage, server-side session and store as the interpreter knows them: immutable, made and read by the application alone. */
export type Session = { readonly __session: unique symbol } | object;

export interface PageRequest { method: 'get' | 'post'; path: string; /** Form fields in order, for post. */ body?: ReadonlyArray<readonly [string, string]> }

export interface Page {
  /** Path with search and hash, as the address bar shows it. */
  path: string;
  /** The address has search parameters besides, whose values the source does not decide. */
  openSearch?: true;
  /** The route's pattern. */
  route: string;
  title: Words | null;
  /** Children of `body`, layouts and partials included. */
  markup: Markup[];
  /** Attributes of `body`, where the source gives them: styles may hang on its classes. */
  body?: ReadonlyMap<string, Words | true>;
  /** Style sheets that apply, in order: repository paths, and inline texts. */
  styles: ReadonlyArray<{ path: string } | { text: string; at: Place }>;
  needs: ReadonlyArray<{ kind: Screen['needs'][number]['kind']; detail: string; at?: Place }>;
  session: Session | undefined;
  /** Values of fields as the user has left them, by `elementKey`; kept by `browser.ts` for fields the application does not control. */
  fields: ReadonlyMap<string, FieldState>;
  at: Place;
}
/** `open`: of a `details` or `dialog`. */
export interface FieldState { value?: string; checked?: boolean; open?: boolean }

export interface UserEvent {
  type: 'click' | 'dblclick' | 'input' | 'change' | 'submit' | 'keydown' | 'keyup' | 'focus' | 'blur' | 'mouseenter' | 'reset';
  /** The element's value or checked state at the time of the event. */
  value?: string; checked?: boolean; key?: string;
  /** For submit: the successful controls in order. */
  fields?: ReadonlyArray<readonly [string, string]>;
}

interface Undecidable { ok: false; reason: LeftOut['reason']; detail: string; at?: Place }
/** `because`: the lines that decided it, most telling first. `writes`: a store outside the browser was written. */
interface Decided { ok: true; page: Page; because: Place[]; writes?: boolean; hints?: Hint[] }
export type Outcome = Decided | (Undecidable & { hints?: Hint[] });
/** `defaultPrevented`: the user agent does nothing further. */
export type EventOutcome = (Decided & { defaultPrevented: boolean }) | (Undecidable & { hints?: Hint[] });

/** The interpreter saw a typed value compared with a constant of the source: typing the constant may lead elsewhere (valid credentials, magic words). */
export interface Hint { typed: string; wanted: string; at: Place }
