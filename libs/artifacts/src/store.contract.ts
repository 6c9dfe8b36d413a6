import { createHash } from 'node:crypto';
import { Failure, type ArtifactId, type ArtifactKind } from '#contracts';
import type { BlobStore } from './blobs.js';
import { ArtifactStore } from './store.js';
import { sweepBlobs } from './sweep.js';
import type { Content } from './codec.js';

export interface StoreUnderTest {
  blobs: BlobStore;
  /** Takes the place away, as an outage would. */
  breakDown(): Promise<void>;
  remove(): Promise<void>;
}

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export function pullRequest(title: string): Content<'pull-request@1'> {
  return {
    kind: 'pull-request@1', forge: 'local', repository: '/srv/repository', branch: 'pullwright/tests', base: 'main', baseCommit: COMMIT, commit: COMMIT, tree: COMMIT,
    outcome: 'opened', title, body: 'ü – 😀', files: [{ path: 'tests/a.spec.ts', change: 'added' }], createdBy: 'run_01jabcdefghjkmnpqrstvwxyz0', look: 'git show',
  };
}

export function testBundle(files: Record<string, string>): Content<'test-bundle@1'> {
  const entries = Object.entries(files).map(([path, text]) => ({ path, content: Buffer.from(text) }));
  return {
    manifest: {
      kind: 'test-bundle@1', framework: 'playwright', commit: COMMIT, folder: 'tests', tests: [], commands: [], routes: { found: 0, covered: [] }, leftOut: [],
      files: entries.map(({ path, content }) => ({ path, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.byteLength })),
    },
    files: new Map(entries.map(({ path, content }) => [path, content])),
  };
}

function key(id: ArtifactId): string {
  return `artifacts/sha256/${id.slice(7, 9)}/${id.slice(9, 11)}/${id.slice(7)}`;
}

const later = (hours: number) => () => Date.now() + hours * 3_600_000;

/** What every artifact store must do, whatever keeps its bytes. */
export function storeContract(name: string, start: () => Promise<StoreUnderTest>): void {
  describe(`artifact store on ${name}`, () => {
    let place: StoreUnderTest;
    let store: ArtifactStore;
    beforeAll(async () => { place = await start(); store = new ArtifactStore(place.blobs); });
    afterAll(() => place.remove());

    test('gives back what was stored, under the id of its canonical bytes', async () => {
      const id = await store.put('pull-request@1', pullRequest('one'));
      expect(await store.get('pull-request@1', id)).toEqual(pullRequest('one'));
      const bytes = await store.bytes(id);
      expect(id).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
      expect(await store.stat(id)).toEqual({ bytes: bytes.byteLength });
    });

    test('the order of keys makes no difference, and storing twice writes once', async () => {
      const first = await store.put('pull-request@1', pullRequest('two'));
      const reversed = Object.fromEntries(Object.entries(pullRequest('two')).reverse()) as Content<'pull-request@1'>;
      let writes = 0;
      const counting = new ArtifactStore({ ...place.blobs, write: async (...args) => { writes += 1; await place.blobs.write(...args); } });
      expect(await counting.put('pull-request@1', reversed)).toBe(first);
      expect(writes).toBe(0);
    });

    test('a bundle keeps its files, and the order they were given in makes no difference', async () => {
      const long = `${'deep/'.repeat(40)}x.spec.ts`;
      const id = await store.put('test-bundle@1', testBundle({ 'b.spec.ts': 'b', [long]: 'x', 'ä/empty.ts': '' }));
      const back = await store.get('test-bundle@1', id);
      expect([...back.files].map(([path, content]) => [path, content.toString('utf8')])).toEqual([['b.spec.ts', 'b'], [long, 'x'], ['ä/empty.ts', '']]);
      const { manifest, files } = testBundle({ 'b.spec.ts': 'b', [long]: 'x', 'ä/empty.ts': '' });
      expect(await store.put('test-bundle@1', { manifest, files: new Map([...files].reverse()) })).toBe(id);
    });

    test('ten megabytes come back whole', async () => {
      const id = await store.put('test-bundle@1', testBundle({ 'big.txt': 'x'.repeat(10 * 1024 * 1024) }));
      expect((await store.get('test-bundle@1', id)).files.get('big.txt')?.byteLength).toBe(10 * 1024 * 1024);
    });

    test.each<[string, ArtifactKind, unknown]>([
      ['a missing field', 'pull-request@1', { ...pullRequest('x'), title: undefined }],
      ['a wrong type', 'pull-request@1', { ...pullRequest('x'), files: 'none' }],
      ['an unknown field', 'pull-request@1', { ...pullRequest('x'), secret: 'y' }],
      ['another kind', 'repo-map@1', pullRequest('x')],
      ['nothing', 'pull-request@1', undefined],
      ['a bundle without files', 'test-bundle@1', { manifest: testBundle({}).manifest }],
      ['a file that the manifest does not name', 'test-bundle@1', { manifest: testBundle({}).manifest, files: new Map([['a', Buffer.from('a')]]) }],
      ['a file that is not there', 'test-bundle@1', { manifest: testBundle({ a: 'a' }).manifest, files: new Map() }],
      ['a file that is not what the manifest says', 'test-bundle@1', { manifest: testBundle({ a: 'a' }).manifest, files: new Map([['a', Buffer.from('b')]]) }],
      ...['../up', '/etc/passwd', 'a/../../b', 'a//b', 'C:/x', 'a\\b', '.git/hooks/post-checkout', 'a\nb', ''].map((path): [string, ArtifactKind, unknown] => [`the path ${JSON.stringify(path)}`, 'test-bundle@1', testBundle({ [path]: 'x' })]),
    ])('refuses to store %s', async (_what, kind, content) => {
      await expect(store.put(kind, content as Content<typeof kind>)).rejects.toMatchObject({ code: 'artifact-invalid' });
    });

    test('what was never stored is missing', async () => {
      const id = `sha256:${'0'.repeat(64)}`;
      await expect(store.get('pull-request@1', id)).rejects.toMatchObject({ code: 'artifact-missing', detail: id });
      await expect(store.stat(id)).resolves.toBeUndefined();
      await expect(store.get('pull-request@1', '../../etc/passwd')).rejects.toMatchObject({ code: 'bad-request' });
    });

    test('damaged bytes are corrupt, of the same length or longer, and storing again mends them', async () => {
      const id = await store.put('pull-request@1', pullRequest('three'));
      const bytes = await place.blobs.read(key(id), 1e6) as Buffer;
      const flipped = Buffer.from(bytes);
      flipped[10] = (flipped[10] as number) ^ 1;
      for (const damaged of [flipped, Buffer.concat([bytes, bytes]), bytes.subarray(1)]) {
        await place.blobs.write(key(id), damaged);
        await expect(store.get('pull-request@1', id)).rejects.toMatchObject({ code: 'artifact-corrupt' });
        await store.put('pull-request@1', pullRequest('three'));
        expect(await store.get('pull-request@1', id)).toEqual(pullRequest('three'));
      }
    });

    test('read as another kind is invalid', async () => {
      const id = await store.put('pull-request@1', pullRequest('four'));
      await expect(store.get('repo-map@1', id)).rejects.toMatchObject({ code: 'artifact-invalid' });
      await expect(store.get('test-bundle@1', id)).rejects.toMatchObject({ code: 'artifact-invalid' });
    });

    test('many writers of the same artifact do not disturb each other', async () => {
      const ids = await Promise.all(Array.from({ length: 16 }, () => store.put('pull-request@1', pullRequest('five'))));
      expect(new Set(ids).size).toBe(1);
      expect(await store.get('pull-request@1', ids[0] as ArtifactId)).toEqual(pullRequest('five'));
    });

    test('lists what is there', async () => {
      const id = await store.put('pull-request@1', pullRequest('listed'));
      const found = [];
      for await (const entry of place.blobs.list('artifacts/')) if (entry.key === key(id)) found.push(entry);
      const stat = await place.blobs.stat(key(id));
      expect(found).toEqual([{ key: key(id), ...stat }]);
      expect(Math.abs(Date.now() - (stat?.writtenAt ?? 0))).toBeLessThan(60_000);
      for await (const entry of place.blobs.list('nothing/')) throw new Error(entry.key);
    });

    test('the sweep removes what nobody names, when it is old, and nothing that was stored again', async () => {
      const [named, remembered, forgotten, again] = await Promise.all(['named', 'remembered', 'forgotten', 'again'].map((title) => store.put('pull-request@1', pullRequest(title)))) as [string, string, string, string];
      await store.memos.write('c'.repeat(64), { outputs: { cases: remembered }, facts: {}, durationMs: 1, runId: `run_${'0'.repeat(26)}`, at: '2026-01-01T00:00:00.000Z' });
      const names = async function* () { yield named; };
      expect((await sweepBlobs(place.blobs, names(), 7, later(23))).removed).toBe(0);
      // In the middle of a sweep somebody stores one of them once more: it is young again before its turn comes.
      const beforeTheirTurn = async function* () { yield named; await new ArtifactStore(place.blobs, later(25)).put('pull-request@1', pullRequest('again')); };
      const sparing = { ...place.blobs, stat: async (at: string) => { const found = await place.blobs.stat(at); return at === key(again) && found ? { ...found, writtenAt: found.writtenAt + 25 * 3_600_000 } : found; } };
      await sweepBlobs(sparing, beforeTheirTurn(), 7, later(25));
      for (const id of [named, remembered, again]) expect(await store.stat(id)).toBeDefined();
      expect(await store.stat(forgotten)).toBeUndefined();
      expect((await sweepBlobs(place.blobs, names(), 7, later(9 * 24))).memos).toBeGreaterThan(0);
      expect([await store.stat(named), await store.stat(remembered)].map((stat) => stat !== undefined)).toEqual([true, false]);
    });

    test('storing again what is old writes it again, so that it is young', async () => {
      await store.put('pull-request@1', pullRequest('old'));
      let writes = 0;
      const counting = { ...place.blobs, write: async (...args: Parameters<BlobStore['write']>) => { writes += 1; await place.blobs.write(...args); } };
      await new ArtifactStore(counting, () => Date.now() + 11 * 3_600_000).put('pull-request@1', pullRequest('old'));
      expect(writes).toBe(0);
      await new ArtifactStore(counting, () => Date.now() + 13 * 3_600_000).put('pull-request@1', pullRequest('old'));
      expect(writes).toBe(1);
    });

    test('keeps memos beside the artifacts, the last one of a key', async () => {
      const memo = { outputs: { cases: `sha256:${'1'.repeat(64)}`, all: [`sha256:${'2'.repeat(64)}`] }, facts: { cases: 3, ok: true }, durationMs: 1_600, runId: `run_${'0'.repeat(26)}`, at: '2026-01-01T00:00:00.000Z' };
      const memoKey = 'a'.repeat(64);
      expect(await store.memos.read(memoKey)).toBeUndefined();
      await store.memos.write(memoKey, memo);
      await store.memos.write(memoKey, { ...memo, durationMs: 1_700 });
      expect(await store.memos.read(memoKey)).toEqual({ ...memo, durationMs: 1_700 });
      await expect(store.memos.read('../../etc/passwd')).rejects.toMatchObject({ code: 'internal' });
    });

    test('a memo that is not whole is none', async () => {
      const memoKey = 'b'.repeat(64);
      await store.memos.write(memoKey, { outputs: {}, facts: {}, durationMs: 1, runId: `run_${'0'.repeat(26)}`, at: '2026-01-01T00:00:00.000Z' });
      const whole = await place.blobs.read(`memos/bb/${memoKey}`, 1e6) as Buffer;
      for (const damaged of [Buffer.alloc(0), whole.subarray(0, 40), whole.subarray(0, whole.length - 1), Buffer.concat([whole, whole]), Buffer.alloc(1_000_000, 'x')]) {
        await place.blobs.write(`memos/bb/${memoKey}`, damaged);
        expect(await store.memos.read(memoKey)).toBeUndefined();
      }
    });

    test('a size over the limit is never read whole', async () => {
      const id = await store.put('pull-request@1', pullRequest('six'));
      await expect(place.blobs.read(key(id), 10)).rejects.toMatchObject({ code: 'artifact-corrupt' });
    });

    test('the check writes; an outage is a retryable failure', async () => {
      await expect(store.check()).resolves.toBeUndefined();
      const id = await store.put('pull-request@1', pullRequest('seven'));
      await place.breakDown();
      for (const attempt of [() => store.check(), () => store.get('pull-request@1', id), () => store.put('pull-request@1', pullRequest('eight'))]) {
        const failure: unknown = await attempt().catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(Failure);
        expect(failure).toMatchObject({ code: 'store-unavailable', retryable: true });
      }
    });
  });
}
