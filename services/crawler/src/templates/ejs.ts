import { posix } from 'node:path';
import type { Repo } from '../framework.js';
import { Obj, Undecided, Unknown, type Value } from '../interpret/values.js';
import { toText } from '../interpret/convert.js';
import type { Place } from '../markup.js';
import type { Piece } from './output.js';
import { attemptValue, printed, Rendered, type Rendering } from './rendering.js';
import { runScript, ScriptText, type Script } from './script.js';
import { Writer } from './writer.js';

/**
 * EJS. A template is a JavaScript function with text between its statements; it is translated to that function and run in the
 * interpreter. `__write(n)` prints literal n, `__write(n, () => expression)` a value.
 */
export function renderEjs(path: string, locals: Obj, rendering: Rendering): Piece[] {
  const { machine } = rendering;
  const { script, slots } = compiled(rendering.repo, path);
  const writer = new Writer(machine);
  const write = machine.fn('__write', ([index, expression]) => {
    const slot = slots[Number(index)]!;
    if (slot.kind === 'html') writer.write(slot);
    else writer.write(...printed(machine, attemptValue(machine, () => machine.call(expression, [], undefined, slot.at), slot.at), slot.raw, slot.at));
    return undefined;
  });
  const built = { __write: write, include: machine.fn('include', (args, _self, at) => include(args, path, locals, rendering, at)) };
  runScript(script, locals, built, 'error', rendering);
  return writer.pieces();
}

function include(args: Value[], from: string, locals: Obj, rendering: Rendering, at: Place): Value {
  const { machine } = rendering;
  const name = toText(machine, args[0], at);
  if (name instanceof Unknown) return new Unknown(`the included template: ${name.reason}`, at);
  const path = findEjs(name, from, rendering);
  if (path === undefined) return machine.throwError('Error', `Could not find the include file "${name}"`, at);
  machine.depth++;
  if (machine.depth > 100) throw new Undecided('templates include each other without end', at, true);
  const data = machine.object();
  data.missing = locals.missing;
  for (const source of [locals, args[1]]) {
    if (source instanceof Unknown) data.missing = source;
    else if (source instanceof Obj) for (const key of source.keys()) data.put(key, machine.get(source, key, at));
  }
  const result = new Rendered(machine, renderEjs(path, data, rendering));
  machine.depth--;
  return result;
}

/** As EJS resolves: beside the including file, then in the folders of views. */
function findEjs(name: string, from: string, { repo, views }: Rendering): string | undefined {
  const folders = name.startsWith('/') ? views : [posix.dirname(from), ...views];
  for (const folder of folders) {
    const path = posix.join(folder, name);
    for (const candidate of [path, `${path}.ejs`]) if (repo.text(candidate) !== null) return candidate;
  }
  return undefined;
}

type Slot = Extract<Piece, { kind: 'html' }> | { kind: 'print'; raw: boolean; at: Place };
interface Template { script: Script; slots: Slot[] }

const templates = new WeakMap<Repo, Map<string, Template | Undecided>>();

function compiled(repo: Repo, path: string): Template {
  let known = templates.get(repo);
  if (!known) templates.set(repo, known = new Map<string, Template | Undecided>());
  let template = known.get(path);
  if (!template) known.set(path, template = compile(repo.text(path) ?? '', path));
  if (template instanceof Undecided) throw template;
  return template;
}

const TAG = /<%%|%%>|<%[_=\-#]?|[-_]?%>/g;

function compile(text: string, file: string): Template | Undecided {
  const slots: Slot[] = [];
  const code = new ScriptText(file);
  let line = 1;
  const slot = (piece: Slot): number => slots.push(piece) - 1;
  const literal = (part: string): void => {
    if (part !== '') code.add(`;__write(${slot({ kind: 'html', text: part, at: { file, line }, advances: true })});`, { file, line });
    line += breaks(part);
  };
  let open: { kind: string; start: number } | undefined;
  let end = 0;
  let trim = false;
  for (const match of text.matchAll(TAG)) {
    const tag = match[0];
    const closes = tag.endsWith('%>') && tag !== '%%>';
    if (open && closes) {
      const source = text.slice(open.start, match.index);
      statement(open.kind, source);
      line += breaks(source);
      end = match.index + tag.length;
      trim = tag !== '%>';
      open = undefined;
    } else if (!open && !closes) {
      let part = text.slice(end, match.index);
      const cut = trim ? /^[ \t]*\r?\n/.exec(part)?.[0] ?? '' : '';
      line += breaks(cut);
      part = part.slice(cut.length);
      trim = false;
      literal(part);
      end = match.index + tag.length;
      if (tag === '<%%' || tag === '%%>') literal(tag.replace('%%', '%'));
      else open = { kind: tag[2] ?? '', start: end };
    }
  }
  if (open) return new Undecided(`${file} does not close a tag`, { file, line });
  literal(text.slice(end));
  const script = code.script();
  return script instanceof Undecided ? script : { script, slots };

  function statement(kind: string, source: string): void {
    const at = { file, line };
    const legacy = kind === '=' ? null : /^\s*include\s+(\S+)\s*$/.exec(source);
    const print = (raw: boolean, expression: string): void => code.add(`;__write(${slot({ kind: 'print', raw, at })},()=>(${expression}\n));`, at);
    if (kind === '#') return;
    if (legacy) print(true, `include(${JSON.stringify(legacy[1]!.replace(/^['"]|['"]$/g, ''))})`);
    else if (kind === '=' || kind === '-') print(kind === '-', source.replace(/;\s*$/, ''));
    // The line break ends a line comment in the statement.
    else code.add(`${source}\n`, at);
  }
}

const breaks = (text: string): number => text.split('\n').length - 1;
