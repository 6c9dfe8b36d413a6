import { known, tagOf, type Dom } from '../accessibility/dom.js';

/** A stand-in for the application's own address: no test ever sees it. */
const ORIGIN = 'http://application.invalid';

export interface Address {
  /** Path with search and hash for addresses of the application, else the absolute address. */
  href: string;
  external: boolean;
}

/** Resolves an address against the page and its `<base>`. What no browser can parse counts as external. */
export function resolveAddress(dom: Dom, href: string): Address {
  const page = new URL(dom.page.path, ORIGIN);
  const base = dom.elements.find((element) => tagOf(element) === 'base' && known(element, 'href') !== undefined);
  const url = parseUrl(href, (base && parseUrl(known(base, 'href') ?? '', page)) ?? page);
  if (!url) return { href, external: true };
  return url.origin === ORIGIN ? { href: url.pathname + url.search + url.hash, external: false } : { href: url.href, external: true };
}
function parseUrl(href: string, base: URL): URL | null { return URL.canParse(href, base.href) ? new URL(href, base) : null; }

export const pathOf = (address: string): string => address.replace(/[?#][\s\S]*$/, '');
export const withoutHash = (address: string): string => address.replace(/#[\s\S]*$/, '');
export const hashOf = (address: string): string => { const at = address.indexOf('#'); return at < 0 ? '' : address.slice(at); };
