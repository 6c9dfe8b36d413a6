import { Failure } from '#contracts';
import { SHARED_BYTES, shareOut, type Item } from './sharing.js';

interface Open extends Item { resolve(): void; reject(error: unknown): void }
type Send = (subject: string, json: string, id: string) => Promise<void>;

/**
 * Things to say on one subject that come up in the same turn of the event loop share a message: `{"<name>": [item, …]}`. A service that finishes many steps at once answers with few
 * messages, and one that finishes a step a minute waits for nothing.
 */
export class Gathering {
  private readonly open = new Map<string, Open[]>();

  constructor(private readonly send: Send) {}

  /** Settles when the item is stored. Throws `Failure('message-too-large')` for one that does not fit on the bus even alone, and what sending throws. */
  add(subject: string, name: string, data: unknown, id: string): Promise<void> {
    const json = JSON.stringify(data);
    const bytes = Buffer.byteLength(json);
    return new Promise<void>((resolve, reject) => {
      if (bytes > SHARED_BYTES) { reject(new Failure('message-too-large', `${subject}: ${bytes} bytes, at most ${SHARED_BYTES}`)); return; }
      const items = this.open.get(subject);
      if (items) items.push({ id, json, resolve, reject });
      else {
        this.open.set(subject, [{ id, json, resolve, reject }]);
        setImmediate(() => { this.flush(subject, name); });
      }
    });
  }

  private flush(subject: string, name: string): void {
    const items = this.open.get(subject) ?? [];
    this.open.delete(subject);
    for (const { id, json, items: part } of shareOut(name, items)) {
      this.send(subject, json, id).then(() => { for (const item of part) item.resolve(); }, (error: unknown) => { for (const item of part) item.reject(error); });
    }
  }
}
