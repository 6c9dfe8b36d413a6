import { Failure } from '#contracts';
import { printable } from '../printable.js';
import { startGit } from './git.js';

export interface ObjectReader {
  /** Contents in the order of the ids. Throws `repository-unreadable` when one is not there. */
  read(ids: readonly string[]): Promise<Buffer[]>;
  close(): Promise<void>;
}

/** Ids asked for before their answers are read: small enough that git never waits for us to read while we wait for it to read. */
const WINDOW = 256;

/** One `git cat-file --batch` that answers in the order it is asked. It starts with the first read and serves one `read` after the other. */
export function readObjects(gitDir: string): ObjectReader {
  let child: ReturnType<typeof startGit> | undefined;
  let ended: Promise<void> = Promise.resolve();
  let complaint = '';
  let chunks: AsyncIterator<Buffer> | undefined;
  let rest: Buffer = Buffer.alloc(0);
  let queue: Promise<unknown> = Promise.resolve();

  function start() {
    const started = startGit(gitDir, ['cat-file', '--batch']);
    ended = new Promise((settle) => {
      started.once('exit', () => settle());
      started.once('error', (error) => { complaint = error.message; settle(); });
    });
    started.stderr.on('data', (chunk: Buffer) => { if (complaint.length < 1000) complaint += chunk.toString('utf8'); });
    // A write after git's end fails here; the read that follows reports it.
    started.stdin.on('error', (error) => { complaint ||= error.message; });
    chunks = started.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    child = started;
    return started;
  }

  async function stop(): Promise<void> {
    child?.stdin.end();
    child?.kill();
    child?.stdout.destroy();
    await ended;
    child = undefined;
    rest = Buffer.alloc(0);
    complaint = '';
  }

  async function more(): Promise<Buffer> {
    const next = await chunks?.next();
    if (!next || next.done) throw new Failure('repository-unreadable', `git cat-file ended: ${printable(complaint)}`);
    return next.value;
  }

  async function take(bytes: number): Promise<Buffer> {
    const parts = [rest];
    let have = rest.length;
    while (have < bytes) {
      const chunk = await more();
      parts.push(chunk);
      have += chunk.length;
    }
    const all = parts.length === 1 ? rest : Buffer.concat(parts, have);
    rest = all.subarray(bytes);
    return all.subarray(0, bytes);
  }

  async function takeLine(): Promise<string> {
    while (!rest.includes(10)) rest = Buffer.concat([rest, await more()]);
    return (await take(rest.indexOf(10) + 1)).toString('latin1').trimEnd();
  }

  async function readAll(ids: readonly string[]): Promise<Buffer[]> {
    const contents: Buffer[] = [];
    const { stdin } = child ?? start();
    for (let from = 0; from < ids.length; from += WINDOW) {
      const window = ids.slice(from, from + WINDOW);
      stdin.write(window.map((id) => `${id}\n`).join(''));
      for (const id of window) {
        const [, kind, size] = (await takeLine()).split(' ');
        if (kind === undefined || size === undefined) throw new Failure('repository-unreadable', `object ${id} is missing`);
        // Copied: a slice would keep the whole chunk, and with it its neighbours, alive.
        contents.push(Buffer.from(await take(Number(size))));
        await take(1);
      }
    }
    return contents;
  }

  return {
    read(ids) {
      const answer = queue.then(() => readAll(ids)).catch(async (error: unknown) => {
        // Answers to the rest of the window are still in the pipe: the next read begins with a git of its own.
        await stop();
        throw error;
      });
      // The next read waits for this one; whether it failed is this caller's matter.
      queue = answer.then(() => undefined, () => undefined);
      return answer;
    },
    close: stop,
  };
}
