import type { Machine } from '../interpret/machine.js';
import { repoOf } from '../interpret/repo-fixture.js';
import { toText } from '../interpret/convert.js';
import { spelled } from '../interpret/spelled.js';
import { startMachine } from '../interpret/start.js';
import { type Obj, Unknown, type Value } from '../interpret/values.js';
import { documentOf } from './document.js';
import { renderEjs } from './ejs.js';
import { renderHandlebars } from './handlebars.js';
import { outline } from './outline-fixture.js';
import { type Piece, UnbalancedTemplate } from './output.js';
import { renderPug } from './pug.js';

const AT = { file: 'app.js', line: 1 };
const unknown = (): Unknown => new Unknown('the query', AT);

function rendering(files: Record<string, string>): { machine: Machine; repo: ReturnType<typeof repoOf>; views: string[] } {
  const repo = repoOf(files);
  return { machine: startMachine({ repo, root: '', models: new Map(), host: 'node', fuel: 1_000_000 }), repo, views: ['views'] };
}
const localsOf = (machine: Machine, locals: Record<string, Value>): Obj => machine.object(locals);
const shown = (pieces: readonly Piece[]): string[] => outline(documentOf(pieces).markup);

function ejs(files: Record<string, string>, locals: Record<string, Value> = {}): string[] {
  const given = rendering(files);
  return shown(renderEjs('views/page.ejs', localsOf(given.machine, locals), given));
}
function pug(files: Record<string, string>, locals: Record<string, Value> = {}): string[] {
  const given = rendering(files);
  return shown(renderPug('views/page.pug', localsOf(given.machine, locals), given));
}
function handlebars(files: Record<string, string>, locals: Record<string, unknown> = {}, helpers: Record<string, (machine: Machine) => Value> = {}): string[] {
  const given = rendering(files);
  const { machine } = given;
  const context = machine.object(Object.fromEntries(Object.entries(locals).map(([name, value]) => [name, value instanceof Unknown ? value : machine.fromHost(value)])));
  const environment = { helper: (name: string): Value => helpers[name]?.(machine), partial: (name: string): string | undefined => (files[`views/partials/${name}.hbs`] === undefined ? undefined : `views/partials/${name}.hbs`) };
  return shown(renderHandlebars('views/page.hbs', context, machine.object(), environment, given));
}

describe('EJS', () => {
  it('prints values on the lines of the template, escaped or raw', () => {
    expect(ejs({ 'views/page.ejs': '<main>\n<% const n = 2; // two\n%>\n<p class="x"><%= title %></p>\n<%- html %>\n<b><%= n + 1 %></b></main>' }, { title: 'A < B', html: '<i>raw</i>' }))
      .toEqual(['<main> 1', '  <p class=x> 4', '    "A < B"', '  <i> 5', '    "raw"', '  <b> 6', '    "3"']);
  });
  it('shows both sides of an undecided condition as unsure, and one copy of an unknown list as repeated', () => {
    expect(ejs({ 'views/page.ejs': '<% if (user) { %><a href="/out">Out</a><% } else { %><a href="/in">In</a><% } %>\n<ul><% rows.forEach(function (row) { %><li><%= row.name %></li><% }); %></ul>' }, { user: unknown(), rows: unknown() }))
      .toEqual(['[unsure]', '  <a href=/out> 1', '    "Out"', '[unsure]', '  <a href=/in> 1', '    "In"', '<ul> 2', '  [unsure]', '    [repeated]', '      <li> 2', '        {}']);
  });
  it('treats every kind of loop over an unknown list alike', () => {
    const loops = ['for (const row of rows) {', 'for (let i = 0; i < rows.length; i++) { const row = rows[i];', 'for (const key in rows) { const row = rows[key];'];
    for (const loop of loops) expect(ejs({ 'views/page.ejs': `<ol><% ${loop} %><li><%= row.name %></li><% } %></ol>` }, { rows: unknown() }).filter((line) => /repeated|<li>/.test(line)).map((line) => line.trim())).toEqual(['[repeated]', '<li> 1']);
  });
  it('includes partials with their own data, the old way too', () => {
    expect(ejs({ 'views/page.ejs': '<%- include("parts/nav", { on: "home" }) %>\n<% include foot.ejs %>', 'views/parts/nav.ejs': '<nav><%= on %> <%= site %></nav>', 'views/foot.ejs': '\n<footer><%= site %></footer>' }, { site: 'S' }))
      .toEqual(['<nav> 1', '  "home S"', '<footer> 2', '  "S"']);
  });
  it('leaves an attribute undecided that stands under an undecided condition', () => {
    expect(ejs({ 'views/page.ejs': '<input type="checkbox" <%- done ? "checked" : "" %> name="a"><li class="x <% if (done) { %>y<% } %>">t</li><option <% if (done) { %>selected<% } %>>o</option>' }, { done: unknown() }))
      .toEqual(['<input type=checkbox checked={} name=a> 1', '<li class={}> 1', '  "t"', '<option selected={}> 1', '  "o"']);
  });
  it('knows a variable only where all sides agree', () => {
    expect(ejs({ 'views/page.ejs': '<% let a = "x", b = "x"; if (q) { a = "y"; b = "x"; } %><p><%= a %></p><p><%= b %></p>' }, { q: unknown() })).toEqual(['<p> 1', '  {}', '<p> 1', '  "x"']);
  });
  it('asks for missing locals as `with` does', () => {
    expect(ejs({ 'views/page.ejs': '<% if (typeof error !== "undefined") { %><p>bad</p><% } %><%= locals.error ? "bad" : "good" %>' })).toEqual(['"good"']);
    expect(() => ejs({ 'views/page.ejs': '<%= error %>' })).toThrow('thrown by the interpreted program');
  });
  it('has no tree when elements are opened under an undecided condition', () => {
    expect(() => ejs({ 'views/page.ejs': '<% if (q) { %><div class="a"><% } %><p>x</p><% if (q) { %></div><% } %>' }, { q: unknown() })).toThrow(UnbalancedTemplate);
  });
  it('keeps groups in place in tables and selections', () => {
    expect(ejs({ 'views/page.ejs': '<table><% rows.forEach((r) => { %><tr><td><%= r %></td></tr><% }) %></table><select><% if (q) { %><option>1</option><% } %></select>' }, { rows: unknown(), q: unknown() }))
      .toEqual(['<table> 1', '  [unsure]', '    [repeated]', '      <tbody> 1', '        <tr> 1', '          <td> 1', '            {}', '<select> 1', '  [unsure]', '    <option> 1', '      "1"']);
  });
});

describe('Pug', () => {
  it('extends layouts, fills blocks, includes files and calls mixins', () => {
    expect(pug({
      'views/page.pug': 'extends layout\n\nblock content\n  include field\n  +field("email", "E-mail")(required=true)\n    small hint\nappend scripts\n  p later',
      'views/layout.pug': 'doctype html\nhtml\n  head\n    title= title\n  body\n    main\n      block content\n        p none\n    block scripts\n      p first',
      'views/field.pug': 'mixin field(name, label)\n  label(for=name)= label\n  input(id=name name=name)&attributes(attributes)\n  block',
    }, { title: 'T' })).toEqual(['<main> 6', '  <label for=email> 2', '    "E-mail"', '  <input id=email name=email required> 3', '  <small> 6', '    "hint"', '<p> 10', '  "first"', '<p> 8', '  "later"']);
  });
  it('knows conditions, loops and cases, and what of them is not decided', () => {
    expect(pug({ 'views/page.pug': 'if errors.length\n  ul\n    each error in errors\n      li= error\nelse\n  p fine\nunless user\n  a(href="/in") In\ncase n\n  when 1\n    b one\n  default\n    b many\neach row, i in rows\n  p #{row.name}!\nelse\n  p empty' }, { errors: rendering({}).machine.array(['a', 'b']), user: unknown(), n: 1, rows: unknown() }))
      .toEqual(['<ul> 2', '  <li> 4', '    "a"', '  <li> 4', '    "b"', '[unsure]', '  <a href=/in> 8', '    "In"', '<b> 11', '  "one"', '[unsure]', '  [repeated]', '    <p> 15', '      {}', '      "!"', '[unsure]', '  <p> 17', '    "empty"']);
  });
  it('joins classes, drops false attributes, leaves unknown ones undecided', () => {
    expect(pug({ 'views/page.pug': 'each row in where\n  a(href=row) x' }, { where: unknown() })).toEqual(['[unsure]', '  [repeated]', '    <a href={}> 2', '      "x"']);
    expect(pug({ 'views/page.pug': 'a.b.c(class=["d", {e: true, f: false}] hidden=false title=null data-n=3 href=where) x\ninput(disabled checked=on)' }, { where: unknown(), on: false }))
      .toEqual(['<a class=b c d e data-n=3 href={}> 1', '  "x"', '<input disabled> 2']);
  });
});

const shout = (machine: Machine): Value => machine.fn('shout', ([text]) => spelled(text).toUpperCase());
const twice = (machine: Machine): Value => machine.fn('twice', ([options], self, at) => {
  const once = toText(machine, machine.call(machine.get(options, 'fn'), [self]), at);
  return once instanceof Unknown ? once : once + once;
});

describe('Handlebars', () => {
  it('renders paths, built-in blocks and partials', () => {
    expect(handlebars({ 'views/page.hbs': '{{#if user}}\n<p>{{user.name}} {{../none}}</p>\n{{else}}<p>nobody</p>{{/if}}\n{{#each items as |it|}}<li>{{@index}} {{it.x}} {{../title}}</li>{{else}}<p>none</p>{{/each}}\n{{> foot year=2020}}{{#unless off}}<i>on</i>{{/unless}}{{{raw}}}', 'views/partials/foot.hbs': '<footer>{{year}} {{title}}</footer>' }, { user: { name: 'Ada' }, items: [{ x: 'a' }], title: 'T', off: false, raw: '<b>r</b>' }))
      .toEqual(['<p> 2', '  "Ada"', '<li> 4', '  "0 a T"', '<footer> 1', '  "2020 T"', '<i> 5', '  "on"', '<b> 5', '  "r"']);
  });
  it('leaves open what is unknown', () => {
    expect(handlebars({ 'views/page.hbs': '{{#if q}}<a href="/a">A</a>{{else}}<b>B</b>{{/if}}{{#each q}}<li>{{name}}</li>{{/each}}' }, { q: unknown() }))
      .toEqual(['[unsure]', '  <a href=/a> 1', '    "A"', '[unsure]', '  <b> 1', '    "B"', '[unsure]', '  [repeated]', '    <li> 1', '      {}']);
  });
  it('calls helpers of the program', () => {
    expect(handlebars({ 'views/page.hbs': '<p>{{shout name}}</p>{{#twice}}<i>{{name}}</i>{{/twice}}' }, { name: 'ada' }, { shout, twice })).toEqual(['<p> 1', '  "ADA"', '<i> 1', '  "ada"', '<i> 1', '  "ada"']);
  });
});

describe('pages', () => {
  it('have a title, styles and scripts, with what is unknown of them', () => {
    const page = documentOf([
      { kind: 'html', text: '<head><title>Shop - ', at: AT, advances: true }, { kind: 'value', words: { undecided: 'name' }, raw: false, at: AT },
      { kind: 'html', text: '</title><link rel="stylesheet" href="/a.css"><style>p{}</style><script src="/a.js"></script></head><body hidden></body>', at: AT, advances: true },
    ]);
    expect(page).toMatchObject({ title: { undecided: 'name' }, styles: [{ href: '/a.css' }, { text: 'p{}' }], scripts: [{ src: '/a.js' }], markup: [] });
  });
  it('hide generated words but not what ties elements together', () => {
    const pieces: Piece[] = [{ kind: 'html', text: '<form action="/x/7"><label for="f7">Number 7</label><input id="f7" value="7"><input type="hidden" name="id" value="7"></form>', at: AT, advances: true }];
    expect(outline(documentOf(pieces, (text) => (text.includes('7') ? 'made' : undefined)).markup)).toEqual(['<form action=/x/7> 1', '  <label for=f7> 1', '    {}', '  <input id=f7 value={}> 1', '  <input type=hidden name=id value=7> 1']);
  });
});
