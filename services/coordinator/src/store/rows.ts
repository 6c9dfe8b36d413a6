/**
 * Many rows as parameters of one statement: an array for each column, in Postgres's binary format, taken apart by `unnest`. JSON as a parameter would be shorter to write and costs the server
 * four times as much to read. Format: https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/arrayfuncs.c (`array_recv`), and `<type>recv` for each element.
 */
const OIDS = { text: 25, int4: 23, bool: 16, json: 114, timestamptz: 1184 } as const;
type ColumnType = keyof typeof OIDS;
type Value = string | number | boolean | object | null | undefined;

const HEADER_BYTES = 20;
/** Times are milliseconds since 1970 here, and microseconds since 2000 there. */
const SINCE_2000_MS = 946_684_800_000;

export class Rows<Name extends string> {
  private readonly columns: ReadonlyArray<readonly [Name, ColumnType]>;

  /** Names and types, in the order of the columns. */
  constructor(types: Readonly<Record<Name, ColumnType>>) { this.columns = Object.entries(types) as Array<[Name, ColumnType]>; }

  get width(): number { return this.columns.length; }

  /** `unnest(…) AS alias ("name", …)`, with parameters from number `first` on. */
  from(alias: string, first: number): string {
    return `unnest(${this.columns.map(([, type], index) => `$${first + index}::${type}[]`).join(', ')}) AS ${alias} (${this.columns.map(([name]) => `"${name}"`).join(', ')})`;
  }

  /** One parameter for each column. What is `undefined` is null; objects in a column of JSON are written out, strings there are JSON already. */
  values(rows: ReadonlyArray<Readonly<Partial<Record<Name, Value>>>>): Buffer[] {
    return this.columns.map(([name, type]) => column(type, rows.map((row) => row[name])));
  }
}

function column(type: ColumnType, values: readonly Value[]): Buffer {
  const texts = type === 'text' || type === 'json' ? values.map((value) => (value === null || value === undefined ? null : typeof value === 'object' ? JSON.stringify(value) : String(value))) : undefined;
  const size = texts ? texts.reduce((sum, text) => sum + 4 + (text === null ? 0 : Buffer.byteLength(text)), 0) : values.length * 12;
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + size);
  // Dimensions, whether there are nulls, the type of the elements; then the length and the first index.
  [1, 1, OIDS[type], values.length, 1].forEach((word, index) => bytes.writeInt32BE(word, index * 4));
  let at = HEADER_BYTES;
  for (let index = 0; index < values.length; index++) {
    const value = texts ? texts[index] : values[index];
    if (value === null || value === undefined) {
      at = bytes.writeInt32BE(-1, at);
    } else if (type === 'int4') {
      at = bytes.writeInt32BE(value as number, bytes.writeInt32BE(4, at));
    } else if (type === 'timestamptz') {
      at = bytes.writeBigInt64BE(BigInt(Math.round(((value as number) - SINCE_2000_MS) * 1_000)), bytes.writeInt32BE(8, at));
    } else if (type === 'bool') {
      at = bytes.writeUInt8(value ? 1 : 0, bytes.writeInt32BE(1, at));
    } else {
      const length = bytes.write(value as string, at + 4);
      at = bytes.writeInt32BE(length, at) + length;
    }
  }
  return bytes.subarray(0, at);
}
