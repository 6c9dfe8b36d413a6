import type { Behaviour } from '#contracts';
import { explore, type Exploration } from './explore.js';
import { html } from './html.js';
import { repoOf, type FixtureRepo } from './interpret/repo-fixture.js';
import { Stylist } from './styles/stylist.js';

const page = (body: string, head = ''): string => `<!doctype html><html><head><title>T</title>${head}</head><body>${body}</body></html>`;
function explored(files: Record<string, string>, depth: 'smoke' | 'standard' | 'deep' = 'standard'): Exploration & { repo: FixtureRepo; kinds: string[] } {
  const repo = repoOf(files);
  const [application] = html.detect(repo);
  if (!application) throw new Error('no application');
  const found = explore(application, repo, new Stylist(repo), { depth, testIdAttribute: 'data-testid', progress: () => undefined });
  return { ...found, repo, kinds: found.behaviours.map((behaviour) => `${behaviour.kind} ${behaviour.on} → ${behaviour.to}`) };
}
const texts = (found: Exploration, behaviour: Behaviour | undefined, side: 'appears' | 'disappears'): Array<string | null | undefined> => {
  const screen = found.screens.find((one) => one.id === behaviour?.[side === 'appears' ? 'to' : 'on']);
  return behaviour?.[side].map((id) => screen?.elements.find((element) => element.id === id)?.text) ?? [];
};

const roots = (files: Record<string, string>): string[] => html.detect(repoOf(files)).flatMap((application) => application.routes.map((route) => `${application.root}|${route.pattern}`));

describe('sites of plain HTML', () => {
  it('are found where they are served', () => {
    expect(roots({ 'index.html': page('<h1>a</h1>'), 'sub/index.html': page('<p>b</p>'), 'sub/c.html': page('<p>c</p>') })).toEqual(['|/', '|/sub/c.html', '|/sub/']);
    expect(roots({ 'package.json': '{"scripts":{"start":"http-server ./www -p 80"}}', 'www/index.html': page('<h1>a</h1>'), 'docs/x.html': page('<p>x</p>') })).toEqual(['|/']);
    expect(roots({ 'package.json': '{"scripts":{"start":"serve site"}}', 'site/index.html': page('<h1>a</h1>'), 'site/about.html': page('<p>x</p>') })).toEqual(['|/about', '|/']);
  });
  it('are served together when they are small and many', () => {
    const two = { 'clock/index.html': page('<p>a</p>'), 'quiz/index.html': page('<p>b</p>') };
    expect(roots(two)).toEqual(['|/clock/', '|/quiz/']);
    expect(roots({ ...two, 'shop/index.html': page('<a href="/">a</a>') })).toEqual(['|/clock/', '|/quiz/', 'shop|/']);
    expect(roots({ 'clock/index.html': page('<script src="/a.js"></script>'), 'quiz/index.html': page('<p>b</p>') })).toEqual(['clock|/', 'quiz|/']);
  });
  it('are not the shells of frameworks, templates of servers, or reports of tools', () => {
    expect(html.detect(repoOf({ 'package.json': '{"dependencies":{"vue":"3"}}', 'index.html': page('<div id="app"></div>') }))).toEqual([]);
    expect(html.detect(repoOf({ 'templates/x.html': page('<p>x</p>'), 'index.html': page('<h1>{{ title }}</h1>'), 'coverage/index.html': page('<p>x</p>'), 'e.html': page('<% x %>') }))).toEqual([]);
  });
  it('lead from page to page, each link once', () => {
    const nav = '<nav><a href="/">Home</a> <a href="b.html">Second</a></nav>';
    const found = explored({ 'index.html': page(`${nav}<h1>One</h1>`), 'b.html': page(`${nav}<h1>Two</h1><a href="https://x.org">Out</a><a href="f.zip" download>File</a><a href="b.html" target="_blank">New</a>`) });
    expect(found.kinds).toEqual(['navigation / → /b.html', 'navigation /b.html → /']);
    expect(texts(found, found.behaviours[0], 'appears')).toContain('Two');
    expect(found.repo.left.map((left) => left.reason)).toEqual(['external-link', 'external-link']);
  });
  it('are told apart by a heading whose words are those of a link as well', () => {
    const found = explored({ 'index.html': page('<h1>One</h1><a href="b.html">Browse</a>'), 'b.html': page('<h2>Browse</h2>') });
    expect(texts(found, found.behaviours[0], 'appears')).toEqual(['Browse']);
  });
  it('validate forms before they are sent', () => {
    const found = explored({ 'index.html': page('<form action="/done.html"><label>Name <input name="n" required></label><label>Mail <input name="m" type="email" required></label><button>Go</button></form>'), 'done.html': page('<h1>Done</h1>') });
    expect(found.behaviours.map((one) => `${one.kind} ${one.invalid?.rule ?? one.to}`)).toEqual([
      'submit-valid /done.html?n=Ada&m=ada%40example.com', 'submit-missing valueMissing', 'submit-missing valueMissing', 'submit-malformed typeMismatch',
    ]);
  });
  it('are not sent by a button that is only around a link', () => {
    const found = explored({ 'index.html': page('<form action="/done.html"><label>Name <input name="n"></label><button>Go</button><button><a href="/back.html">Back</a></button></form>'), 'done.html': page('<h1>Done</h1>'), 'back.html': page('<h1>Back</h1>') });
    expect(found.behaviours.map((one) => `${one.kind} ${one.to}`)).toEqual(['navigation /back.html', 'submit-valid /done.html?n=Ada']);
  });
  it('send nothing where no server is', () => {
    const found = explored({ 'index.html': page('<form method="post" action="/x"><input name="n" aria-label="N"><button>Go</button></form>') });
    expect(found.behaviours).toEqual([]);
    expect(found.repo.left.map((left) => left.reason)).toEqual(['needs-backend']);
  });
});

describe('scripts of plain HTML', () => {
  it('show and hide', () => {
    const found = explored({ 'index.html': page('<button id="b">Menu</button><ul id="m" class="off"><li>Item</li></ul><script src="m.js"></script>', '<style>.off{display:none}</style>'), 'm.js': "document.getElementById('b').addEventListener('click', () => { document.querySelector('#m').classList.toggle('off'); });" });
    expect(found.kinds).toEqual(['toggle / → /-2', 'dismiss /-2 → /']);
    expect(texts(found, found.behaviours[0], 'appears')).toEqual(['Item']);
  });
  it('keep lists in the browser', () => {
    const script = `
      const items = JSON.parse(localStorage.getItem('items') || '[]');
      function draw() { list.innerHTML = items.map((item) => '<li>' + item + '</li>').join(''); localStorage.setItem('items', JSON.stringify(items)); }
      const list = document.querySelector('ul'); const form = document.forms[0];
      form.onsubmit = (event) => { event.preventDefault(); const text = form.elements.what.value.trim(); if (!text) { document.getElementById('e').textContent = 'Write something'; return; } items.push(text); form.reset(); draw(); };
      draw();`;
    const found = explored({ 'index.html': page(`<form><input name="what" aria-label="What"><button>Add</button></form><p id="e"></p><ul></ul><script>${script}</script>`) });
    const [valid, missing] = found.behaviours;
    expect(found.behaviours.map((one) => one.kind)).toEqual(['submit-valid', 'submit-missing']);
    expect(texts(found, valid, 'appears')).toEqual(['A short note']);
    expect(texts(found, missing, 'appears')).toEqual(['Write something']);
  });
  it('leave open what they do with the clock, chance and the network', () => {
    const found = explored({ 'index.html': page(`<p id="a">x</p><p id="b">y</p><p id="c">z</p><h1>Sure</h1><script>
      document.getElementById('a').textContent = new Date().toString();
      if (Math.random() > 0.5) document.getElementById('b').hidden = true;
      fetch('/x').then((r) => r.json()).then((d) => { document.getElementById('c').textContent = d.name; });
    </script>`) });
    expect(found.screens[0]?.elements.map((element) => `${element.tag} ${element.text} ${element.presence}`)).toEqual(['p null unsure', 'p y unsure', 'p z unsure', 'h1 Sure shown']);
  });
  it('leave what they touch uncertain where a library does the work', () => {
    const found = explored({ 'index.html': page('<p class="x">touched</p><p>not touched</p><button id="go">Go</button><script src="https://code.jquery.com/jquery.js"></script><script>$("#go").click(function () { $(".x").hide(); });</script>') });
    expect(found.screens[0]?.elements.map((element) => `${element.text} ${element.presence}`)).toEqual(['touched unsure', 'not touched shown', 'Go unsure']);
    expect(found.behaviours).toEqual([]);
  });
  it('are not followed for ever', () => {
    const found = explored({ 'index.html': page('<h1>Sure</h1><p id="p">x</p><script>for (;;) { document.getElementById("p").hidden = false; }</script>') });
    expect(found.screens[0]?.elements.map((element) => element.presence)).toEqual(['shown', 'unsure']);
  });
  it('answer clicks for the buttons inside of them', () => {
    const found = explored({ 'index.html': page('\n\n<input id="d" aria-label="Result" readonly>\n<div id="k"></div>\n<script>\nconst keys = document.querySelector("#k");\nfor (const k of ["7", "+"]) { const b = document.createElement("button"); b.textContent = k; b.dataset.key = k; keys.append(b); }\nkeys.addEventListener("click", (e) => { const { key } = e.target.dataset; if (key) document.getElementById("d").value += key; });\n</script>') });
    expect(found.behaviours.map((one) => one.changes)).toEqual([[{ element: 'index.html:3:input', property: 'value', from: '', to: '7' }], [{ element: 'index.html:3:input', property: 'value', from: '', to: '+' }]]);
    expect(found.behaviours[0]?.because[0]).toMatchObject({ file: 'index.html', line: 8 });
  });
  it('answer inline handlers, and words in fields come out on the page', () => {
    const found = explored({ 'index.html': page(`<script>function greet() { document.getElementById('out').textContent = 'Hello ' + document.getElementById('who').value; }</script><label>Who <input id="who"></label><button onclick="greet()">Greet</button><p id="out" role="status"></p>`) });
    expect(found.behaviours.map((one) => one.kind)).toContain('submit-valid');
    expect(texts(found, found.behaviours.find((one) => one.kind === 'submit-valid'), 'appears')).toEqual(['Hello A short note']);
  });
});
