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
    for (let scope: Scope | null = this; scope; scope = scope.parent) {
      const binding = scope.names.get(name);
      if (binding) return binding;
    }
    return undefined;
  }
  /** Where `var` and function declarations of this block go. */
  functionScope(): Scope {
    let scope: Scope = this;
    while (!scope.isFunction && scope.parent) scope = scope.parent;
    return scope;
  }
}
