import { hash } from 'node:crypto';
import { Failure, MAX_MESSAGE_BYTES } from '#contracts';

interface Item { readonly id: string; readonly json: string; readonly bytes: number; resolve(): void; reject(error: unknown): void }
type Send = (subject: string, json: string, id: string) => Promise<void>;

/** Room for headers, the frame and the id of a message that holds several items. */
const FRAME_BYTES = 768;

/**
 * Things to say on one subject that come up in the same turn of the event loop share a message: `{"<name>": [item, …]}`. A service that finishes many steps at once answers with few
 * messages, and one that finishes a step a minute waits for nothing.
 */
export class Gathering {
  private readonly open = new Map<string, Item[]>();

  constructor(private readonly send: Send) {}

  /** Settles when the item is stored. Throws `Failure('message-too-large')` for one that does not fit on the bus even alone, and what sending throws. */
  async add(subject: string, name: string, data: unknown, id: string): Promise<void> {
    const json = JSON.stringify(data);
    const bytes = Buffer.byteLength(json);
    if (bytes > MAX_MESSAGE_BYTES - FRAME_BYTES) throw new Failure('message-too-large', `${subject}: ${bytes} bytes, at most ${MAX_MESSAGE_BYTES - FRAME_BYTES}`);
    await new Promise<void>((resolve, reject) => {
      const items = this.open.get(subject);
      if (items) items.push({ id, json, bytes, resolve, reject });
      else {
        this.open.set(subject, [{ id, json, bytes, resolve, reject }]);
        setImmediate(() => { this.flush(subject, name); });
      }
    });
  }

  private flush(subject: string, name: string): void {
    const items = this.open.get(subject) ?? [];
    this.open.delete(subject);
    for (let from = 0; from < items.length;) {
      let to = from;
      for (let bytes = 0; to < items.length && bytes + (items[to] as Item).bytes < MAX_MESSAGE_BYTES - FRAME_BYTES; to++) bytes += (items[to] as Item).bytes + 1;
      const part = items.slice(from, Math.max(to, from + 1));
      from += part.length;
      // The same items again, and only they, are the same message again: the bus drops what has an id that it has seen, and another item in there would be lost with it.
      const id = part.length === 1 ? (part[0] as Item).id : hash('sha1', part.map((item) => item.id).join(' '));
      this.send(subject, `{"${name}":[${part.map(({ json }) => json).join(',')}]}`, id)
        .then(() => { for (const item of part) item.resolve(); }, (error: unknown) => { for (const item of part) item.reject(error); });
    }
  }
}
