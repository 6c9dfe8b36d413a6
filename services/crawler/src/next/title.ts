import type { Place, Words } from '../markup.js';
import type { Machine } from '../interpret/machine.js';
import { Fn, isObject, Unknown, type Obj, type Value } from '../interpret/values.js';
import { settled } from './components.js';

/** What a title is made of: text that may be undecided, and the template for what is below. */
interface Title { text: Words | null; template: Words | null }

/**
 * The document's title from the `metadata` of the modules on the way to a page, outermost first; `null` stands for a folder without a layout.
 * A template applies to the folders below its own, which is why the one of the page's own folder does not count.
 */
export function titleOf(machine: Machine, modules: ReadonlyArray<{ namespace: Obj; path: string } | null>, props: Value): Words | null {
  let current: Title = { text: null, template: null };
  let template: Words | null = null;
  for (const [i, module] of modules.entries()) {
    const own = module ? metadataTitle(machine, module.namespace, { file: module.path, line: 1 }, props) : undefined;
    if (own !== undefined) current = resolve(machine, own, template, { file: module?.path ?? '', line: 1 });
    if (i < modules.length - 2) ({ template } = current);
  }
  return current.text;
}

/** `undefined`: the module says nothing of a title. */
function metadataTitle(machine: Machine, namespace: Obj, at: Place, props: Value): Value {
  const generate = machine.get(namespace, 'generateMetadata', at);
  const metadata = generate instanceof Fn ? settled(machine, machine.call(generate, [props, new Unknown('the metadata of the layouts above', at)], undefined, at), at) : machine.get(namespace, 'metadata', at);
  if (metadata instanceof Unknown || metadata === undefined || metadata === null) return metadata ?? undefined;
  return machine.get(metadata, 'title', at) ?? undefined;
}

function resolve(machine: Machine, title: Value, template: Words | null, at: Place): Title {
  if (!isObject(title)) return { text: fill(template, words(title)), template: null };
  const [own, absolute, byDefault] = ['template', 'absolute', 'default'].map((name) => machine.get(title, name, at));
  const text = typeof absolute === 'string' && absolute !== '' ? absolute : byDefault === undefined ? null : fill(template, words(byDefault));
  return { text, template: own === undefined || own === null ? null : words(own) };
}

const words = (value: Value): Words => (typeof value === 'string' ? value : { undecided: value instanceof Unknown ? value.reason : 'the title' });

function fill(template: Words | null, text: Words): Words {
  if (template === null || typeof text !== 'string') return text;
  return typeof template === 'string' ? template.replaceAll('%s', () => text) : template;
}
