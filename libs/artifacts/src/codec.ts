import { createHash } from 'node:crypto';
import { isMap } from 'node:util/types';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import * as formats from 'ajv-formats';
import type { z } from 'zod';
import { ARTIFACTS, artifactJsonSchema, Failure, type ArtifactId, type ArtifactKind } from '#contracts';
import { compare, readBundle, writeBundle, type Bundle, type BundleManifest } from './bundle.js';
import { canonicalJson } from './canonical.js';

/** The document of a JSON kind; manifest and files of a tar kind. */
export type Content<K extends ArtifactKind> = (typeof ARTIFACTS)[K]['layout'] extends 'tar' ? Bundle<z.output<(typeof ARTIFACTS)[K]['schema']> & BundleManifest> : z.output<(typeof ARTIFACTS)[K]['schema']>;

/** Larger than any honest artifact; it bounds the memory that one costs. */
export const MAX_ARTIFACT_BYTES = 64 * 1024 * 1024;

const ajv = new Ajv2020({ strict: false, allErrors: false });
formats.default.default(ajv);
const validators = new Map<ArtifactKind, ValidateFunction>();

/** The canonical bytes. Throws `Failure('artifact-invalid')` that names the first place that does not match the kind's schema. */
export async function encode<K extends ArtifactKind>(kind: K, content: Content<K>): Promise<Buffer> {
  const isTar = ARTIFACTS[kind].layout === 'tar';
  validate(kind, isTar ? (content as Bundle | undefined)?.manifest : content);
  if (isTar && !isMap((content as Bundle).files)) throw new Failure('artifact-invalid', `${kind}: files is not a Map`);
  const bytes = isTar ? await writeBundle(content as Bundle) : canonicalJson(content);
  if (bytes.byteLength > MAX_ARTIFACT_BYTES) throw new Failure('artifact-invalid', `${kind}: ${bytes.byteLength} bytes, at most ${MAX_ARTIFACT_BYTES}`);
  return bytes;
}

/** The content of canonical bytes, checked against the kind's schema. Throws `Failure('artifact-invalid')`. */
export async function decode<K extends ArtifactKind>(kind: K, bytes: Buffer): Promise<Content<K>> {
  if (ARTIFACTS[kind].layout === 'json') {
    const document = parse(kind, bytes);
    validate(kind, document);
    return document as Content<K>;
  }
  const { manifest, files } = await readBundle(bytes);
  validate(kind, manifest);
  const disagreement = compare(manifest as BundleManifest, files);
  if (disagreement) throw new Failure('artifact-invalid', disagreement);
  return { manifest, files } as Content<K>;
}

export function idOf(bytes: Uint8Array): ArtifactId {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function validate(kind: ArtifactKind, document: unknown): void {
  let validator = validators.get(kind);
  if (!validator) {
    validator = ajv.compile(artifactJsonSchema(kind));
    validators.set(kind, validator);
  }
  if (validator(document)) return;
  const [error] = validator.errors ?? [];
  throw new Failure('artifact-invalid', `${kind}${error?.instancePath ?? ''} ${error?.message ?? ''}`.slice(0, 300));
}

function parse(kind: ArtifactKind, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch (error) {
    throw new Failure('artifact-invalid', `${kind} is no JSON`, { cause: error });
  }
}
