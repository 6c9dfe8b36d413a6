import type { Publication } from '../src/forge.js';
import { connect, type ForgeAccess } from '../src/forges.js';

/** A publisher in a process of its own, which a spec kills: it says when it is ready, publishes what it is sent and answers. */
export interface Order { access: ForgeAccess; publication: Omit<Publication, 'files' | 'body'> & { files: Record<string, string>; body: string } }

process.once('message', ({ access, publication: { files, body, ...rest } }: Order) => {
  void connect(access).publish({ ...rest, files: new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)])), body: () => body }).then(
    ({ outcome }) => { process.send?.({ outcome }, undefined, undefined, () => { process.exit(0); }); },
    (error: unknown) => { process.send?.({ error: String(error) }, undefined, undefined, () => { process.exit(1); }); },
  );
});
process.send?.('ready');
