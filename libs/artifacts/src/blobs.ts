/** What a place for bytes must do: the port that disk and S3 implement. Every failure of the place itself is `Failure('store-unavailable')`. */
export interface BlobStore {
  /** All or nothing, and durable when it settles; replaces what is there. */
  write(key: string, bytes: Buffer): Promise<void>;
  /** `undefined` when there is nothing; throws `Failure('artifact-corrupt')` when there is more than `limit` bytes, without reading it all. */
  read(key: string, limit: number): Promise<Buffer | undefined>;
  /** Size in bytes and time of the last write in milliseconds since 1970, or `undefined` when there is nothing. */
  stat(key: string): Promise<{ bytes: number; writtenAt: number } | undefined>;
  /** Everything whose key begins so, in no certain order; what is written or removed meanwhile may be in it or not. */
  list(prefix: string): AsyncIterable<{ key: string; bytes: number; writtenAt: number }>;
  remove(key: string): Promise<void>;
}
