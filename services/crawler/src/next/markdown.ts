import type { Machine, ModuleModel, ModuleModels } from '../interpret/machine.js';
import { fulfilled } from '../interpret/promises.js';
import { Unknown, type Native, type Obj } from '../interpret/values.js';
import type { Place } from '../markup.js';

/**
 * Compilers of Markdown. What they make is not followed, but waiting for it leaves nothing uncertain: a page whose text does not compile fails the build of the whole application,
 * so what is read beside the text (the title of an article, say) is on the page.
 */
export const markdownModels: ModuleModels = new Map<string, ModuleModel>([
  ['remark', (machine, at) => processors(machine, 'remark', at)],
  ['unified', (machine, at) => processors(machine, 'unified', at)],
  ['next-mdx-remote/serialize', (machine, at) => compiler(machine, 'next-mdx-remote', 'serialize', at)],
  ['next-mdx-remote/rsc', (machine, at) => compiler(machine, 'next-mdx-remote', 'compileMDX', at)],
]);

const compiled: Native = (_args, _self, place) => new Unknown('the text of an article', place);
const later = (machine: Machine): Native => (args, self, place) => fulfilled(machine, compiled(args, self, place));

/** Chains of plugins: `use` gives the chain, the methods that end it give what they make. The function that starts one is the default export of old versions. */
function processors(machine: Machine, name: string, at: Place): Obj {
  const start = machine.fn(name, (_args, _self, place) => {
    const chain = machine.namespace('a processor of Markdown', place);
    for (const method of ['use', 'data', 'freeze']) chain.put(method, machine.fn(method, () => chain));
    for (const method of ['process', 'run']) chain.put(method, machine.fn(method, later(machine)));
    for (const method of ['processSync', 'runSync', 'parse', 'stringify']) chain.put(method, machine.fn(method, compiled));
    return chain;
  });
  return machine.namespace(name, at).put(name, start).put('default', start, false);
}

function compiler(machine: Machine, name: string, exported: string, at: Place): Obj {
  return machine.namespace(name, at).put(exported, machine.fn(exported, later(machine)));
}
