import type { Application, EventOutcome, Outcome, Page, UserEvent } from '../framework.js';
import { repoOf } from '../interpret/repo-fixture.js';
import type { Markup, MarkupElement } from '../markup.js';
import { react } from './react.js';

const HTML = '<!doctype html><html><head><title>Shop</title><link rel="stylesheet" href="/site.css"></head><body><div id="root"></div><script type="module" src="/src/main.tsx"></script></body></html>';
const appOf = (files: Record<string, string>, dependencies: Record<string, string> = { 'react-router-dom': '6.0.0' }): Application => {
  const [app] = react.detect(repoOf({ 'package.json': JSON.stringify({ dependencies: { react: '19', 'react-dom': '19', ...dependencies } }), 'index.html': HTML, 'public/site.css': 'a {}', ...files }));
  if (!app) throw new Error('no application was detected');
  return app;
};
/** An application whose entry renders `<App/>` of the given module. */
export const single = (app: string, more: Record<string, string> = {}): Application => appOf({ 'src/main.tsx': 'import { createRoot } from "react-dom/client"; import App from "./App"; createRoot(document.getElementById("root")!).render(<App />);', 'src/App.tsx': app, ...more });

const ok = (outcome: Outcome | EventOutcome): Page => { if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.detail}`); return outcome.page; };
export const open = (app: Application, path = '/', session?: Page['session']): Page => ok(app.visit({ method: 'get', path }, session));
export const all = (nodes: readonly Markup[]): MarkupElement[] => nodes.flatMap((node) => (node.kind === 'text' ? [] : node.kind === 'element' ? [node, ...all(node.children)] : all(node.children ?? [])));
export const find = (page: Page, tag: string, text?: string): MarkupElement => {
  const found = all(page.markup).find((element) => element.tag === tag && (text === undefined || words(element.children) === text || [...element.attributes.values()].includes(text)));
  if (!found) throw new Error(`no <${tag}> ${text ?? ''} in ${words(page.markup)}`);
  return found;
};
/** Certain text: `…` where it is undecided, `(…)` around what may not be there. */
export const words = (nodes: readonly Markup[]): string => nodes.map((node) => {
  switch (node.kind) {
    case 'text': return typeof node.text === 'string' ? node.text : '…';
    case 'element': return words(node.children);
    case 'opaque': return `[${words(node.children ?? [])}]`;
    case 'group': return `${node.when === 'repeated' ? '*' : '?'}(${words(node.children)})`;
  }
}).join('').trim();
export const fire = (app: Application, page: Page, element: MarkupElement, event: UserEvent): Page => ok(app.dispatch?.(page, element, event) ?? { ok: false, reason: 'unknown-handler', detail: 'no dispatch' });
export const click = (app: Application, page: Page, tag: string, text: string): Page => fire(app, page, find(page, tag, text), { type: 'click' });
