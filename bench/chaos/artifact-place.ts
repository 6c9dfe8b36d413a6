import { mkdir, readdir, rename, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { startS3 } from '#testing';

/** Where the artifacts of the suite are, with what can go wrong there. */
export interface ArtifactPlace {
  kind: 'disk' | 's3';
  /** The options that lead the services there. */
  environment: Record<string, string>;
  /** Until the returned function is called, every request fails. */
  breakDown(): Promise<() => Promise<void>>;
  /** Until the returned function is called, every request waits. `undefined` where that cannot be done. */
  stall?: () => () => void;
  /** The files in which the youngest artifacts are. */
  newest(count: number): Promise<string[]>;
  remove(): Promise<void>;
}

/** A folder, to which a symbolic link leads, so that it can be made to lead nowhere. */
export async function diskPlace(folder: string): Promise<ArtifactPlace> {
  const [real, link] = [`${folder}.real`, folder];
  await mkdir(real);
  await pointTo(link, real);
  return {
    kind: 'disk', environment: { ARTIFACT_STORE: 'disk', ARTIFACT_DIR: link },
    breakDown: async () => {
      // Nothing can be made or found below a file that is no folder.
      await pointTo(link, '/dev/null');
      return () => pointTo(link, real);
    },
    newest: (count) => newest(join(real, 'artifacts'), count, (name) => !name.endsWith('.tmp')),
    remove: async () => undefined,
  };
}

/** A real S3 server in a process of its own. */
export async function s3Place(): Promise<ArtifactPlace> {
  const s3 = await startS3();
  return {
    kind: 's3',
    environment: { ARTIFACT_STORE: 's3', S3_ENDPOINT: s3.endpoint, S3_BUCKET: s3.bucket, S3_REGION: s3.region, S3_ACCESS_KEY: s3.accessKey, S3_SECRET_KEY: s3.secretKey },
    breakDown: async () => {
      await s3.kill();
      return () => s3.restart();
    },
    stall: () => {
      s3.pause();
      return () => { s3.resume(); };
    },
    newest: (count) => newest(s3.directory, count, (name) => name.endsWith('_object')),
    remove: () => s3.stop(),
  };
}

/** In one step: nobody finds the link missing. */
async function pointTo(link: string, target: string): Promise<void> {
  await symlink(target, `${link}.next`);
  await rename(`${link}.next`, link);
}

async function newest(folder: string, count: number, isArtifact: (name: string) => boolean): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && isArtifact(entry.name)).map((entry) => join(entry.parentPath, entry.name));
  const aged = await Promise.all(names.map(async (name) => ({ name, at: (await stat(name)).mtimeMs })));
  return aged.sort((a, b) => b.at - a.at).slice(0, count).map(({ name }) => name);
}
