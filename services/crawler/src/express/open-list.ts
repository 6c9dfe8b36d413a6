import { iterate } from '../interpret/convert.js';
import type { Machine } from '../interpret/machine.js';
import { Choice, type Key, type Native, Obj, type Property, Unknown, type Value } from '../interpret/values.js';
import type { Place } from '../markup.js';

/**
 * A list that others change too (an array to the program; methods that are not here give unknown values), between the requests of this browser: `items` are in it for certain, in this order; others may stand before, between and
 * after them. What every further item would answer is asked of a `stranger`, whose properties equal nothing that is new in this run.
 */
export class OpenList extends Obj {
  constructor(private readonly machine: Machine, private items: Value[], readonly more: Unknown, private readonly strangers: Strangers) {
    super(machine.intrinsic('Array'));
    for (const [name, native] of Object.entries(this.methods())) this.put(name, machine.fn(name, native), false);
    this.put(Symbol.iterator, machine.fn('[Symbol.iterator]', () => this.more), false);
  }

  override own(key: Key): Property | undefined {
    if (key === 'length') return { value: this.size(), enumerable: false, writable: true };
    // Positions are not known: others may stand before.
    if (typeof key === 'string' && /^\d+$/.test(key)) return { value: new Unknown(`an item of ${this.more.reason}`, this.more.at), enumerable: true, writable: true };
    return super.own(key);
  }

  /** At least as many as are known. */
  private size(): Value {
    const least = this.items.length;
    return new Choice(`the length of ${this.more.reason}`, this.more.at, [...Array.from({ length: 12 }, (_, index) => least + index), 1_000_000_007]);
  }

  private open(items: Value[]): OpenList { return new OpenList(this.machine, items, this.more, this.strangers); }

  /** The items of which a condition holds; `unknown` where one is not decided. */
  private matching(test: Value, at: Place): Value[] | Unknown {
    const found: Value[] = [];
    for (const item of this.items) {
      const holds = this.machine.call(test, [item, new Unknown(`a position in ${this.more.reason}`, at)], undefined, at);
      if (holds instanceof Unknown) return holds;
      if (holds) found.push(item);
    }
    return found;
  }

  /** The first item of which the condition holds, when no other can come before it. */
  private first(test: Value, at: Place): { item: Value } | Unknown {
    const found = this.matching(test, at);
    if (found instanceof Unknown) return found;
    if (this.strangers.mayMatch(test, at)) return new Unknown(this.more.reason, at);
    return { item: found[0] };
  }

  private methods(): Record<string, Native> {
    const { machine, more } = this;
    const unknown = (at: Place): Unknown => new Unknown(more.reason, at);
    const add = (args: Value[], at: Place): Value => { machine.touchAll(this); this.items.push(...args); this.strangers.written(at); return this.size(); };
    return {
      push: (args, _self, at) => add(args, at),
      unshift: (args, _self, at) => add(args, at),
      find: ([test], _self, at) => { const found = this.first(test, at); return found instanceof Unknown ? found : found.item; },
      findLast: ([test], _self, at) => { const found = this.first(test, at); return found instanceof Unknown ? found : found.item; },
      findIndex: ([test], _self, at) => { const found = this.first(test, at); return found instanceof Unknown ? found : found.item === undefined ? -1 : new Choice(`a position in ${more.reason}`, at, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1_000_000_007]); },
      some: ([test], _self, at) => {
        const found = this.matching(test, at);
        if (found instanceof Unknown) return found;
        return found.length > 0 || (this.strangers.mayMatch(test, at) ? unknown(at) : false);
      },
      every: (_args, _self, at) => unknown(at),
      includes: ([value], _self, at) => this.items.includes(value) || (this.strangers.mayEqual(value) ? unknown(at) : false),
      indexOf: ([value], _self, at) => (this.strangers.mayEqual(value) || this.items.includes(value) ? unknown(at) : -1),
      filter: ([test], _self, at) => {
        const found = this.matching(test, at);
        if (found instanceof Unknown) return unknown(at);
        return this.strangers.mayMatch(test, at) ? this.open(found) : machine.array(found);
      },
      map: ([change], _self, at) => this.open(this.items.map((item) => machine.call(change, [item, unknown(at)], undefined, at))),
      forEach: ([action], _self, at) => {
        for (const item of this.items) machine.call(action, [item, unknown(at), this], undefined, at);
        const anything = unknown(at);
        machine.fork(anything, [() => machine.uncertainly(anything, () => machine.call(action, [anything, anything, this], undefined, at)), () => undefined]);
        return undefined;
      },
      slice: (args, _self, at) => (args.length === 0 ? this.open([...this.items]) : unknown(at)),
      concat: ([other], _self, at) => { const items = iterate(machine, other, at); return this.open([...this.items, ...items instanceof Unknown ? [] : items]); },
      sort: () => this.open([...this.items]), toSorted: () => this.open([...this.items]), reverse: () => this.open([...this.items].reverse()), toReversed: () => this.open([...this.items].reverse()),
      splice: (_args, _self, at) => { machine.touchAll(this); this.items = []; this.strangers.written(at); return unknown(at); },
    };
  }
}

/** What is known of things that other users have put into a store. */
export interface Strangers {
  /** Whether a condition may hold for something of another user's: not when it asks for a value that is new in this run. */
  mayMatch(test: Value, at: Place): boolean;
  mayEqual(value: Value): boolean;
  written(at: Place): void;
}
