/** A repository on a web server, taken apart: `https://<host>/<owner>/<name>`, or more names where the forge has groups in groups. */
export interface RepositoryAddress { server: string; names: readonly [string, string, ...string[]]; /** The form in which a run names it, so that one repository has one name. */ canonical: string }

/** Owners, groups and repositories, as the forges allow them; so no name needs escaping in a URL, and none is `.` or `..`. */
const NAME = /^(?!\.+$)[A-Za-z0-9_.-]{1,255}$/;

/** Undefined for a path on this machine. `problem`: what looks like an address and is none, with the form that is expected. */
export function repositoryAddress(place: string): RepositoryAddress | { problem: string } | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(place)) {
    const [, host, path] = /^(?:[\w.-]+@)?([\w-]+(?:\.[\w-]+)+):(?!\/)([\w./-]+?)(?:\.git)?$/.exec(place) ?? [];
    return host === undefined ? undefined : { problem: `write it as https://${host}/${path}` };
  }
  const url = URL.parse(place);
  const path = url?.pathname.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '') ?? '';
  const [first, second, ...names] = path.split('/');
  if (!url || !['https:', 'http:'].includes(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '' || first === undefined || second === undefined || ![first, second, ...names].every((name) => NAME.test(name))) {
    return { problem: 'write an address as https://<host>/<owner>/<name>' };
  }
  return { server: url.origin, names: [first, second, ...names], canonical: `${url.origin}/${path}` };
}
