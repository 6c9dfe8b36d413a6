import { APP_EVENTS, APP_NAME_LENGTH, APP_PERMISSIONS, manifestOf, registrationUrl, type AppRequest, type Registered } from './github-app.js';
import type { AppFiles } from './app-files.js';

/** The two pages of the set-up, without scripts. Whatever is put in is escaped. */

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d0d7de, #3d444d); --soft: light-dark(#59636e, #9198a1); --panel: light-dark(#f6f8fa, #151b23); --go: light-dark(#1f883d, #238636); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } p.lead, small, dd { color: var(--soft); }
form.settings { display: grid; grid-template-columns: 10rem 1fr; gap: .6rem 1rem; align-items: center; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--panel); }
form.settings button { grid-column: 2; justify-self: start; }
input { font: inherit; padding: .35rem .6rem; border: 1px solid var(--line); border-radius: .35rem; width: 100%; box-sizing: border-box; }
button { font: inherit; padding: .45rem 1rem; border: 1px solid var(--line); border-radius: .35rem; cursor: pointer; } button.go { background: var(--go); border-color: transparent; color: #fff; font-weight: 600; }
table { border-collapse: collapse; width: 100%; } td, th { border-bottom: 1px solid var(--line); padding: .45rem .75rem .45rem 0; text-align: left; vertical-align: top; } td:first-child { white-space: nowrap; }
code, pre { font: .875em ui-monospace, monospace; } pre { padding: .75rem 1rem; background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; overflow: auto; }
`;

function html(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title><style>${STYLE}</style></head><body><main>${body}</main></body></html>`;
}

const field = (name: string, label: string, value: string, more = ''): string => `<label for="${name}">${label}</label><input id="${name}" name="${name}" value="${escape(value)}" ${more}>`;

/** The first page: what will be asked for and why, and the button that leads to GitHub. `action`: the address of this page. */
export function registrationPage(request: AppRequest, state: string, action: string): string {
  const { githubUrl, organization = '', name, gatewayUrl } = request;
  const permissions = APP_PERMISSIONS.map(({ permission, level, reason }) => `<tr><td><code>${permission}: ${level}</code></td><td>${escape(reason)}</td></tr>`).join('');
  return html('Pullwright: set up the GitHub App', `
<h1>Set up the GitHub App</h1><p class="lead">Pullwright becomes an App on ${escape(new URL(githubUrl).host)} that you own. GitHub shows everything once more before it makes it.</p>
<h2>1. Whose App it is</h2>
<form class="settings" method="get" action="${escape(action)}">
${field('organization', 'Organization', organization, 'placeholder="leave empty for your own account" pattern="[A-Za-z0-9](-?[A-Za-z0-9])*" maxlength="39"')}
${field('name', 'Name', name, `required maxlength="${APP_NAME_LENGTH}"`)}
${field('gateway', 'Address of Pullwright', gatewayUrl, 'required type="url"')}
<button type="submit">Use these</button></form>
<p><small>GitHub sends its events to <code>${escape(new URL('/api/v1/webhooks/github', gatewayUrl).href)}</code>, so it must be able to reach that address.</small></p>
<h2>2. What it may</h2><table><thead><tr><th>Permission</th><th>Why</th></tr></thead><tbody>${permissions}</tbody></table>
<p><small>Events: ${APP_EVENTS.map((event) => `<code>${event}</code>`).join(', ')}. No administration, no workflows, no way around branch protection.</small></p>
<h2>3. Create it</h2>
<form method="post" action="${escape(registrationUrl(request, state))}"><input type="hidden" name="manifest" value="${escape(JSON.stringify(manifestOf(request)))}"><button class="go" type="submit">Create the App${organization ? ` in ${escape(organization)}` : ''} on GitHub</button></form>`);
}

/** The last page. It names files and never what is in them. */
export function donePage({ name, html_url: url }: Registered, files: AppFiles): string {
  return html('Pullwright: the GitHub App is there', `
<h1>${escape(name)} is there</h1><p class="lead">Its private key and its settings were written for you alone to read:</p>
<pre>${escape(files.key)}\n${escape(files.environment)}</pre>
<h2>What comes next</h2><ol><li>Start Pullwright with these settings:<pre>set -a; . ${escape(`'${files.environment}'`)}; set +a\n./pullwright serve</pre></li>
<li>Install the App on the repositories that it may read: <a href="${escape(url)}/installations/new" rel="noreferrer">${escape(url)}/installations/new</a></li></ol>`);
}

/** A page that says what is wrong and what to do. */
export function problemPage(title: string, detail: string): string {
  return html(`Pullwright: ${title}`, `<h1>${escape(title)}</h1><p>${escape(detail)}</p>`);
}
