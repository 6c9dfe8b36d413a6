import { toText } from '../convert.js';
import type { Machine } from '../machine.js';
import { Unknown } from '../values.js';
import { methods } from './define.js';

/** What leaves the program: requests are noted as needs, their answers are unknown; the console is silent. */
export function installNetwork(machine: Machine): void {
  machine.globals.set('fetch', machine.fn('fetch', ([address], _self, at) => {
    const text = toText(machine, address, at);
    machine.need('api', text instanceof Unknown ? `fetch(${text.reason})` : text, at);
    return new Unknown('the answer of an API', at);
  }));
  for (const name of ['XMLHttpRequest', 'WebSocket', 'EventSource']) {
    const fn = machine.fn(name, (_args, _self, at) => {
      machine.need('api', name, at);
      return new Unknown('the answer of an API', at);
    });
    fn.constructable = true;
    machine.globals.set(name, fn);
  }
  const console = machine.object();
  methods(machine, console, Object.fromEntries(['log', 'info', 'warn', 'error', 'debug', 'trace', 'table', 'group', 'groupCollapsed', 'groupEnd', 'time', 'timeEnd', 'assert', 'dir', 'count', 'clear'].map((name) => [name, () => undefined])));
  machine.globals.set('console', console);
}
