import { spelled } from '../interpret/spelled.js';
import { truth } from '../interpret/convert.js';
import { Arr, Fn, isObject, type Obj, Undecided, Unknown, type Value } from '../interpret/values.js';
import type { Machine } from '../interpret/machine.js';
import type { Place } from '../markup.js';
import { type Block, type Expression, type Hash, type Mustache, parsedHandlebars, type Partial, type Path, type Program, type Statement } from './handlebars-syntax.js';
import { eachEntry } from './loops.js';
import type { Piece } from './output.js';
import { attemptValue, printed, Rendered, type Rendering } from './rendering.js';
import { Writer } from './writer.js';

/** What a Handlebars environment knows besides the template: helpers by name (functions of the program, or unknown ones), partials as repository paths. */
export interface HandlebarsEnvironment {
  helper(name: string): Value;
  partial(name: string): string | undefined;
}

/** Renders a template. `context`: what it is given; `data`: what it finds under `@`. */
export function renderHandlebars(path: string, context: Value, data: Obj, environment: HandlebarsEnvironment, rendering: Rendering): Piece[] {
  const writer = new Writer(rendering.machine);
  new Renderer(path, environment, rendering, writer).program(parsedHandlebars(rendering.repo, path), { context, parent: null, data, names: new Map(), root: context, partialBlock: undefined });
  return writer.pieces();
}

interface Level {
  context: Value;
  parent: Level | null;
  /** `@index`, `@key` and their kin. */
  data: Obj;
  /** Block parameters: `as |item index|`. */
  names: ReadonlyMap<string, Value>;
  root: Value;
  partialBlock: (() => Piece[]) | undefined;
}

type Callable = Pick<Mustache, 'path' | 'params' | 'hash' | 'loc'>;

class Renderer {
  readonly #machine: Machine;
  constructor(private readonly file: string, private readonly environment: HandlebarsEnvironment, private readonly rendering: Rendering, private readonly writer: Writer) {
    this.#machine = rendering.machine;
  }

  program(program: Program | undefined, level: Level): void {
    for (const statement of program?.body ?? []) this.#statement(statement, level);
  }

  #statement(node: Statement, level: Level): void {
    const at = this.#place(node);
    switch (node.type) {
      case 'ContentStatement': {
        // White space control may have cut lines off the beginning.
        const cut = node.original.indexOf(node.value);
        const line = at.line + node.original.slice(0, Math.max(cut, 0)).split('\n').length - 1;
        if (node.value !== '') this.writer.write({ kind: 'html', text: node.value, at: { file: this.file, line }, advances: true });
        return;
      }
      case 'MustacheStatement': {
        const value = attemptValue(this.#machine, () => this.#invoke(node, level, undefined), at);
        this.writer.write(...printed(this.#machine, value, !node.escaped || value instanceof Rendered, at));
        return;
      }
      case 'BlockStatement': this.#block(node, level); return;
      case 'PartialStatement': case 'PartialBlockStatement': this.#partial(node, level); return;
      case 'CommentStatement': return;
      default: throw new Undecided(`Handlebars syntax that is not followed (${node.type})`, at);
    }
  }

  // ── Expressions ────────────────────────────────────────────────────────────────────────────────────────────────

  #expression(node: Expression, level: Level): Value {
    switch (node.type) {
      case 'StringLiteral': case 'NumberLiteral': case 'BooleanLiteral': return node.value;
      case 'UndefinedLiteral': return undefined;
      case 'NullLiteral': return null;
      case 'SubExpression': return this.#invoke(node, level, undefined);
      default: return this.#path(node, level);
    }
  }

  #path(path: Path, level: Level): Value {
    const at = this.#place(path);
    const parts = path.parts.map(String);
    if (path.data) {
      const [name = '', ...rest] = parts;
      let from: Level | null = level;
      for (let depth = path.depth; depth > 0; depth--) from = from?.parent ?? null;
      return this.#walk(name === 'root' ? level.root : this.#machine.get((from ?? level).data, name, at), rest, at);
    }
    let from: Level | null = level;
    for (let depth = path.depth; depth > 0 && from; depth--) from = from.parent;
    if (!from) return undefined;
    const [first] = parts;
    if (first !== undefined && path.depth === 0 && !/^(this\b|\.\/)/.test(path.original)) {
      for (let holder: Level | null = level; holder; holder = holder.parent) {
        if (holder.names.has(first)) return this.#walk(holder.names.get(first), parts.slice(1), at);
      }
    }
    return this.#walk(from.context, parts, at);
  }

  /** A missing property along the way is undefined, not an error. */
  #walk(value: Value, parts: readonly string[], at: Place): Value {
    for (const part of parts) {
      if (value === undefined || value === null) return undefined;
      value = this.#machine.get(value, part, at);
    }
    return value instanceof Fn ? this.#machine.call(value, [], undefined, at) : value;
  }

  /** A mustache, a sub-expression, or the head of a block that is no built-in: a helper's result, or the value at the path. */
  #invoke(node: Callable, level: Level, block: Block | undefined): Value {
    const { path } = node;
        if (path.type !== 'PathExpression') return this.#expression(path, level);
    const { original, parts, depth, data } = path;
    const at = this.#place(node);
    const simple = parts.length === 1 && depth === 0 && !data && !original.startsWith('this') && !original.startsWith('./');
    const helper = simple ? this.environment.helper(original) : undefined;
    if (helper === undefined) {
      if (simple && original === 'lookup' && node.params.length === 2) return this.#lookup(node, level, at);
      if (simple && original === 'log') return undefined;
      if (node.params.length > 0 || (node.hash?.pairs.length ?? 0) > 0) return this.#machine.throwError('Error', `Missing helper: "${original}"`, at);
      return this.#path(path, level);
    }
    return this.#machine.call(helper, [...node.params.map((param) => this.#expression(param, level)), this.#options(node, level, block)], level.context, at);
  }

  #lookup(node: Callable, level: Level, at: Place): Value {
    const [target, key] = node.params.map((param) => this.#expression(param, level));
    if (target === undefined || target === null) return undefined;
    if (key instanceof Unknown) return key;
    return this.#machine.get(target, spelled(key), at);
  }

  /** The last argument of every helper. `fn` and `inverse` render the block. */
  #options(node: Callable, level: Level, block: Block | undefined): Obj {
    const machine = this.#machine;
    const options = machine.object({ name: node.path.type === 'PathExpression' ? node.path.original : '', hash: this.#hash(node.hash, level), data: level.data });
    const renders = (program: Program | undefined) => machine.fn('fn', ([context, given]) => {
      const writer = new Writer(machine);
      const data = isObject(given) ? machine.get(given, 'data') : undefined;
      const params = isObject(given) ? machine.get(given, 'blockParams') : undefined;
      const names = new Map(program?.blockParams?.map((name, index) => [name, params instanceof Arr ? params.items[index] : undefined]));
      new Renderer(this.file, this.environment, this.rendering, writer).program(program, { ...level, context, parent: level, data: isObject(data) ? data : level.data, names });
      return new Rendered(machine, writer.pieces());
    });
    options.put('fn', renders(block?.program)).put('inverse', renders(block?.inverse));
    return options;
  }

  #hash(hash: Hash | undefined, level: Level): Obj {
    const result = this.#machine.object();
    for (const pair of hash?.pairs ?? []) result.put(pair.key, this.#expression(pair.value, level));
    return result;
  }

  // ── Blocks ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #block(node: Block, level: Level): void {
    const at = this.#place(node);
    const name = node.path.original;
    const argument = (): Value => attemptValue(this.#machine, () => (node.params[0] ? this.#expression(node.params[0], level) : undefined), at);
    if (this.environment.helper(name) === undefined) {
      switch (name) {
        case 'if': this.#either(this.#holds(argument(), node, level), node, level, at); return;
        case 'unless': this.#either(this.#holds(argument(), node, level), { ...node, program: node.inverse, inverse: node.program }, level, at); return;
        case 'with': {
          const context = argument();
          this.#either(truthy(context), node, level, at, { ...level, context, parent: level, names: this.#names(node, [context]) });
          return;
        }
        case 'each': this.#each(argument(), node, level, at); return;
        default: if (node.params.length > 0) this.#machine.throwError('Error', `Missing helper: "${name}"`, at);
      }
      const value = attemptValue(this.#machine, () => this.#path(node.path, level), at);
      if (value instanceof Arr) this.#each(value, node, level, at);
      else this.#either(value === false || value === undefined || value === null ? false : value instanceof Unknown ? value : true, node, level, at, value === true ? level : { ...level, context: value, parent: level, names: new Map() });
      return;
    }
    const value = attemptValue(this.#machine, () => this.#invoke(node, level, node), at);
    this.writer.write(...printed(this.#machine, value, true, at));
  }

  #holds(value: Value, node: Block, level: Level): boolean | Unknown {
    const includeZero = this.#machine.get(this.#hash(node.hash, level), 'includeZero');
    return value === 0 && includeZero === true ? true : truthy(value);
  }

  #either(condition: boolean | Unknown, node: Pick<Block, 'program' | 'inverse'>, level: Level, at: Place, inner: Level = level): void {
    if (condition instanceof Unknown) this.#machine.fork(condition, [() => this.program(node.program, inner), () => this.program(node.inverse, level)]);
    else {
      this.#machine.branch(at);
      this.program(condition ? node.program : node.inverse, condition ? inner : level);
    }
  }

  #each(list: Value, node: Block, level: Level, at: Place): void {
    const machine = this.#machine;
    const round = (item: Value, key: Value, index: Value, first: Value, last: Value): void => {
      const data = machine.object();
      for (const name of level.data.keys()) data.put(name, machine.get(level.data, name));
      data.put('key', key).put('index', index).put('first', first).put('last', last);
      this.program(node.program, { ...level, context: item, parent: level, data, names: this.#names(node, [item, key]) });
    };
    machine.branch(at);
    eachEntry(machine, list, (item, key, index, count) => {
      const unsure = Number.isNaN(index) ? key : undefined;
      round(item, key, unsure ?? index, unsure ?? index === 0, unsure ?? index === count - 1);
    }, () => this.program(node.inverse, level));
  }

  #names(node: Block, values: readonly Value[]): Map<string, Value> {
    return new Map(node.program?.blockParams?.map((name, index) => [name, values[index]]));
  }

  // ── Partials ───────────────────────────────────────────────────────────────────────────────────────────────────

  #partial(node: Partial, level: Level): void {
    const at = this.#place(node);
    const machine = this.#machine;
    const name = node.name.type === 'PathExpression' ? node.name.original : this.#expression(node.name, level);
    if (name instanceof Unknown) { this.writer.write({ kind: 'value', words: { undecided: `the partial: ${name.reason}` }, raw: true, at }); return; }
    if (name === '@partial-block') { this.writer.write(...level.partialBlock?.() ?? []); return; }
    const path = this.environment.partial(spelled(name));
    if (path === undefined && !node.program) machine.throwError('Error', `The partial ${spelled(name)} could not be found`, at);
    const block = node.program ? (): Piece[] => {
      const writer = new Writer(machine);
      new Renderer(this.file, this.environment, this.rendering, writer).program(node.program, level);
      return writer.pieces();
    } : undefined;
    if (path === undefined) { this.writer.write(...block?.() ?? []); return; }
    const given = node.params[0] ? this.#expression(node.params[0], level) : level.context;
    if (++machine.depth > 100) throw new Undecided('partials include each other without end', at, true);
    new Renderer(path, this.environment, this.rendering, this.writer).program(parsedHandlebars(this.rendering.repo, path), { ...level, context: this.#extended(given, node.hash, level), parent: null, names: new Map(), partialBlock: block });
    machine.depth--;
  }

  /** The context of a partial: what it is given, with the hash on top. */
  #extended(given: Value, hash: Hash | undefined, level: Level): Value {
    if (!hash || hash.pairs.length === 0) return given;
    const context = this.#machine.object();
    if (given instanceof Unknown) context.missing = given;
    else if (isObject(given)) {
      context.missing = given.missing;
      for (const key of given.keys()) context.put(key, this.#machine.get(given, key));
    }
    for (const pair of hash.pairs) context.put(pair.key, this.#expression(pair.value, level));
    return context;
  }

  #place(node: Callable | Statement | Expression): Place { return { file: this.file, line: node.loc.start.line }; }
}

/** As Handlebars sees it: the empty list is false. */
function truthy(value: Value): boolean | Unknown {
  return value instanceof Arr ? value.items.length > 0 : truth(value);
}
