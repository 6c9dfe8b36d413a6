import { Failure, MAX_MESSAGE_BYTES } from '#contracts';

export interface Page<Item> { ok: true; items: Item[]; next?: string }

/** Room for the frame of the reply: braces, `next`. */
const FRAME_BYTES = 512;

/**
 * One page of `rows`, of which one more than `limit` was read. It ends early where the reply would pass the size bound of the bus, but never before its first item.
 * `key` is the row's place in the order; the next page begins behind it.
 */
export function page<Row, Item>(rows: readonly Row[], limit: number, view: (row: Row) => Item, key: (row: Row) => string | number): Page<Item> {
  const items: Item[] = [];
  let bytes = FRAME_BYTES;
  for (const row of rows.slice(0, limit)) {
    const item = view(row);
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes > MAX_MESSAGE_BYTES && items.length > 0) break;
    items.push(item);
  }
  const last = rows[items.length - 1];
  return { ok: true, items, ...last !== undefined && items.length < rows.length && { next: Buffer.from(String(key(last))).toString('base64url') } };
}

/** The key in a cursor, or `undefined` for the first page. */
export function keyOfCursor(cursor: string | undefined): string | undefined {
  return cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString();
}

/** Of an order by number. Throws `Failure('bad-request')` for a cursor that was not made here. */
export function numberOfCursor(cursor: string | undefined, first: number): number {
  const key = keyOfCursor(cursor) ?? String(first);
  if (!/^-?\d{1,9}$/.test(key)) throw new Failure('bad-request', 'cursor: take it from the page before');
  return Number(key);
}
