import { hash } from 'node:crypto';
import { MAX_MESSAGE_BYTES } from '#contracts';

/** One thing to say, written out. `id`: the same whenever the same is said. */
export interface Item { readonly id: string; readonly json: string }
export interface Shared<T extends Item> { readonly id: string; readonly json: string; readonly items: readonly T[] }

/** Room for headers, the frame and the id of a message that holds several items. */
const FRAME_BYTES = 768;
/** Bytes of the items in one message at most. */
export const SHARED_BYTES = MAX_MESSAGE_BYTES - FRAME_BYTES;

/**
 * Items in as few messages `{"<name>": [item, …]}` as the bound of the bus allows, `most` of them in each, in order. One that does not fit even alone has a message of its own, which the bus will refuse.
 * The same items again, and only they, are the same message again: the bus drops what has an id that it has seen, and another item in there would be lost with it.
 */
export function shareOut<T extends Item>(name: string, items: readonly T[], most = Infinity): Array<Shared<T>> {
  const messages: Array<Shared<T>> = [];
  for (let from = 0; from < items.length;) {
    let to = from;
    for (let bytes = 0; to < items.length && to - from < most; to++) {
      bytes += Buffer.byteLength((items[to] as T).json) + 1;
      if (bytes > SHARED_BYTES && to > from) break;
    }
    const part = items.slice(from, to);
    from = to;
    const id = part.length === 1 ? (part[0] as T).id : hash('sha1', part.map((item) => item.id).join(' '));
    messages.push({ id, json: `{"${name}":[${part.map(({ json }) => json).join(',')}]}`, items: part });
  }
  return messages;
}

/** What a message holds, not validated: the items of `{"<name>": […]}`. One alone, without the list around it, is understood as well. */
export function itemsIn(data: unknown, name: string): unknown[] {
  const list = typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[name] : undefined;
  return Array.isArray(list) ? list : [data];
}

/** For how many a message counts: it is shared when it has nothing but one list. */
export function weightOf(data: unknown): number {
  const [list, ...more] = typeof data === 'object' && data !== null ? Object.values(data) as unknown[] : [];
  return Array.isArray(list) && more.length === 0 ? Math.max(1, list.length) : 1;
}
