import { birth, type Value } from './values.js';

/** A variable. `dead`: declared and not yet initialised. */
export class Binding {
  readonly born = birth();
  dead = false;
  constructor(public value: Value, public constant = false) {}
}

/** The names of one block, function or module. `live` bindings are shared with another module's scope (ESM imports). */
export class Scope {
  private readonly names = new Map<string, Binding>();
  constructor(readonly parent: Scope | null, readonly isFunction = false) {}

  declare(name: string, value: Value, constant = false): Binding {
    const binding = new Binding(value, constant);
    this.names.set(name, binding);
    return binding;
  }
  link(name: string, binding: Binding): void { this.names.set(name, binding); }
  own(name: string): Binding | undefined { return this.names.get(name); }
  entries(): Array<[string, Binding]> { return [...this.names]; }
  find(name: string): Binding | undefined {
    let binding = this.names.get(name);
    for (let scope = this.parent; !binding && scope; scope = scope.parent) binding = scope.names.get(name);
    return binding;
  }
  /** Where `var` and function declarations of this block go. */
  functionScope(): Scope {
    return this.isFunction || !this.parent ? this : this.parent.functionScope();
  }
}
