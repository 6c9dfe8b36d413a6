import type { Machine } from './machine.js';
import { repoOf } from './repo-fixture.js';
import { startMachine } from './start.js';
import { Choice, Undecided, Unknown, type Value } from './values.js';

const machineOf = (files: Record<string, string>): Machine => startMachine({ repo: repoOf(files), root: '', models: new Map(), host: 'browser', fuel: 300_000 });
/** The default export of a module, as host data. */
const result = (source: string, file = 'main.ts'): unknown => { const machine = machineOf({ [file]: source }); return machine.toHost(machine.get(machine.load(file), 'default')); };
const raw = (source: string): Value => { const machine = machineOf({ 'main.ts': source }); return machine.get(machine.load('main.ts'), 'default'); };

describe('the language', () => {
  it.each([
    ['closures and loops with variables of their own', 'const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i * 2); export default fs.map((f) => f());', [0, 2, 4]],
    ['destructuring with defaults and rest', 'const { a, b: { c = 5 } = {}, ...rest } = { a: 1, d: 2, e: 3 }; const [x, , ...ys] = [1, 2, 3, 4]; export default [a, c, rest, x, ys];', [1, 5, { d: 2, e: 3 }, 1, [3, 4]]],
    ['classes with fields, getters, privates, statics and super', `
      class A { static made = 0; #n = 1; label = 'a'; constructor(public x: number) { A.made++; } get n() { return this.#n; } grow() { this.#n += this.x; return this; } }
      class B extends A { extra = this.label + 'b'; constructor() { super(4); } grow() { super.grow(); return super.grow(); } }
      const b = new B(); b.grow(); export default [b.n, b.extra, A.made, b instanceof A, b.x];`, [9, 'ab', 1, true, 4]],
    ['optional chaining', 'const o: any = { a: { b: () => 7 } }; export default [o?.a?.b?.(), o.x?.y.z(), o.x?.[0], o.a.c?.()];', [7, undefined, undefined, undefined]],
    ['templates, spread and object literals', 'const k = "key"; const o = { [k]: 1, get g() { return this.key + 1; }, m() { return "m"; } }; export default [`${o.key}-${o.g}-${o.m()}`, { ...o }, [..."ab", ...[1]]];', ['1-2-m', { key: 1, g: 2 }, ['a', 'b', 1]].map((v, i) => (i === 1 ? { key: 1, g: 2, m: undefined } : v))],
    ['exceptions', 'function f() { try { throw new TypeError("no"); } catch (e) { return e.message + (e instanceof Error); } finally { g = 1; } } let g = 0; export default [f(), g];', ['notrue', 1]],
    ['async functions and promises', 'const log = []; const wait = (n) => new Promise((r) => setTimeout(() => r(n), 10)); async function f() { log.push(await wait(1)); const [a, b] = await Promise.all([wait(2), 3]); log.push(a + b); } f(); export default log;', [1, 5]],
    ['generators', 'function* g() { yield 1; yield* [2, 3]; } export default [...g()];', [1, 2, 3]],
    ['enums and namespaces', 'enum E { A, B = "b", C = 4, D } export default [E.A, E.B, E.D, E[4]];', [0, 'b', 5, 'C']],
    ['switch, labels, var hoisting', 'function f(x) { switch (x) { case 1: var y = "one"; break; case 2: return "two"; default: y = "many"; } return y; } let n = 0; outer: for (const a of [1, 2]) for (const b of [1, 2]) { if (b === 2) continue outer; n += a; } export default [f(1), f(2), f(3), n];', ['one', 'two', 'many', 3]],
    ['collections and arrays', 'const m = new Map([["a", 1]]); m.set("b", 2); export default [[...m.keys()], m.size, new Set([1, 1, 2]).size, [3, 1, 2].sort(), [1, [2, [3]]].flat(Infinity), [1, 2, 3].reduce((a, b) => a + b), Object.entries({ x: 1 }), Array.from({ length: 2 }, (_, i) => i)];', [['a', 'b'], 2, 2, [1, 2, 3], [1, 2, 3], 6, [['x', 1]], [0, 1]]],
    ['texts and regular expressions', 'export default ["A b C".replace(/\\s+/g, "-").toLowerCase(), /^[^\\s@]+@[^\\s@]+\\.[a-z]+$/.test("a@b.co"), "a,b".split(","), "x".padStart(3, "0"), (9.5).toFixed(2)];', ['a-b-c', true, ['a', 'b'], '00x', '9.50']],
    ['JSON', 'export default JSON.parse(JSON.stringify({ a: [1, { b: null }], c: undefined }));', { a: [1, { b: null }] }],
  ])('%s', (_name, source, expected) => { expect(result(source)).toEqual(expected); });

  it('resolves modules, aliases, JSON and CommonJS, with live bindings', () => {
    const machine = machineOf({
      'tsconfig.json': '{ "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["src/*"] } } } // why not',
      'main.ts': 'import * as counter from "@/counter"; import data from "./data.json"; import old, { twice } from "./old"; import "./style.css"; counter.up(); export default [counter.count, data.x, twice(2), old.twice(3)];',
      'src/counter/index.ts': 'export let count = 0; export function up() { count++; }',
      'data.json': '{ "x": 5, "__proto__": 1 }', 'style.css': 'a {}',
      'old.js': 'const two = require("./two"); module.exports = { twice: (n) => n * two };', 'two.js': 'module.exports = 2;',
    });
    expect(machine.toHost(machine.get(machine.load('main.ts'), 'default'))).toEqual([1, 5, 4, 6]);
    expect(machine.styles).toEqual(['style.css']);
  });
});

describe('what the source does not decide', () => {
  it.each(['Math.random()', 'Date.now()', 'window.innerWidth', 'process.env.KEY', 'await fetch("/x")', '`at ${new Date()}`'])('%s is unknown', (expression) => { expect(raw(`export default ${expression};`)).toBeInstanceOf(Unknown); });

  it('becomes a choice where a branch changes variables, and the other side stays possible', () => {
    const value = raw('let label = "a"; if (Math.random() > 0.5) label = "b"; export default label;');
    expect(value).toBeInstanceOf(Choice);
    expect((value as Choice).options).toEqual(['b', 'a']);
  });
  it('calls a method on each of several lists', () => { expect((raw('const list = Math.random() ? [1] : ["a", "b"]; export default list.map((x) => x + "!").join();') as Choice).options).toEqual(['1!', 'a!,b!']); });
  it('does not spoil what both sides agree on', () => { expect(raw('let x; if (Math.random()) x = 1; else x = 1; export default x;')).toBe(1); });
  it('gives the choice of what a function may return', () => { expect((raw('function f() { if (Math.random() > 0.5) return "early"; return "late"; } export default f();') as Choice).options).toEqual(['early', 'late']); });
  it('ends in Undecided when an effect depends on it', () => {
    const machine = machineOf({ 'main.ts': 'export function save() { if (Math.random() > 0.5) localStorage.setItem("a", "1"); }' });
    const save = machine.get(machine.load('main.ts'), 'save');
    const ended = machine.attempt(() => machine.during('event', () => machine.call(save, [])));
    expect(ended.ok).toBe(false);
    expect(ended.ok ? null : ended.undecided).toBeInstanceOf(Undecided);
    expect(machine.storage.local.size).toBe(0);
  });
});

describe('hostile programs', () => {
  it.each([
    ['an endless loop', 'for (;;) {}'], ['endless recursion', 'function f() { f(); } f();'], ['a huge text', 'let s = "x"; for (let i = 0; i < 40; i++) s += s;'], ['a huge array', 'const a = []; a.length = 4e9;'],
  ])('%s ends at a limit', (_name, source) => {
    const machine = machineOf({ 'main.ts': source });
    const ended = machine.attempt(() => machine.load('main.ts'));
    expect(ended.ok ? null : ended.undecided?.limit).toBe(true);
  });
  it('cannot reach the host', () => {
    expect(result('const o: any = JSON.parse(\'{"__proto__": {"polluted": 1}}\'); export default [({} as any).polluted, o.constructor === Object, typeof (o.constructor as any).constructor];')).toEqual([undefined, true, 'function']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(raw('export default Function("return process")();')).toBeInstanceOf(Unknown);
  });
  it('does not run expressions that backtrack for long', () => { expect(raw(`export default /^(a+)+$/.test("${'a'.repeat(40)}!");`)).toBeInstanceOf(Unknown); });
});

describe('hints', () => {
  it('tell what a typed string was compared with', () => {
    const machine = machineOf({ 'main.ts': 'const users = { admin: "s3cret" }; export const login = (u: string, p: string) => ["root"].includes(u) || (p !== "open sesame" && users[u] === p);' });
    machine.typed.add('tester').add('word');
    machine.call(machine.get(machine.load('main.ts'), 'login'), ['tester', 'word']);
    expect(machine.hints.map(({ typed, wanted }) => `${typed}→${wanted}`)).toEqual(['tester→root', 'word→open sesame', 'tester→admin']);
  });
});
