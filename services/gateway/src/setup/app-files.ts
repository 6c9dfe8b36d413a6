import { constants } from 'node:fs';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Failure } from '#contracts';
import type { Registered } from './github-app.js';

/** What an App needs of settings, on disk: its private key, and a file of options that names it. */
export interface AppFiles { key: string; environment: string }

/** Before GitHub makes an App whose key it tells once. Throws `bad-request`. */
export async function proveWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new Failure('bad-request', `${folder} cannot be written to (${(cause as NodeJS.ErrnoException).code}); name another folder`, { cause });
  }
}

/** Writes both for their owner alone, and replaces nothing: every App has files of its own. */
export async function writeAppFiles(folder: string, githubUrl: string, { id, slug, pem, html_url: url, webhook_secret: secret }: Registered): Promise<AppFiles> {
  const files: AppFiles = { key: resolve(join(folder, `${slug}-${id}.private-key.pem`)), environment: resolve(join(folder, `${slug}-${id}.env`)) };
  const lines = [`GITHUB_URL=${new URL(githubUrl).origin}`, `GITHUB_APP_ID=${id}`, `GITHUB_APP_PRIVATE_KEY_FILE='${files.key.replaceAll("'", String.raw`'\''`)}'`, `GITHUB_WEBHOOK_SECRET=${secret}`];
  try {
    await writeFile(files.key, pem, { mode: 0o600, flag: 'wx' });
    await writeFile(files.environment, `${lines.join('\n')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new Failure('bad-request', `the App ${slug} was made, but its files could not be written (${(cause as NodeJS.ErrnoException).code}): delete it at ${url} and begin again`, { cause });
  }
  return files;
}
