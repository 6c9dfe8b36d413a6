import { setTimeout as sleep } from 'node:timers/promises';
import type { RunView } from '#contracts';
import type { Api } from './api.js';
import { Narrator } from './progress.js';
import { say } from './terminal.js';

const CANCEL_LIMIT_MS = 30_000;

/** What ended the watch: the run itself, or a person. */
export interface Watched { run: RunView; interrupted: boolean }

/**
 * Tells a run until it ends. The first Ctrl-C (or SIGTERM) cancels the run and goes on watching until that is done; the second one stops watching.
 */
export async function watch(api: Api, runId: string): Promise<Watched> {
  const narrator = new Narrator();
  const stop = new AbortController();
  let interrupts = 0;
  let timer: NodeJS.Timeout | undefined;
  const interrupt = () => {
    interrupts++;
    if (interrupts > 1) { stop.abort(); return; }
    say('Cancelling the run; once more stops waiting for it.');
    timer = setTimeout(() => stop.abort(), CANCEL_LIMIT_MS);
    // A run that has ended meanwhile refuses, and the watch ends with it.
    api.cancel(runId).catch((error: unknown) => say(error instanceof Error ? error.message : String(error)));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    for await (const followed of api.follow(runId, stop.signal)) narrator.tell(followed);
    return { run: await settled(api, runId, stop.signal), interrupted: interrupts > 0 };
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** The last event may be read a moment before the run's row is: the view is asked again until it says that the run is over. */
async function settled(api: Api, runId: string, signal: AbortSignal): Promise<RunView> {
  for (;;) {
    const run = await api.run(runId);
    if (run.finishedAt !== undefined || signal.aborted) return run;
    await sleep(100);
  }
}
