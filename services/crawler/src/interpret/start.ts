import { installBuiltins } from './builtins/install.js';
import { construct, call } from './functions.js';
import { assign, evaluate } from './expressions.js';
import { Machine, type MachineOptions } from './machine.js';
import { importModule, loadModule } from './modules.js';
import { bind } from './patterns.js';
import { execute } from './statements.js';
import { getOfUnknown } from './unknown-calls.js';

/** A fresh machine: one page load, or one start of a server. Nothing of the repository has run yet. */
export function startMachine(options: MachineOptions): Machine {
  const machine = new Machine(options, {
    evaluate, execute, call, construct, getOfUnknown, loadModule, importModule,
    bind: (pattern, value, frame, how) => bind(pattern, value, frame, how, assign),
  });
  installBuiltins(machine);
  return machine;
}
