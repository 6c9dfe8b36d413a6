import { createHash } from 'node:crypto';

/** The id that git gives to these bytes. `like`: any id of the same repository, whose length says which hash it uses. */
export function objectId(type: 'blob' | 'tree', content: Buffer, like: string): string {
  return createHash(like.length === 64 ? 'sha256' : 'sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
}
