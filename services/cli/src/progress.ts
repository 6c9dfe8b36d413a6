import type { RunEvent } from '#contracts';
import { FAILURES } from '#contracts';
import type { Followed } from './api.js';
import { dim, green, red, safe, say, sayNow, seconds, yellow } from './terminal.js';

/** What a fan-out has done so far: its elements succeed in any order and are told in one line. */
interface FanOut { count: number; done: number; facts: Record<string, number>; since: number }

/** Tells a run's events, one line a step, with what it counted and how long it took. */
export class Narrator {
  private readonly fanOuts = new Map<string, FanOut>();
  private readonly begun = new Set<string>();

  tell(followed: Followed): void {
    if ('progress' in followed) {
      const { stepId, phase, done, total } = followed.progress;
      sayNow(dim(`  ${stepId}: ${phase} ${done}${total === undefined ? '' : `/${total}`}`));
      return;
    }
    const { event } = followed;
    const [step = '', element] = (event.stepId ?? '').split('/');
    switch (event.type) {
      case 'step-dispatched': this.begun.add(event.stepId ?? ''); sayNow(dim(`  ${event.stepId} …`)); return;
      case 'step-fanned-out': this.fanOuts.set(step, { count: event.count ?? 0, done: 0, facts: {}, since: Date.parse(event.at) }); return;
      case 'step-succeeded':
        if (element !== undefined) this.element(step, event);
        else if (!this.fanOuts.has(step)) this.step(green('✓'), step, found(event.facts ?? {}, 1), event.durationMs);
        return;
      case 'step-skipped': this.step(dim('–'), step, 'skipped'); return;
      case 'step-retrying': this.step(yellow('↻'), event.stepId ?? '', `${whatFailed(event)}; next try in ${seconds(event.delayMs ?? 0)}`); return;
      case 'step-failed': this.step(red('✗'), event.stepId ?? '', whatFailed(event), event.durationMs); return;
      // What never began needs no line of its own when the run ends early.
      case 'step-cancelled': if (this.begun.has(event.stepId ?? '')) this.step(dim('–'), event.stepId ?? '', 'cancelled'); return;
      case 'step-blocked': this.step(dim('…'), step, 'waits for another run on this repository'); return;
      case 'step-queued': this.step(dim('…'), step, 'waits in line for an agent'); return;
      case 'approval-requested': this.step(yellow('?'), step, `waits for ${(event.roles ?? []).join(' or ')}: pullwright approve ${event.runId} ${step} --role ${event.roles?.[0] ?? '<role>'}`); return;
      case 'approval-decided': this.step(event.decision === 'approve' ? green('✓') : red('✗'), step, `${event.decision === 'approve' ? 'approved' : 'rejected'} as ${event.role ?? ''}`); return;
      case 'approval-expired': this.step(red('✗'), step, 'nobody decided in time'); return;
      case 'run-cancelling': say(dim('  cancelling …')); return;
      case 'run-compensating': say(dim('  undoing what was published …')); return;
      case 'undo-parked': this.step(red('!'), event.stepId ?? '', `could not be undone: ${whatFailed(event)}`); return;
      case 'run-started': case 'run-waiting': case 'run-resumed': case 'run-retried': return;
      case 'run-succeeded': case 'run-failed': case 'run-cancelled': sayNow(''); return;
    }
  }

  private element(step: string, event: RunEvent): void {
    const fanOut = this.fanOuts.get(step);
    if (!fanOut) return;
    fanOut.done++;
    for (const [name, value] of Object.entries(event.facts ?? {})) if (typeof value === 'number') fanOut.facts[name] = (fanOut.facts[name] ?? 0) + value;
    if (fanOut.done === fanOut.count) this.step(green('✓'), step, `${found(fanOut.facts, fanOut.count)} · in ${fanOut.count} parts`, Date.parse(event.at) - fanOut.since);
    else sayNow(dim(`  ${step}: ${fanOut.done} of ${fanOut.count}`));
  }

  private step(mark: string, name: string, text: string, durationMs?: number): void {
    sayNow('');
    say(`  ${mark} ${name.padEnd(10)} ${safe(text)}${durationMs === undefined ? '' : dim(`  ${seconds(durationMs)}`)}`);
  }
}

/** What a step has found, and what of it earlier steps had found already. */
function found({ reused, savedMs, ...facts }: Readonly<Record<string, string | number | boolean>>, parts: number): string {
  const saved = reused === undefined ? [] : [`reused${reused === parts ? '' : ` ${reused} of ${parts}`}, saved ${seconds(Number(savedMs))}`];
  return [...saved, ...Object.keys(facts).length > 0 ? [counted(facts)] : []].join(' · ');
}

/** What a model has said and cost: said only when one was asked. */
const OF_MODELS: ReadonlySet<string> = new Set(['proposed', 'accepted', 'inputTokens', 'outputTokens', 'cacheReadTokens', 'costUsd']);

/** Facts in words: `routes 12 · behaviours 40`; commits are shortened. */
function counted(facts: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(facts).filter(([name, value]) => value !== 0 || !OF_MODELS.has(name)).map(([name, value]) => {
    const words = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    return `${words} ${typeof value === 'string' && /^[0-9a-f]{40,64}$/.test(value) ? value.slice(0, 10) : value}`;
  }).join(' · ');
}

function whatFailed({ failure }: RunEvent): string {
  return failure ? `${FAILURES[failure.code].sentence}${failure.detail ? ` (${failure.detail})` : ''}` : 'failed';
}
