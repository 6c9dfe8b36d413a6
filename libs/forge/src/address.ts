import { Failure } from '#contracts';
import { printable } from './printable.js';

/** Where a repository is: a path on this machine, or a web server and the path below it. */
export type Address = { path: string } | { server: string; path: string; /** `path` name by name. */ names: readonly [string, ...string[]] };

/** Owners, groups and repositories, as the forges allow them; so no name needs escaping in a URL, and none is `.` or `..`. */
const NAME = /^(?!\.+$)[A-Za-z0-9_.-]{1,255}$/;

/** Takes an address apart. Throws `bad-request` with the form that is expected. */
export function parseAddress(repository: string): Address {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(repository)) {
    const [, host, path] = /^(?:[\w.-]+@)?([\w-]+(?:\.[\w-]+)+):(?!\/)([\w./-]+?)(?:\.git)?$/.exec(repository) ?? [];
    if (host !== undefined) throw new Failure('bad-request', `repository: write it as https://${host}/${path}`);
    return { path: repository };
  }
  const expected = () => new Failure('bad-request', `repository: ${printable(repository)} is no address of a repository; write it as https://<host>/<owner>/<name>`);
  const url = URL.parse(repository);
  if (!url || !['https:', 'http:'].includes(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') throw expected();
  const path = url.pathname.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  const names = path.split('/');
  if (names.length < 2 || !names.every((name) => NAME.test(name))) throw expected();
  return { server: url.origin, path, names: names as [string, ...string[]] };
}
