import type { Application, Outcome, PageRequest, Session } from '../framework.js';
import { type FixtureRepo, repoOf } from '../interpret/repo-fixture.js';
import { outline } from '../templates/outline-fixture.js';
import { express } from './express.js';

const manifest = (dependencies: Record<string, string>, scripts: Record<string, string> = { start: 'node app.js' }): string => JSON.stringify({ name: 'fixture', scripts, dependencies: { express: '^4.18.0', ...dependencies } });

class Browser {
  readonly app: Application;
  session: Session | undefined;
  constructor(readonly repo: FixtureRepo) {
    const [app] = express.detect(repo);
    if (!app) throw new Error('no application was detected');
    this.app = app;
  }
  ask(request: PageRequest): Outcome {
    const outcome = this.app.visit(request, this.session);
    if (outcome.ok) this.session = outcome.page.session;
    return outcome;
  }
  get(path: string): Outcome { return this.ask({ method: 'get', path }); }
  post(path: string, fields: Record<string, string>): Outcome { return this.ask({ method: 'post', path, body: Object.entries(fields) }); }
}
/** Path and markup, or the reason. */
const seen = (outcome: Outcome): string[] => (outcome.ok ? [outcome.page.path, ...outline(outcome.page.markup)] : [`${outcome.reason}: ${outcome.detail}`]);

const page = (path: string, title: string, where: string): string[] => [path, '<h1> 2', `  "${title}"`, '<p> 2', `  "Site ${where}"`];

describe('routing', () => {
  const files = {
    'package.json': manifest({ ejs: '3.1.0' }, { start: 'node ./bin/www' }),
    'bin/www': '#!/usr/bin/env node\nvar app = require("../app");\nvar http = require("http");\nvar server = http.createServer(app);\nserver.listen(process.env.PORT || 3000);',
    'app.js': `
const express = require('express');
const path = require('path');
const app = express();
app.set('views', path.join(__dirname, 'views'));
app.set('view engine', 'ejs');
app.locals.site = 'Site';
app.use('/static', express.static(path.join(__dirname, 'public')));
app.use(express.static(path.join(__dirname, 'web')));
app.use((req, res, next) => { res.locals.where = req.path; next(); });
app.use('/users', require('./users'));
app.get(['/', '/home'], (req, res) => res.render('page', { title: 'Home' }));
app.get('/old', (req, res) => res.redirect(301, '/users/7?tab=a#top'));
app.get(/^\\/fl(y|ies)$/, (req, res) => res.send('<h1>Wings</h1>'));
app.get('/api', (req, res) => res.json({ a: 1 }));
app.get('/boom', async (req, res, next) => { try { throw new Error('Kaput'); } catch (error) { next(error); } });
app.get('/time', (req, res) => res.render('page', { title: Date.now() }));
app.get('/coin', (req, res) => { if (Math.random() > 0.5) return res.render('page', { title: 'Heads' }); res.redirect('/'); });
app.use((req, res) => res.status(404).render('page', { title: 'Not here' }));
app.use((err, req, res, next) => { res.status(500); res.render('page', { title: err.message }); });
module.exports = app;`,
    'users.js': `
const router = require('express').Router();
router.param('id', (req, res, next, id) => { req.user = { id, name: 'user ' + id }; next(); });
router.get('/:id(\\\\d+)', (req, res) => res.render('page', { title: req.user.name + (req.query.tab ? ' ' + req.query.tab : '') }));
router.get('/:name', (req, res, next) => (req.params.name === 'me' ? res.render('page', { title: req.baseUrl }) : next('route')));
module.exports = router;`,
    'views/page.ejs': '<link rel="stylesheet" href="/static/a.css">\n<h1><%= title %></h1><p><%= site %> <%= where %></p>',
    'public/a.css': 'h1{}',
    'web/index.html': '<h1>never</h1>', 'web/plain.html': '<title>Plain</title>\n<p>plain</p>',
  };

  it.each([
    ['/home', page('/home', 'Home', '/home')],
    ['/old', page('/users/7?tab=a#top', 'user 7 a', '/users/7')],
    ['/users/me', page('/users/me', '/users', '/users/me')],
    ['/users/x/y', page('/users/x/y', 'Not here', '/users/x/y')],
    ['/users/else', page('/users/else', 'Not here', '/users/else')],
    ['/flies', ['/flies', '<h1> 14', '  "Wings"']],
    ['/boom', page('/boom', 'Kaput', '/boom')],
    ['/plain.html', ['/plain.html', '<p> 2', '  "plain"']],
    ['/', ['/', '<h1> 1', '  "never"']],
    ['/api', ['unknown-outcome: /api gives an answer in JSON']],
    ['/time', ['/time', '<h1> 2', '  {}', '<p> 2', '  "Site /time"']],
  ])('answers %s', (path, expected) => expect(seen(new Browser(repoOf(files)).get(path))).toEqual(expected));

  it('leaves out what the source does not decide', () => expect(new Browser(repoOf(files)).get('/coin')).toMatchObject({ ok: false, reason: 'unknown-outcome', at: { file: 'app.js', line: 18 } }));
  it('knows its routes, their style sheets and the lines that decided', () => {
    const browser = new Browser(repoOf(files));
    expect(browser.app.routes.map(({ pattern, paths }) => [pattern, paths.length])).toEqual([['/users/:id(\\d+)', 0], ['/users/:name', 0], ['/, /home', 2], ['/old', 1], ['/^\\/fl(y|ies)$/', 0], ['/api', 1], ['/boom', 1], ['/time', 1], ['/coin', 1], ['/', 1], ['/plain.html', 1]]);
    expect(browser.get('/users/7')).toMatchObject({ page: { route: '/users/:id(\\d+)', styles: [{ path: 'public/a.css' }] }, because: expect.arrayContaining([{ file: 'users.js', line: 4 }]), writes: false });
  });
  it('is found where nothing names its entry, when one module alone listens', () => {
    const app = "const express = require('express'); const app = express(); app.get('/', (req, res) => res.render('page')); app.listen(3000);";
    const found = (more: Record<string, string>): unknown => express.detect(repoOf({ 'package.json': manifest({ ejs: '3' }, { test: 'jest' }), 'views/page.ejs': '<h1>Hi</h1>', 'meadow.js': app, 'tool.js': "require('express')", ...more })).map(({ entryPoints }) => entryPoints);
    expect([found({}), found({ 'other.js': app })]).toEqual([[['meadow.js']], []]);
  });
  it('is not here without pages', () => {
    const repo = repoOf({ 'package.json': manifest({}), 'app.js': 'require("express")().listen(1)' });
    expect([express.detect(repo), repo.left.map(({ reason }) => reason)]).toEqual([[], ['unsupported-framework']]);
  });
});

describe('a contact form that is checked on the server (Pug, express-validator)', () => {
  const files = {
    'package.json': manifest({ pug: '3', 'express-validator': '7' }),
    'app.js': `
const express = require('express');
const { body, validationResult } = require('express-validator');
const app = express();
app.use(require('helmet').contentSecurityPolicy({ directives: {} }));
app.set('view engine', 'pug');
app.use(express.urlencoded({ extended: false }));
app.get('/contact', (req, res) => res.render('contact', { errors: [], values: {} }));
app.post('/contact',
  body('name').trim().notEmpty().withMessage('Please tell us your name.'),
  body('email').isEmail().withMessage('That is no e-mail address.'),
  body('message').isLength({ min: 5 }).withMessage('Please write more.'),
  body('born', 'No date.').optional({ values: 'falsy' }).isISO8601().toDate(),
  body('tags.*').escape(),
  (req, res) => {
    const errors = validationResult(req);
    if (!errors.isEmpty()) return res.status(422).render('contact', { errors: errors.array(), values: req.body });
    res.render('thanks', { name: req.body.name });
  });
app.listen(3000);`,
    'views/contact.pug': 'h1 Contact\nif errors.length\n  ul\n    each error in errors\n      li= error.msg\nform(method="post")\n  input(name="email" value=values.email)',
    'views/thanks.pug': 'h1 Thank you, #{name}!',
  };
  it('shows each message that applies, with the values entered', () => {
    const browser = new Browser(repoOf(files));
    expect(seen(browser.get('/contact'))).toEqual(['/contact', '<h1> 1', '  "Contact"', '<form method=post> 6', '  <input name=email> 7']);
    expect(seen(browser.post('/contact', { name: ' ', email: 'a@b', message: 'long enough' })))
      .toEqual(['/contact', '<h1> 1', '  "Contact"', '<ul> 3', '  <li> 5', '    "Please tell us your name."', '  <li> 5', '    "That is no e-mail address."', '<form method=post> 6', '  <input name=email value=a@b> 7']);
    for (const born of ['', '2030-05-17']) expect(seen(browser.post('/contact', { name: ' Ada ', email: 'ada@example.com', message: 'long enough', born }))).toEqual(['/contact', '<h1> 1', '  "Thank you, Ada!"']);
    expect(browser.post('/contact', { name: 'Ada', email: 'ada@example.com', message: 'long enough', born: 'May' })).toMatchObject({ ok: false });
  });
});

describe('a list in memory that everybody shares (Handlebars)', () => {
  const files = {
    'package.json': manifest({ 'express-handlebars': '7', 'express-session': '1', 'connect-flash': '0' }),
    'app.js': `
import express from 'express';
import { engine } from 'express-handlebars';
import session from 'express-session';
import flash from 'connect-flash';
const app = express();
app.engine('handlebars', engine({ helpers: { shout: (text) => text.toUpperCase() } }));
app.set('view engine', 'handlebars');
app.use(express.urlencoded({ extended: true }), session({ secret: 'x' }), flash());
const notes = [{ id: 1, text: 'Welcome' }];
const tags = ['a', 'b'];
let nextId = 2;
app.get('/', (req, res) => res.render('home', { notes, tags, count: notes.length, message: req.flash('info')[0] }));
app.post('/notes', (req, res) => {
  if (notes.some((note) => note.text === req.body.text)) { req.flash('info', 'That is there already.'); return res.redirect('/'); }
  notes.push({ id: nextId++, text: req.body.text });
  req.flash('info', 'Added.');
  res.redirect('/');
});
app.get('/notes/:id', (req, res) => {
  const note = notes.find((one) => one.id === Number(req.params.id));
  if (!note) return res.status(404).send('<p>None</p>');
  res.render('note', { note, layout: false });
});
app.listen(3000);`,
    'views/layouts/main.handlebars': '<header>{{shout "notes"}}</header>\n{{{body}}}',
    'views/home.handlebars': '{{#if message}}<p>{{message}}</p>{{/if}}{{#if count}}<i>some</i>{{/if}}\n<ul>{{#each notes}}<li><a href="/notes/{{id}}">{{text}}</a></li>{{/each}}</ul><b>{{count}}</b>{{#each tags}}<s>{{this}}</s>{{/each}}{{> foot}}',
    'views/partials/foot.handlebars': '<footer>foot</footer>',
    'views/note.handlebars': '<h1>{{note.text}}</h1>',
  };
  const rest = ['<b> 2', '  {}', '<s> 2', '  "a"', '<s> 2', '  "b"', '<footer> 1', '  "foot"'];
  const others = ['  [unsure]', '    [repeated]', '      <li> 2', '        <a href={}> 2', '          {}'];
  it('shows what is there for certain, and that there may be more', () => {
    expect(seen(new Browser(repoOf(files)).get('/'))).toEqual(['/', '<header> 1', '  "NOTES"', '<i> 1', '  "some"', '<ul> 2', '  <li> 2', '    <a href=/notes/1> 2', '      "Welcome"', ...others, ...rest]);
  });
  it('shows what this browser has added, once, with a message that is shown once', () => {
    const browser = new Browser(repoOf(files));
    const added = browser.post('/notes', { text: 'zq1unique' });
    expect(added).toMatchObject({ ok: true, writes: true });
    const list = ['<i> 1', '  "some"', '<ul> 2', '  <li> 2', '    <a href=/notes/1> 2', '      "Welcome"', '  <li> 2', '    <a href={}> 2', '      "zq1unique"', ...others, ...rest];
    expect(seen(added)).toEqual(['/', '<header> 1', '  "NOTES"', '<p> 1', '  "Added."', ...list]);
    expect(seen(browser.get('/'))).toEqual(['/', '<header> 1', '  "NOTES"', ...list]);
    expect(seen(browser.post('/notes', { text: 'zq1unique' }))).toContain('  "That is there already."');
  });
  it('does not decide what depends on others', () => {
    expect(seen(new Browser(repoOf(files)).post('/notes', { text: 'Hello' }))).toEqual(['unknown-outcome: the answer depends on notes, which requests of others change']);
    expect(seen(new Browser(repoOf(files)).get('/notes/1'))).toEqual(['unknown-outcome: the answer depends on notes, which requests of others change']);
  });
});

describe('users in a database (passport, SQLite)', () => {
  const files = {
    'package.json': manifest({ ejs: '3', passport: '^0.6.0', 'passport-local': '1', sqlite3: '5', 'express-session': '1', bcrypt: '5', 'connect-ensure-login': '0.1' }),
    'app.js': `
const express = require('express'), passport = require('passport'), LocalStrategy = require('passport-local').Strategy, bcrypt = require('bcrypt'), sqlite3 = require('sqlite3').verbose();
const { ensureLoggedIn } = require('connect-ensure-login');
const db = new sqlite3.Database(':memory:');
db.serialize(() => {
  db.run('CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE, hash TEXT)');
  db.run('CREATE TABLE notes (id INTEGER PRIMARY KEY, owner INTEGER, text TEXT)');
  db.run('INSERT INTO users (name, hash) VALUES (?, ?)', ['root', bcrypt.hashSync('toor', 10)]);
});
passport.use(new LocalStrategy({ usernameField: 'name' }, async (name, password, done) => {
  db.get('SELECT * FROM users WHERE name = ?', [name], async (err, user) => {
    if (err) return done(err);
    if (!user) return done(null, false, { message: 'Nobody has that name.' });
    if (!(await bcrypt.compare(password, user.hash))) return done(null, false, { message: 'Wrong password.' });
    done(null, user);
  });
}));
passport.serializeUser((user, done) => done(null, user.id));
passport.deserializeUser((id, done) => db.get('SELECT * FROM users WHERE id = ?', id, (err, user) => done(err, user)));
const app = express();
app.set('view engine', 'ejs');
app.use(express.urlencoded({ extended: false }), require('express-session')({ secret: 's' }), passport.initialize(), passport.session());
app.get('/login', (req, res) => { const messages = req.session.messages || []; req.session.messages = []; res.render('login', { messages }); });
app.post('/login', passport.authenticate('local', { successReturnToOrRedirect: '/', failureRedirect: '/login', failureMessage: true }));
app.post('/join', async (req, res, next) => {
  const hash = await bcrypt.hash(req.body.password, 10);
  db.run('INSERT INTO users (name, hash) VALUES (?, ?)', [req.body.name, hash], function (err) {
    if (err) return next(err);
    req.login({ id: this.lastID, name: req.body.name }, (problem) => (problem ? next(problem) : res.redirect('/')));
  });
});
app.get('/', ensureLoggedIn('/login'), (req, res, next) => {
  db.all('SELECT text FROM notes WHERE owner = ? ORDER BY id', [req.user.id], (err, notes) => (err ? next(err) : res.render('home', { user: req.user, notes })));
});
app.post('/', ensureLoggedIn('/login'), (req, res, next) => db.run('INSERT INTO notes (owner, text) VALUES (?, ?)', [req.user.id, req.body.text], (err) => (err ? next(err) : res.redirect('/'))));
app.post('/logout', (req, res, next) => req.logout((err) => (err ? next(err) : res.redirect('/login'))));
app.listen(3000);`,
    'views/login.ejs': '<% messages.forEach((message) => { %><p><%= message %></p><% }) %><h1>Log in</h1>',
    'views/home.ejs': '<h1>Hello <%= user.name %></h1><% if (notes.length === 0) { %><p>No notes</p><% } %><% for (const note of notes) { %><li><%= note.text %></li><% } %>',
  };
  const login = ['<h1> 1', '  "Log in"'];

  it('sends strangers to the log-in', () => expect(seen(new Browser(repoOf(files)).get('/'))).toEqual(['/login', ...login]));
  it('knows everything of a user that this browser has made', () => {
    const browser = new Browser(repoOf(files));
    expect(seen(browser.post('/join', { name: 'zq1unique', password: 'secret-1' }))).toEqual(['/', '<h1> 1', '  "Hello zq1unique"', '<p> 1', '  "No notes"']);
    expect(seen(browser.post('/', { text: 'zq2unique' }))).toEqual(['/', '<h1> 1', '  "Hello zq1unique"', '<li> 1', '  "zq2unique"']);
    expect(seen(browser.post('/logout', {}))).toEqual(['/login', ...login]);
    expect(seen(browser.post('/login', { name: 'zq1unique', password: 'secret-2' }))).toEqual(['/login', '<p> 1', '  "Wrong password."', ...login]);
    expect(seen(browser.post('/login', { name: 'zq1unique', password: 'secret-1' }))).toEqual(['/', '<h1> 1', '  "Hello zq1unique"', '<li> 1', '  "zq2unique"']);
  });
  it('knows who is not there only by a new name, and that a name may be taken', () => {
    const browser = new Browser(repoOf(files));
    expect(seen(browser.post('/login', { name: 'zq9unique', password: 'x' }))).toEqual(['/login', '<p> 1', '  "Nobody has that name."', ...login]);
    expect(browser.post('/login', { name: 'somebody', password: 'x' })).toMatchObject({ ok: false, hints: [{ typed: 'somebody', wanted: 'root' }] });
    expect(seen(browser.post('/join', { name: 'somebody', password: 'x' }))).toEqual(['unknown-outcome: whether users has that name already']);
  });
  it('hints at the password of a user that the program makes, whose notes are everybody’s', () => {
    const browser = new Browser(repoOf(files));
    expect(browser.post('/login', { name: 'root', password: 'guess' })).toMatchObject({ ok: true, hints: [{ typed: 'guess', wanted: 'toor' }] });
    expect(seen(browser.post('/login', { name: 'root', password: 'toor' }))).toEqual(['/', '<h1> 1', '  "Hello root"', '[unsure]', '  <p> 1', '    "No notes"', '[unsure]', '  [repeated]', '    <li> 1', '      {}']);
  });
});

describe('documents (mongoose)', () => {
  const files = {
    'package.json': manifest({ ejs: '3', mongoose: '8' }),
    'app.js': `
const express = require('express'), mongoose = require('mongoose');
const Book = mongoose.model('Book', new mongoose.Schema({ title: { type: String, required: true, unique: true, trim: true }, read: { type: Boolean, default: false } }));
mongoose.connect(process.env.MONGO).then(() => console.log('connected'));
const app = express();
app.set('view engine', 'ejs');
app.use(express.urlencoded({ extended: true }));
app.get('/books', async (req, res) => { const books = await Book.find().sort({ title: 1 }); res.render('books', { books, error: null }); });
app.post('/books', async (req, res) => {
  try {
    if (await Book.findOne({ title: req.body.title })) return res.render('books', { books: [], error: 'Known already' });
    const book = new Book({ title: req.body.title, other: 1 });
    await book.save();
    res.redirect('/books/' + book._id);
  } catch (error) { res.render('books', { books: [], error: error.message }); }
});
app.get('/books/:id', async (req, res) => { const book = await Book.findById(req.params.id); res.send('<h1>' + book.title + '</h1>'); });
app.listen(3000);`,
    'views/books.ejs': '<% if (error) { %><p><%= error %></p><% } %><% books.forEach((book) => { %><li><%= book.title %> <%= book.read %></li><% }) %>',
  };
  const others = ['[unsure]', '  [repeated]', '    <li> 1', '      {}', '      {}'];
  it('knows its own documents, and that there may be others', () => {
    const browser = new Browser(repoOf(files));
    expect(seen(browser.get('/books'))).toEqual(['/books', ...others]);
    expect(seen(browser.post('/books', { title: '' }))).toEqual(['unknown-outcome: the answer depends on the table book']);
    expect(seen(browser.post('/books', { title: ' zq1unique ' }))).toEqual(['dynamic-link: the address holds a generated value']);
    expect(browser.get('/books')).toMatchObject({ ok: true, page: { needs: [{ kind: 'database', detail: 'mongoose' }] } });
  });
});
