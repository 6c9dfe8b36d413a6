/**
 * Named places at which a process can be made to end, so that it can be proved that nothing is lost there: `npm run chaos` does. `PULLWRIGHT_CRASH_AT=saga.after-commit:3` ends the
 * process with SIGKILL, nothing flushed, when it passes that place for the third time. Off unless set: a place then costs one comparison.
 *
 *   saga.before-commit · saga.after-commit               around the transaction of a batch; after it nothing is published yet
 *   dispatcher.published                                 the bus has a batch's messages, the outbox does not know it
 *   commands.before-reply                                carried out, and nobody told
 *   bus.before-publish · bus.before-puback · bus.after-publish
 *   bus.before-ack · bus.after-ack
 *   agent.task-received · agent.handler-done · agent.outputs-stored · agent.result-published
 */
let armed: { name: string; left: number } | undefined;

/** `at`: `<name>:<n>`, as the option's schema has checked it. */
export function armCrashPoint(at: string): void {
  const [name, count] = at.split(':') as [string, string];
  armed = { name, left: Number(count) };
}

/** Whether that place is armed: for one that would have to wait for something that nobody else waits for. */
export const isCrashPoint = (name: string): boolean => armed?.name === name;

/** The process passes the place with this name. */
export function crashPoint(name: string): void {
  if (armed?.name !== name) return;
  armed.left -= 1;
  if (armed.left === 0) process.kill(process.pid, 'SIGKILL');
}
