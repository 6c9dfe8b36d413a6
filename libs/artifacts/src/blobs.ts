/** What a place for bytes must do: the port that disk and S3 implement. Every failure of the place itself is `Failure('store-unavailable')`. */
export interface BlobStore {
  /** All or nothing, and durable when it settles; replaces what is there. */
  write(key: string, bytes: Buffer): Promise<void>;
  /** `undefined` when there is nothing; throws `Failure('artifact-corrupt')` when there is more than `limit` bytes, without reading it all. */
  read(key: string, limit: number): Promise<Buffer | undefined>;
  /** Size in bytes, or `undefined` when there is nothing. */
  stat(key: string): Promise<number | undefined>;
  remove(key: string): Promise<void>;
}
