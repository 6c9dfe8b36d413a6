import { open, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { loadConfig } from '#config';
import { Failure, readRepositoryFile, REPOSITORY_FILE, REPOSITORY_FILE_BYTES } from '#contracts';
import { EXIT, Exit, type ExitCode } from './exit-code.js';
import { green, print, printJson, red, safe, say } from './terminal.js';

/** A larger pipeline is none that a person has written. */
const PIPELINE_BYTES = 1024 * 1024;

/** A folder stands for its `.pullwright.yaml`; any other file is a pipeline. 0 when it is valid, 1 when it is not, 2 when it cannot be read. */
export async function validate(path: string, options: { json?: boolean }): Promise<ExitCode> {
  const file = (await stat(path).catch((error: NodeJS.ErrnoException) => { throw unreadable(path, error); })).isDirectory() ? join(path, REPOSITORY_FILE) : path;
  return basename(file) === REPOSITORY_FILE ? validateRepositoryFile(file, options) : validatePipeline(file, options);
}

async function validateRepositoryFile(file: string, { json }: { json?: boolean }): Promise<ExitCode> {
  const { file: settings, problems } = readRepositoryFile(await read(file, REPOSITORY_FILE_BYTES));
  if (json) printJson({ file, valid: settings !== undefined, ...settings ? { settings } : {}, problems });
  else if (settings) print(`${file}: ${green('valid')}`);
  else for (const { line, column, field, message, remedy } of problems) print(safe(`${file}:${line}:${column}: ${field ? `${field}: ` : ''}${message}. ${remedy}`));
  return settings ? EXIT.ok : EXIT.failure;
}

async function validatePipeline(file: string, { json }: { json?: boolean }): Promise<ExitCode> {
  // Its steps may name agents of AGENTS_FILE.
  loadConfig();
  const { parsePipeline } = await import('../../coordinator/src/engine/pipeline.js');
  try {
    const { definition: { name, version }, order } = parsePipeline((await read(file, PIPELINE_BYTES)).toString('utf8'), file);
    if (json) printJson({ file, valid: true, name, version, steps: order });
    else print(`${name} ${version}: ${order.join(', ')}`);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'bad-request') throw error;
    if (json) printJson({ file, valid: false, problems: [{ message: error.detail }] });
    else say(red(safe(error.message)));
    return EXIT.failure;
  }
}

/** One byte more than allowed is enough to know that it is too large. */
async function read(file: string, most: number): Promise<Buffer> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => { throw unreadable(file, error); });
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(Math.min(size, most + 1));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } catch (error) {
    throw unreadable(file, error as NodeJS.ErrnoException);
  } finally {
    await handle.close();
  }
}

function unreadable(path: string, error: NodeJS.ErrnoException): Exit {
  return new Exit(EXIT.usage, error.code === 'ENOENT' ? `${path} is not there` : `${path} cannot be read (${error.code ?? error.message})`);
}
