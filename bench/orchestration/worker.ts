/** A worker process: `worker <module> <assignment>`. It lives until it is told to end, or its parent is gone. */
import type { Assignment, Work } from './workers.js';

const [moduleUrl, assignment] = process.argv.slice(2) as [string, string];
process.once('disconnect', () => process.exit());
// Ctrl-C reaches the whole group; the parent ends its workers in order.
process.on('SIGINT', () => undefined);
process.once('SIGTERM', () => process.exit());
const tell = (message: { ready: true } | { done: string }) => { process.send?.(message); };
const { work } = await import(moduleUrl) as { work: Work };
await work(JSON.parse(assignment) as Assignment, (run) => { tell({ done: run }); });
tell({ ready: true });
