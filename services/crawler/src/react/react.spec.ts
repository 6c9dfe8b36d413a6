import { click, fire, find, open, single, words } from './app-fixture.js';

describe('rendering', () => {
  it('finds entry, title, styles and attributes', () => {
    const app = single('import "./app.css"; export default function App() { return <main className="page" style={{ display: "none", marginTop: 4 }}><label htmlFor="q">Find</label><input id="q" defaultValue="x" disabled tabIndex={2} aria-hidden={false} /></main>; }', { 'src/app.css': '' });
    const page = open(app);
    expect(app.entryPoints).toEqual(['src/main.tsx']);
    expect(page.title).toBe('Shop');
    expect(page.styles).toEqual([{ path: 'public/site.css' }, { path: 'src/app.css' }]);
    expect(Object.fromEntries(find(page, 'main').attributes)).toEqual({ class: 'page', style: 'display: none; margin-top: 4px' });
    expect(find(page, 'label').attributes.get('for')).toBe('q');
    expect(Object.fromEntries(find(page, 'input').attributes)).toEqual({ id: 'q', value: 'x', disabled: true, tabindex: '2', 'aria-hidden': 'false' });
    expect(find(page, 'input').at).toEqual({ file: 'src/App.tsx', line: 1 });
  });

  it('shows what is not decided as such', () => {
    const page = open(single(`
      import { useEffect, useState } from "react"; import { Fancy } from "some-kit";
      export default function App() {
        const [items, setItems] = useState<string[] | null>(null);
        useEffect(() => { fetch("/api/items").then((r) => r.json()).then(setItems); }, []);
        return <main><h1>List</h1>{items ? <ul>{items.map((item) => <li key={item}>{item}!</li>)}</ul> : <p>Loading</p>}<Fancy><b>inside</b></Fancy>{Math.random() > 0.5 && <i>lucky</i>}</main>;
      }`));
    expect(words(page.markup)).toBe('List?(Loading*(…!))[inside]?(lucky)'.replace('Loading*(…!)', '*(…!)Loading'));
    expect(page.needs).toMatchObject([{ kind: 'api', detail: '/api/items' }]);
  });

  it('renders class components, context, memo, refs, portals, lazy ones and error boundaries', () => {
    const page = open(single(`
      import React, { Component, createContext, useContext, memo, forwardRef, lazy, Suspense, cloneElement, Children } from "react"; import { createPortal } from "react-dom";
      const Theme = createContext("light");
      const Show = memo(function Show({ label = "theme" }: { label?: string }) { return <p>{label}: {useContext(Theme)}</p>; });
      class Counter extends Component<{ start: number }, { n: number }> { static defaultProps = { start: 2 }; state = { n: this.props.start }; componentDidMount() { this.setState((s) => ({ n: s.n + 1 })); } render() { return <p>n={this.state.n}</p>; } }
      class Boundary extends Component<any, any> { state = { failed: false }; static getDerivedStateFromError() { return { failed: true }; } render() { return this.state.failed ? <p>failed</p> : this.props.children; } }
      const Broken = (): any => { throw new Error("no"); };
      const Field = forwardRef<HTMLInputElement, any>((props, ref) => <input ref={ref} {...props} />);
      const Late = lazy(() => import("./Late"));
      export default function App() { return <Theme.Provider value="dark"><Show /><Counter /><Boundary><Broken /></Boundary><Field placeholder="f" /><Suspense fallback="…"><Late /></Suspense>{createPortal(<p>portal</p>, document.body)}{Children.map([<b>1</b>], (child) => cloneElement(child, { title: "t" }))}</Theme.Provider>; }`,
    { 'src/Late.tsx': 'export default () => <p>late</p>;' }));
    expect(words(page.markup)).toBe('theme: darkn=3failedlateportal1');
    expect(find(page, 'input').attributes.get('placeholder')).toBe('f');
    expect(find(page, 'b').attributes.get('title')).toBe('t');
  });

  it('keeps the page when one component cannot be followed', () => {
    const page = open(single('const Odd = () => { while (Math.random() > 0.5) {} return <p>odd</p>; }; export default () => <main><h1>Fine</h1><Odd /></main>;'));
    expect(words(page.markup)).toBe('Fine[]');
  });
  it('takes both ways of an early return', () => {
    const page = open(single('const User = () => { const user = window.innerWidth; if (user > 600) return <p>wide</p>; return <p>narrow</p>; }; export default () => <main><User /></main>;'));
    expect(words(page.markup)).toBe('?(widenarrow)');
  });
});

describe('events', () => {
  const todo = single(`
    import { useState, useReducer, useRef, type FormEvent } from "react";
    export default function App() {
      const [items, dispatch] = useReducer((list: string[], a: { add: string }) => [...list, a.add], ["milk"]);
      const [text, setText] = useState(""); const [error, setError] = useState(""); const note = useRef<HTMLInputElement>(null);
      const add = (e: FormEvent) => { e.preventDefault(); if (!text.trim()) { setError("Say something"); return; } setError(""); dispatch({ add: text }); setText(""); };
      return <form onSubmit={add}><input value={text} onChange={(e) => setText(e.target.value)} /><button>Add</button>{error && <p role="alert">{error}</p>}<ul>{items.map((i) => <li key={i}>{i}</li>)}</ul></form>;
    }`);
  it('run handlers, state and effects, each page a value of its own', () => {
    const start = open(todo);
    const refused = fire(todo, start, find(start, 'form'), { type: 'submit', fields: [] });
    expect(words(refused.markup)).toBe('AddSay somethingmilk');
    const typed = fire(todo, refused, find(refused, 'input'), { type: 'change', value: 'eggs' });
    expect(find(typed, 'input').attributes.get('value')).toBe('eggs');
    const added = fire(todo, typed, find(typed, 'form'), { type: 'submit', fields: [] });
    expect(words(added.markup)).toBe('Addmilkeggs');
    // The pages of before are as they were, and can be used again.
    expect(words(start.markup)).toBe('Addmilk');
    const other = fire(todo, start, find(start, 'input'), { type: 'change', value: 'tea' });
    expect(words(fire(todo, other, find(other, 'form'), { type: 'submit', fields: [] }).markup)).toBe('Addmilktea');
  });
  it('say what was prevented and which lines decided', () => {
    const page = open(todo);
    const outcome = todo.dispatch?.(page, find(page, 'form'), { type: 'submit', fields: [] });
    expect(outcome).toMatchObject({ ok: true, defaultPrevented: true, because: [{ file: 'src/App.tsx', line: 6 }] });
  });
  it('bubble, and stop where told', () => {
    const app = single('import { useState } from "react"; export default () => { const [log, set] = useState(""); const add = (s: string) => set((l) => l + s); return <div onClick={() => add("outer ")}><button onClick={() => add("a ")}>A</button><button onClick={(e) => { e.stopPropagation(); add("b "); }}>B</button><p>{log}</p></div>; };');
    const page = click(app, open(app), 'button', 'A');
    expect(words([find(page, 'p')])).toBe('a outer');
    expect(words([find(click(app, page, 'button', 'B'), 'p')])).toBe('a outer b');
  });
  it('leave out what depends on the unknown', () => {
    const app = single('import { useState } from "react"; export default () => { const [on, set] = useState(false); return <><button onClick={async () => { const r = await fetch("/x"); if (r.ok) location.href = "/done"; }}>Go</button><button onClick={async () => { await fetch("/y"); set(true); }}>Save</button>{on && <p>Saved</p>}</>; };');
    const page = open(app);
    expect(app.dispatch?.(page, find(page, 'button', 'Go'), { type: 'click' })).toMatchObject({ ok: false, reason: 'needs-backend' });
    expect(words(click(app, page, 'button', 'Save').markup)).toBe('GoSave?(Saved)');
  });
  it('read uncontrolled fields from the submitted form', () => {
    const app = single('import { useState } from "react"; export default () => { const [name, set] = useState(""); return <form onSubmit={(e) => { e.preventDefault(); const data = new FormData(e.currentTarget); set(`${data.get("first")} ${(e.target as any).last.value}`); }}><input name="first" /><input name="last" /><p>{name}</p></form>; };');
    const page = open(app);
    expect(words([find(fire(app, page, find(page, 'form'), { type: 'submit', fields: [['first', 'Ada'], ['last', 'L']] }), 'p')])).toBe('Ada L');
  });
  it('wait for short timers only', () => {
    const app = single('import { useState } from "react"; export default () => { const [s, set] = useState("idle"); return <><button onClick={() => { set("busy"); setTimeout(() => set("done"), 300); }}>Short</button><button onClick={() => { set("busy"); setTimeout(() => set("done"), 9000); }}>Long</button><p>{s}</p></>; };');
    const page = open(app);
    expect(words([find(click(app, page, 'button', 'Short'), 'p')])).toBe('done');
    expect(words([find(click(app, page, 'button', 'Long'), 'p')])).toBe('…');
  });
});

describe('hints', () => {
  it('lead to valid credentials', () => {
    const app = single('import { useState } from "react"; export default () => { const [u, setU] = useState(""); const [ok, set] = useState(false); return <form onSubmit={(e) => { e.preventDefault(); set(u === "admin"); }}><input value={u} onChange={(e) => setU(e.target.value)} />{ok && <p>Welcome</p>}</form>; };');
    const page = open(app);
    const typed = fire(app, page, find(page, 'input'), { type: 'change', value: 'someone' });
    expect(app.dispatch?.(typed, find(typed, 'form'), { type: 'submit', fields: [] })).toMatchObject({ ok: true, hints: [{ typed: 'someone', wanted: 'admin', at: { file: 'src/App.tsx' } }] });
  });
});

describe('react-router', () => {
  const shop = single(`
    import { BrowserRouter, Routes, Route, Link, NavLink, Outlet, Navigate, useParams, useNavigate, useLocation, useSearchParams } from "react-router-dom";
    const products = [{ id: 1, name: "Lamp" }, { id: 2, name: "Desk" }];
    const Layout = () => <><nav><NavLink to="/" end>Home</NavLink><NavLink to="/products">Products</NavLink></nav><Outlet context="c" /></>;
    const List = () => { const [q, setQ] = useSearchParams(); return <><h1>Products</h1><button onClick={() => setQ({ q: "de" })}>Filter</button>{products.filter((p) => p.name.toLowerCase().includes(q.get("q") ?? "")).map((p) => <Link key={p.id} to={String(p.id)}>{p.name}</Link>)}</>; };
    const One = () => { const { id } = useParams(); const p = products.find((x) => x.id === Number(id)); const go = useNavigate(); return p ? <><h1>{p.name}</h1><button onClick={() => go(-1)}>Back</button></> : <h1>Unknown product</h1>; };
    const Private = ({ children }: any) => { const at = useLocation(); return localStorage.getItem("user") ? children : <Navigate to="/login" state={{ from: at.pathname }} replace />; };
    const Login = () => { const go = useNavigate(); const { state } = useLocation(); return <button onClick={() => { localStorage.setItem("user", "me"); go(state?.from ?? "/"); }}>Sign in</button>; };
    export default () => <BrowserRouter><Routes><Route path="/" element={<Layout />}><Route index element={<h1>Home</h1>} /><Route path="products"><Route index element={<List />} /><Route path=":id" element={<One />} /></Route><Route path="account" element={<Private><h1>Account</h1></Private>} /><Route path="*" element={<h1>Not found</h1>} /></Route><Route path="/login" element={<Login />} /></Routes></BrowserRouter>;`);
  it('lists routes with their places', () => { expect(shop.routes.map(({ pattern, paths }) => `${pattern} ${paths.join()}`).sort()).toEqual(['/ /', '/* ', '/account /account', '/login /login', '/products /products', '/products/:id ']); });
  it.each([['/', 'HomeProductsHome', '/'], ['/products', 'HomeProductsProductsFilterLampDesk', '/products'], ['/products/2', 'HomeProductsDeskBack', '/products/:id'], ['/products/9', 'HomeProductsUnknown product', '/products/:id'], ['/nowhere', 'HomeProductsNot found', '/*']])('%s', (path, text, route) => {
    const page = open(shop, path);
    expect([words(page.markup), page.route, page.path]).toEqual([text, route, path]);
  });
  it('follows links, the history and the query', () => {
    const list = click(shop, open(shop), 'a', 'Products');
    expect(list.path).toBe('/products');
    expect(find(list, 'a', 'Products').attributes.get('aria-current')).toBe('page');
    expect(find(list, 'a', 'Lamp').attributes.get('href')).toBe('/products/1');
    const lamp = click(shop, list, 'a', 'Lamp');
    expect([lamp.path, words([find(lamp, 'h1')])]).toEqual(['/products/1', 'Lamp']);
    expect(click(shop, lamp, 'button', 'Back').path).toBe('/products');
    const filtered = click(shop, list, 'button', 'Filter');
    expect([filtered.path, words(filtered.markup)]).toEqual(['/products?q=de', 'HomeProductsProductsFilterDesk']);
  });
  it('redirects, comes back after signing in, and keeps storage for later visits', () => {
    const login = open(shop, '/account');
    expect(login.path).toBe('/login');
    const account = click(shop, login, 'button', 'Sign in');
    expect([account.path, words([find(account, 'h1')])]).toEqual(['/account', 'Account']);
    expect(open(shop, '/account', account.session).path).toBe('/account');
    expect(open(shop, '/account').path).toBe('/login');
  });
  it.each([['6.30.0', '/'], ['8.5.1', '/login']])('renders state that was set in the event of a navigation with it, and since version 7 before it (%s)', (version, path) => {
    const app = single(`
      import { useState } from "react"; import { BrowserRouter, Routes, Route, Navigate, useNavigate } from "react-router";
      const Page = () => { const [user, setUser] = useState<string | null>("me"); const go = useNavigate(); return user ? <button onClick={() => { setUser(null); go("/"); }}>Sign out</button> : <Navigate to="/login" replace />; };
      export default () => <BrowserRouter><Routes><Route path="/account" element={<Page />} /><Route path="*" element={<h1>Other</h1>} /></Routes></BrowserRouter>;`,
    { 'package.json': JSON.stringify({ dependencies: { react: '19', 'react-dom': '19', 'react-router': version } }) });
    expect(click(app, open(app, '/account'), 'button', 'Sign out').path).toBe(path);
  });
  it('runs loaders and actions of a data router', () => {
    const app = single(`
      import { createBrowserRouter, RouterProvider, useLoaderData, useActionData, Form, redirect } from "react-router-dom";
      const router = createBrowserRouter([{ path: "/", loader: async () => ({ title: "Loaded" }), action: async ({ request }: any) => { const data = await request.formData(); return data.get("name") ? redirect("/done") : { error: "Name it" }; }, Component: () => { const { title } = useLoaderData() as any; const result = useActionData() as any; return <Form method="post"><h1>{title}</h1><input name="name" />{result?.error && <p>{result.error}</p>}</Form>; } }, { path: "/done", element: <h1>Done</h1> }]);
      export default () => <RouterProvider router={router} />;`);
    const page = open(app);
    expect(words(page.markup)).toBe('Loaded');
    expect(words(fire(app, page, find(page, 'form'), { type: 'submit', fields: [['name', '']] }).markup)).toBe('LoadedName it');
    expect(fire(app, page, find(page, 'form'), { type: 'submit', fields: [['name', 'x']] }).path).toBe('/done');
  });
  it('understands version 5 and hash routers', () => {
    const app = single(`
      import { HashRouter, Switch, Route, Redirect, Link, useHistory, withRouter } from "react-router-dom";
      const Item = withRouter(({ match, history }: any) => <><h1>Item {match.params.id}</h1><button onClick={() => history.push("/list")}>Up</button></>);
      export default () => <HashRouter><Switch><Route exact path="/list"><h1>List</h1><Link to="/item/4">Four</Link></Route><Route path="/item/:id" component={Item} /><Redirect to="/list" /></Switch></HashRouter>;`);
    const list = open(app);
    expect([list.path, words([find(list, 'h1')])]).toEqual(['/#/list', 'List']);
    expect(find(list, 'a').attributes.get('href')).toBe('#/item/4');
    const item = click(app, list, 'a', 'Four');
    expect([item.path, item.route, words([find(item, 'h1')])]).toEqual(['/#/item/4', '/item/:id', 'Item 4']);
    expect(click(app, item, 'button', 'Up').path).toBe('/#/list');
  });
  it('does not guess a redirect that depends on an API', () => {
    const app = single('import { BrowserRouter, Routes, Route, useNavigate } from "react-router-dom"; import { useEffect } from "react"; const Home = () => { const go = useNavigate(); useEffect(() => { fetch("/me").catch(() => go("/login")); }, []); return <h1>Home</h1>; }; export default () => <BrowserRouter><Routes><Route path="/" element={<Home />} /></Routes></BrowserRouter>;');
    expect(app.visit({ method: 'get', path: '/' }, undefined)).toMatchObject({ ok: false, reason: 'needs-backend' });
  });
});
