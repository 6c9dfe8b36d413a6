import * as fc from 'fast-check';
import { RunEvent, Task, type FailureCode } from '#contracts';
import { pipelineOf, RETRYABLE, RUN_ID, Simulation, type Script } from '../test/simulation.js';
import type { Signal } from './decide.js';
import { replay } from './replay.js';
import { isUndo, keyOf, undone } from './run-state.js';

/** `retry.attempts` is high where the schedule itself may use up tries by letting time limits pass. */
const PIPELINES = {
  chain: pipelineOf(`a: { run: crawler/crawl, retry: { attempts: 90 } }
                     b: { run: crawler/crawl, needs: [a], retry: { attempts: 90 } }
                     c: { run: crawler/crawl, needs: [b], retry: { attempts: 90 } }`),
  diamond: pipelineOf(`a: { run: crawler/crawl, retry: { attempts: 90 } }
                       b: { run: crawler/crawl, needs: [a], undo: pr-publisher/close, retry: { attempts: 90 } }
                       c: { run: crawler/crawl, needs: [a], undo: pr-publisher/close, lock: repository, retry: { attempts: 90 } }
                       d: { run: crawler/crawl, needs: [b, c], undo: pr-publisher/close, retry: { attempts: 90 } }
                       e: { run: crawler/crawl, needs: [d], when: "steps.a.facts.features > 100", retry: { attempts: 90 } }`),
  fan: pipelineOf(`a: { run: crawler/crawl, retry: { attempts: 90 } }
                   f: { run: case-generator/design, needs: [a], forEach: a.features, with: { feature: each }, concurrency: 2, undo: pr-publisher/close, retry: { attempts: 90 } }
                   g: { approve: { roles: [qa] }, needs: [f], when: "steps.f.facts.cases > 1" }
                   w: { run: engineer/write, needs: [a, f, g], with: { map: a.map, cases: f.cases }, retry: { attempts: 90 } }
                   p: { run: pr-publisher/open, needs: [w], with: { map: a.map, bundle: w.bundle }, undo: pr-publisher/close, lock: repository, retry: { attempts: 90 } }`),
} as const;
const pipelines = fc.constantFrom(...Object.values(PIPELINES));

/** What the bus, the clock and a malicious sender do next; `pick` chooses among what there is. */
const schedule = fc.array(fc.record({ what: fc.constantFrom('deliver', 'deliver', 'deliver', 'duplicate', 'redeliver', 'forge', 'back-off', 'time-limit', 'lock'), pick: fc.nat(1000) }), { maxLength: 60 });
type Move = { what: string; pick: number };

/** Fails the first tries of some steps, in a way that a retry mends. */
const hiccups = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'f/0', 'f/1', 'f/2', 'w', 'p'), fc.tuple(fc.constantFrom(...RETRYABLE), fc.integer({ min: 1, max: 3 })))
  .map((plan): Script => (stepId, tries) => { const [code, times] = plan[stepId] ?? []; return code && tries < (times ?? 0) ? code : 'ok'; });
/** Fails some steps for good. */
const doom = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'f/0', 'f/1', 'f/2', 'w', 'p', 'b~undo', 'f/1~undo'), fc.constantFrom<FailureCode>('no-web-front-end', 'nothing-to-test', 'branch-taken'), { minKeys: 0, maxKeys: 3 })
  .map((plan): Script => (stepId) => plan[stepId] ?? 'ok');

/** Signals, and what must hold after every one of them. */
function deliver(simulation: Simulation, signal: Signal): void {
  const before = simulation.run;
  const [eventsBefore, tasksBefore] = [simulation.events.length, simulation.tasks.length];
  simulation.signal(signal);
  const { run } = simulation;
  simulation.events.slice(eventsBefore).forEach((event, index) => { expect(RunEvent.parse(event).seq).toBe(before.seq + index + 1); });
  for (const [key, spec] of Object.entries(simulation.pipeline.definition.steps)) {
    if (!('run' in spec)) continue;
    const elements = [...run.steps.values()].filter((step) => keyOf(step.stepId) === key && step.stepId !== key && !isUndo(step.stepId));
    expect(elements.filter((step) => ['dispatched', 'blocked', 'backing-off'].includes(step.status)).length).toBeLessThanOrEqual(spec.concurrency);
  }
  for (const task of simulation.tasks.slice(tasksBefore)) {
    expect(Task.parse(task).attempt).toBe((before.steps.get(task.stepId)?.attempt ?? 0) + 1);
    if (isUndo(task.stepId)) {
      expect([...run.steps.values()].filter((step) => step.status === 'dispatched' && !isUndo(step.stepId))).toEqual([]);
      expect([...run.steps.values()].filter((step) => isUndo(step.stepId) && ['dispatched', 'backing-off', 'blocked'].includes(step.status))).toHaveLength(1);
    } else {
      if (signal.type !== 'retry') expect(before.ending).toBeUndefined();
      const spec = simulation.pipeline.definition.steps[keyOf(task.stepId)];
      for (const need of spec?.needs ?? []) expect(['succeeded', 'skipped']).toContain(run.steps.get(need)?.status);
      if (spec && 'undo' in spec && spec.undo) expect(run.steps.has(`${task.stepId}~undo`)).toBe(true);
    }
  }
  if (signal.type === 'result') {
    const [was, is] = [before.steps.get(signal.result.stepId), run.steps.get(signal.result.stepId)];
    if (was?.status !== 'dispatched' || was.attempt !== signal.result.attempt) expect(run).toBe(before);
    else expect(is?.status).not.toBe('dispatched');
  }
}

/** Plays the schedule, then lets everything that is still on its way arrive. */
function play(simulation: Simulation, moves: readonly Move[]): Simulation {
  const seen: Signal[] = [];
  const send = (signal: Signal) => { seen.push(signal); deliver(simulation, signal); };
  deliver(simulation, { type: 'start', by: 'ann' });
  for (const { what, pick } of moves) {
    const waiting = simulation.inbox[pick % Math.max(1, simulation.inbox.length)];
    const old = seen[pick % Math.max(1, seen.length)];
    if (what === 'deliver' && waiting) send(simulation.inbox.splice(simulation.inbox.indexOf(waiting), 1)[0] as Signal);
    else if (what === 'duplicate' && waiting) send(waiting);
    else if (what === 'redeliver' && old) deliver(simulation, old);
    else if (what === 'forge' && waiting?.type === 'result') deliver(simulation, { type: 'result', result: { ...waiting.result, attempt: waiting.result.attempt + 1 + (pick % 3) } });
    else if (what === 'back-off') simulation.fire('backing-off');
    else if (what === 'time-limit') simulation.fire('dispatched');
    else if (what === 'cancel') deliver(simulation, { type: 'cancel', by: 'bo' });
    else if (what === 'lock') deliver(simulation, { type: 'lock', stepId: ['c', 'p'][pick % 2] as string, granted: pick % 3 === 0 });
  }
  return replayed(simulation.finish());
}

/** What the events say is all there was: decided again from them alone, it is the same to the last field. */
function replayed(simulation: Simulation): Simulation {
  const { run: { runId, repository, params }, pipeline, events } = simulation;
  const again = replay(pipeline, { runId, repository, params }, events.map((event) => RunEvent.parse(JSON.parse(JSON.stringify(event)))));
  expect(again.difference).toBeUndefined();
  expect(again.run).toEqual({ ...simulation.run, updatedAt: again.run.updatedAt, lastRetry: again.run.lastRetry });
  return simulation;
}

describe('decide, whatever the order of messages', () => {
  test('ends in the same state, however messages are delayed, doubled, lost and sent again', () => {
    fc.assert(fc.property(pipelines, hiccups, schedule, (pipeline, script, moves) => {
      const inOrder = play(new Simulation(pipeline), []);
      const shuffled = play(new Simulation(pipeline, script), moves);
      expect(shuffled.run.status).toBe('succeeded');
      expect(shuffled.outcome()).toEqual(inOrder.outcome());
    }), { numRuns: 300 });
  });

  test('undoes exactly what was started, in reverse, when it fails or is cancelled', () => {
    fc.assert(fc.property(pipelines, doom, schedule, fc.option(fc.nat(12)), (pipeline, script, moves, cancelAfter) => {
      const simulation = new Simulation(pipeline, script);
      const cancel: Signal = { type: 'cancel', by: 'bo' };
      if (cancelAfter === null) play(simulation, moves);
      else {
        deliver(simulation, { type: 'start', by: 'ann' });
        for (let n = 0; n < cancelAfter; n++) { const next = simulation.inbox.shift(); if (next) deliver(simulation, next); }
        deliver(simulation, cancel);
        replayed(simulation.finish());
      }
      const order = [...new Set(simulation.tasks.map((task) => task.stepId))];
      const effects = order.filter((stepId) => !isUndo(stepId) && simulation.run.steps.has(`${stepId}~undo`));
      const undos = order.filter(isUndo).map(undone);
      expect(undos).toEqual(simulation.run.status === 'succeeded' ? [] : effects.toReversed());
      expect([...simulation.run.steps.values()].filter((step) => ['pending', 'dispatched', 'blocked', 'backing-off', 'waiting', 'fanned-out'].includes(step.status))).toEqual([]);
      expect([...simulation.run.steps.values()].filter((step) => step.locked || step.wakeAt !== undefined)).toEqual([]);
    }), { numRuns: 300 });
  });

  test('a retry brings a run that has failed or was cancelled to the end that it would have had', () => {
    fc.assert(fc.property(pipelines, doom, schedule, fc.boolean(), (pipeline, script, moves, cancelled) => {
      let healed = false;
      const simulation = new Simulation(pipeline, (stepId, tries) => (healed ? 'ok' : script(stepId, tries)));
      play(simulation, cancelled ? [...moves.slice(0, 8), { what: 'cancel', pick: 0 }] : moves);
      fc.pre(simulation.run.status !== 'succeeded');
      healed = true;
      deliver(simulation, { type: 'retry', commandId: 'r1', by: 'ann' });
      replayed(simulation.finish());
      expect(simulation.run.status).toBe('succeeded');
      expect(simulation.outcome()).toEqual(play(new Simulation(pipeline), []).outcome());
    }), { numRuns: 200 });
  });

  test('the same signal decides the same twice', () => {
    fc.assert(fc.property(pipelines, hiccups, schedule, (pipeline, script, moves) => {
      const [one, two] = [play(new Simulation(pipeline, script), moves), play(new Simulation(pipeline, script), moves)];
      expect(two.events).toEqual(one.events);
      expect(two.run).toEqual(one.run);
      expect(one.run.runId).toBe(RUN_ID);
    }), { numRuns: 50 });
  });
});
