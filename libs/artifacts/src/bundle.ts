import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { extract, pack } from 'tar-stream';
import { Failure } from '#contracts';
import { canonicalJson } from './canonical.js';

/** What every kind with the layout `tar` says about its files, besides what its own schema asks for. */
export interface BundleManifest { files: ReadonlyArray<{ path: string; sha256: string; bytes: number }> }
export interface Bundle<Manifest extends BundleManifest = BundleManifest> { manifest: Manifest; files: ReadonlyMap<string, Buffer> }

/**
 * The one byte sequence of a bundle: a tar with `manifest.json` first, then the files under `files/`, sorted by code unit, everything about their owner and time fixed.
 * Throws `Failure('artifact-invalid')` for a path that leaves the folder, or when files and manifest disagree.
 */
export async function writeBundle({ manifest, files }: Bundle): Promise<Buffer> {
  const paths = [...files.keys()].sort((a, b) => (a < b ? -1 : 1));
  const disagreement = compare(manifest, files);
  if (disagreement) throw new Failure('artifact-invalid', disagreement);
  const tar = pack();
  const document = canonicalJson(manifest);
  tar.entry(header('manifest.json', document), document);
  for (const path of paths) {
    const content = Buffer.from(files.get(path) as Buffer);
    tar.entry(header(`files/${path}`, content), content);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The same bytes as `writeBundle`, but one content after the other, as they are read. `contents` gives what the manifest says of each path. */
export function packBundle(manifest: BundleManifest, contents: (path: string) => Promise<Buffer>): Readable {
  const tar = pack();
  const fill = async () => {
    const document = canonicalJson(manifest);
    tar.entry(header('manifest.json', document), document);
    for (const { path } of manifest.files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
      const content = await contents(path);
      await new Promise<void>((resolve, reject) => { tar.entry(header(`files/${path}`, content), content, (error) => { if (error) reject(error); else resolve(); }); });
    }
    tar.finalize();
  };
  fill().catch((error: unknown) => { tar.destroy(error instanceof Error ? error : new Error(String(error))); });
  return Readable.from(tar);
}

function header(name: string, content: Uint8Array) {
  return { name, size: content.byteLength, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '', type: 'file' as const };
}

/** Takes a bundle apart. The manifest is not validated here. Throws `Failure('artifact-invalid')` for anything that writeBundle would not have written. */
export async function readBundle(bytes: Buffer): Promise<{ manifest: unknown; files: Map<string, Buffer> }> {
  let document: Buffer | undefined;
  const files = new Map<string, Buffer>();
  const reader = extract();
  Readable.from([bytes]).pipe(reader);
  try {
    for await (const entry of reader) {
      const { name, type } = entry.header;
      if (type !== 'file') throw new Failure('artifact-invalid', `${quote(name)} is a ${type ?? 'strange entry'}, not a file`);
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      const content = Buffer.concat(chunks);
      if (document === undefined) {
        if (name !== 'manifest.json') throw new Failure('artifact-invalid', 'manifest.json is not the first entry');
        document = content;
      } else {
        const path = name.startsWith('files/') ? name.slice('files/'.length) : '';
        if (!isConfined(path)) throw new Failure('artifact-invalid', `${quote(name)} leaves the bundle`);
        if (files.has(path)) throw new Failure('artifact-invalid', `${quote(name)} is there twice`);
        files.set(path, content);
      }
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('artifact-invalid', 'not a tar', { cause: error });
  }
  if (document === undefined) throw new Failure('artifact-invalid', 'an empty tar');
  const manifest = parse(document);
  return { manifest, files };
}

/** Says where files and manifest disagree, or nothing. */
export function compare(manifest: BundleManifest, files: ReadonlyMap<string, Uint8Array>): string | undefined {
  const announced = new Set<string>();
  for (const { path, sha256, bytes } of manifest.files) {
    if (!isConfined(path)) return `${quote(path)} leaves the bundle`;
    if (announced.has(path)) return `${quote(path)} is there twice`;
    announced.add(path);
    const content = files.get(path);
    if (content === undefined) return `${quote(path)} is in the manifest only`;
    if (content.byteLength !== bytes || createHash('sha256').update(content).digest('hex') !== sha256) return `${quote(path)} is not what the manifest says`;
  }
  const extra = [...files.keys()].find((path) => !announced.has(path));
  return extra === undefined ? undefined : `${quote(extra)} is not in the manifest`;
}

/** A relative path with forward slashes that stays where it is put, on every system. */
function isConfined(path: string): boolean {
  if (path.length === 0 || path.length > 1_000 || path.includes('\\') || path.includes(':')) return false;
  if (/\p{Cc}/u.test(path)) return false;
  return path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..' && segment.toLowerCase() !== '.git');
}

function parse(document: Buffer): unknown {
  try {
    return JSON.parse(document.toString('utf8')) as unknown;
  } catch (error) {
    throw new Failure('artifact-invalid', 'manifest.json is no JSON', { cause: error });
  }
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
