import type { Repo } from '../framework.js';
import { join } from '../interpret/resolution.js';
import type { Markup, MarkupElement, Place, Words } from '../markup.js';
import { documentOf } from '../templates/document.js';

/** The HTML file around a single-page application: title, style sheets, entry script, and the element that React fills. */
export interface Shell {
  title: Words | null;
  body: Markup[];
  styles: Array<{ path: string } | { text: string; at: Place }>;
  /** Module scripts of the repository, in order. */
  scripts: string[];
  at: Place;
}

export function readShell(repo: Repo, root: string, file: string): Shell {
  // Create React App writes %PUBLIC_URL% where the base path goes.
  const text = (repo.text(file) ?? '').replaceAll('%PUBLIC_URL%', '').replaceAll('%BASE_URL%', '/');
  const at: Place = { file, line: 1 };
  const document = documentOf([{ kind: 'html', text, at, advances: true }]);
  const inRepo = (address: string): string | undefined => {
    if (/^(?:[a-z]+:|\/\/)/i.test(address)) return undefined;
    const path = address.split(/[?#]/)[0]?.replace(/^\.?\//, '') ?? '';
    return [join(root, path), join(root, `public/${path}`), join(file.split('/').slice(0, -1).join('/'), path)].find((candidate) => repo.paths.includes(candidate));
  };
  const styles = document.styles.flatMap((style): Shell['styles'] => {
    if (!('href' in style)) return [style];
    const path = inRepo(style.href);
    return path === undefined ? [] : [{ path }];
  });
  const scripts = document.scripts.flatMap((script) => {
    const path = 'src' in script && typeof script.src === 'string' ? inRepo(script.src) : undefined;
    return path !== undefined && /\.[cm]?[jt]sx?$/.test(path) ? [path] : [];
  });
  return { title: document.title, body: document.markup, styles, scripts, at };
}

/** The body with the application in its place: in the first element that looks like a mounting point, else alone. */
export function fillShell(shell: Shell | null, markup: Markup[]): Markup[] {
  if (!shell) return markup;
  const mount = shell.body.flatMap(elementsOf).find((element) => isMount(element));
  if (!mount) return [...shell.body.filter((node) => !(node.kind === 'element' && ['script', 'noscript'].includes(node.tag))), ...markup];
  return shell.body.flatMap((node) => filled(node, mount, markup));
}

const elementsOf = (node: Markup): MarkupElement[] => (node.kind === 'element' ? [node, ...node.children.flatMap(elementsOf)] : []);
function isMount(element: MarkupElement): boolean {
  const id = element.attributes.get('id');
  return typeof id === 'string' && /^(?:root|app|main|react|container|mount|__root|react-root|react-app|app-root|content)$/i.test(id) && element.tag !== 'script';
}
function filled(node: Markup, mount: MarkupElement, markup: Markup[]): Markup[] {
  if (node === mount) return [{ ...mount, children: markup }];
  if (node.kind !== 'element') return node.kind === 'text' ? [node] : [];
  if (node.tag === 'script' || node.tag === 'noscript') return [];
  return [{ ...node, children: node.children.flatMap((child) => filled(child, mount, markup)) }];
}
