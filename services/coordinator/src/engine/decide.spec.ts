import { Simulation, artifact, failed, pipelineOf, succeeded } from '../test/simulation.js';
import type { Signal } from './decide.js';
import { GRACE_MS } from './step.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** The step's attempt is the first unless said otherwise. */
const ok = (stepId: string, agent: string, attempt = 1, items = 2): Signal => ({ type: 'result', result: succeeded({ stepId, agent, attempt }, { items }) });
const bad = (stepId: string, agent: string, code: Parameters<typeof failed>[1], attempt = 1): Signal => ({ type: 'result', result: failed({ stepId, agent, attempt }, code) });
const start: Signal = { type: 'start', by: 'ann' };
const cancel: Signal = { type: 'cancel', by: 'ann' };
const CRAWL = 'crawler/crawl';
const DESIGN = 'case-generator/design';

const CHAIN = `a: { run: crawler/crawl }
               b: { run: crawler/crawl, needs: [a] }`;
const DIAMOND = `a: { run: crawler/crawl }
                 b: { run: crawler/crawl, needs: [a] }
                 c: { run: crawler/crawl, needs: [a] }
                 d: { run: crawler/crawl, needs: [b, c] }`;
const FAN = `a: { run: crawler/crawl }
             f: { run: case-generator/design, needs: [a], forEach: a.features, with: { feature: each }, concurrency: 2 }
             z: { run: engineer/write, needs: [a, f], with: { map: a.map, cases: f.cases } }`;
const GATE = `a: { run: crawler/crawl }
              g: { approve: { roles: [qa-lead, sponsor], expires: 1h }, needs: [a] }
              b: { run: crawler/crawl, needs: [g] }`;
const WHEN = `a: { run: crawler/crawl }
              b: { run: crawler/crawl, needs: [a], when: "steps.a.facts.routes > 3" }
              c: { run: crawler/crawl, needs: [b] }`;
const UNDO = `a: { run: crawler/crawl, undo: pr-publisher/close }
              b: { run: crawler/crawl, needs: [a], undo: pr-publisher/close }
              c: { run: crawler/crawl, needs: [b] }`;
const PUBLISH = `a: { run: crawler/crawl }
                 f: { run: case-generator/design, needs: [a], forEach: a.features, with: { feature: each } }
                 w: { run: engineer/write, needs: [a, f], with: { map: a.map, cases: f.cases } }
                 p: { run: pr-publisher/open, needs: [a, w], with: { map: a.map, bundle: w.bundle }, undo: pr-publisher/close }
                 z: { run: crawler/crawl, needs: [p] }`;
const LOCK = `a: { run: crawler/crawl, lock: repository }`;

interface Case {
  name: string;
  steps: string;
  given: readonly Signal[];
  /** Milliseconds between what was given and the signal. */
  after?: number;
  when: Signal;
  /** `type step`; only the event's type for events of the run. */
  events: readonly string[];
  /** `step#attempt`. */
  commands?: readonly string[];
  run: string;
  states?: Record<string, string>;
  refused?: string;
}

const CASES: readonly Case[] = [
  { name: 'a start dispatches what needs nothing', steps: CHAIN, given: [], when: start, events: ['run-started', 'step-dispatched a'], commands: ['a#1'], run: 'running', states: { a: 'dispatched', b: 'pending' } },
  { name: 'a second start changes nothing', steps: CHAIN, given: [start], when: start, events: [], run: 'running' },
  { name: 'a result dispatches what needed it', steps: CHAIN, given: [start], when: ok('a', CRAWL), events: ['step-succeeded a', 'step-dispatched b'], commands: ['b#1'], run: 'running' },
  { name: 'a second copy of a result changes nothing', steps: CHAIN, given: [start, ok('a', CRAWL)], when: ok('a', CRAWL), events: [], run: 'running', states: { a: 'succeeded', b: 'dispatched' } },
  { name: 'a result of another attempt changes nothing', steps: CHAIN, given: [start], when: ok('a', CRAWL, 2), events: [], run: 'running', states: { a: 'dispatched' } },
  { name: 'a result of another agent changes nothing', steps: CHAIN, given: [start], when: ok('a', DESIGN), events: [], run: 'running' },
  { name: 'a result of a step that is not there changes nothing', steps: CHAIN, given: [start], when: ok('x', CRAWL), events: [], run: 'running' },
  { name: 'the last result ends the run', steps: CHAIN, given: [start, ok('a', CRAWL)], when: ok('b', CRAWL), events: ['step-succeeded b', 'run-succeeded'], run: 'succeeded' },
  { name: 'branches of a diamond go at once', steps: DIAMOND, given: [start], when: ok('a', CRAWL), events: ['step-succeeded a', 'step-dispatched b', 'step-dispatched c'], commands: ['b#1', 'c#1'], run: 'running' },
  { name: 'a join waits for both branches', steps: DIAMOND, given: [start, ok('a', CRAWL)], when: ok('b', CRAWL), events: ['step-succeeded b'], run: 'running', states: { d: 'pending' } },
  { name: 'a join goes on after the second branch', steps: DIAMOND, given: [start, ok('a', CRAWL), ok('c', CRAWL)], when: ok('b', CRAWL), events: ['step-succeeded b', 'step-dispatched d'], commands: ['d#1'], run: 'running' },
  { name: 'a fan-out starts as many as it may', steps: FAN, given: [start], when: ok('a', CRAWL, 1, 3), events: ['step-succeeded a', 'step-fanned-out f', 'step-dispatched f/0', 'step-dispatched f/1'], commands: ['f/0#1', 'f/1#1'], run: 'running', states: { f: 'fanned-out', 'f/2': 'pending' } },
  { name: 'an element’s end makes room for the next', steps: FAN, given: [start, ok('a', CRAWL, 1, 3)], when: ok('f/1', DESIGN), events: ['step-succeeded f/1', 'step-dispatched f/2'], commands: ['f/2#1'], run: 'running' },
  { name: 'the last element ends the fan-out', steps: FAN, given: [start, ok('a', CRAWL), ok('f/0', DESIGN)], when: ok('f/1', DESIGN), events: ['step-succeeded f/1', 'step-succeeded f', 'step-dispatched z'], commands: ['z#1'], run: 'running' },
  { name: 'a fan-out over nothing succeeds at once', steps: FAN, given: [start], when: ok('a', CRAWL, 1, 0), events: ['step-succeeded a', 'step-fanned-out f', 'step-succeeded f', 'step-dispatched z'], commands: ['z#1'], run: 'running' },
  { name: 'a failed element lets the others finish and starts no more', steps: FAN, given: [start, ok('a', CRAWL, 1, 3)], when: bad('f/0', DESIGN, 'nothing-to-test'), events: ['step-failed f/0', 'step-cancelled z'], run: 'running', states: { 'f/1': 'dispatched', 'f/2': 'cancelled', f: 'fanned-out' } },
  { name: 'then the run fails with the element’s failure', steps: FAN, given: [start, ok('a', CRAWL, 1, 3), bad('f/0', DESIGN, 'nothing-to-test')], when: ok('f/1', DESIGN), events: ['step-succeeded f/1', 'step-failed f', 'run-failed'], run: 'failed', states: { 'f/1': 'succeeded' } },
  { name: 'a false condition skips, and skipped satisfies what comes after', steps: WHEN, given: [start], when: { type: 'result', result: { ...succeeded({ stepId: 'a', agent: CRAWL, attempt: 1 }, { facts: { routes: 3 } }) } }, events: ['step-succeeded a', 'step-skipped b', 'step-dispatched c'], commands: ['c#1'], run: 'running' },
  { name: 'a true condition runs', steps: WHEN, given: [start], when: { type: 'result', result: succeeded({ stepId: 'a', agent: CRAWL, attempt: 1 }, { facts: { routes: 4 } }) }, events: ['step-succeeded a', 'step-dispatched b'], commands: ['b#1'], run: 'running' },
  { name: 'a condition that cannot be evaluated fails the run', steps: WHEN, given: [start], when: ok('a', CRAWL), events: ['step-succeeded a', 'step-failed b', 'step-cancelled c', 'run-failed'], run: 'failed' },
  { name: 'a retryable failure backs off', steps: CHAIN, given: [start], when: bad('a', CRAWL, 'agent-crashed'), events: ['step-retrying a'], run: 'running', states: { a: 'backing-off' } },
  { name: 'a timer before its time changes nothing', steps: CHAIN, given: [start, bad('a', CRAWL, 'agent-crashed')], after: SECOND - 1, when: { type: 'timer', stepId: 'a' }, events: [], run: 'running' },
  { name: 'after the back-off it is dispatched with the next attempt', steps: CHAIN, given: [start, bad('a', CRAWL, 'agent-crashed')], after: SECOND, when: { type: 'timer', stepId: 'a' }, events: ['step-dispatched a'], commands: ['a#2'], run: 'running' },
  { name: 'a late result of the first attempt no longer counts', steps: CHAIN, given: [start, bad('a', CRAWL, 'agent-crashed')], when: ok('a', CRAWL), events: [], run: 'running', states: { a: 'backing-off' } },
  { name: 'a failure that no retry can mend ends the run', steps: CHAIN, given: [start], when: bad('a', CRAWL, 'no-web-front-end'), events: ['step-failed a', 'step-cancelled b', 'run-failed'], run: 'failed' },
  { name: 'no answer within limit and grace is a failure', steps: CHAIN, given: [start], after: 10 * MINUTE + GRACE_MS, when: { type: 'timer', stepId: 'a' }, events: ['step-retrying a'], run: 'running' },
  { name: 'within limit and grace there is still time', steps: CHAIN, given: [start], after: 10 * MINUTE + GRACE_MS - 1, when: { type: 'timer', stepId: 'a' }, events: [], run: 'running' },
  { name: 'outputs that break the contract are a failure', steps: CHAIN, given: [start], when: { type: 'result', result: { ...succeeded({ stepId: 'a', agent: CRAWL, attempt: 1 }), outputs: { map: artifact('m') } } as never }, events: ['step-retrying a'], run: 'running' },
  { name: 'an approval waits and holds nothing', steps: GATE, given: [start], when: ok('a', CRAWL), events: ['step-succeeded a', 'approval-requested g', 'run-waiting'], run: 'waiting', states: { g: 'waiting' } },
  { name: 'an approval goes on', steps: GATE, given: [start, ok('a', CRAWL)], when: { type: 'approval', by: 'bo', stepId: 'g', decision: 'approve', role: 'sponsor' }, events: ['approval-decided g', 'step-succeeded g', 'step-dispatched b', 'run-resumed'], commands: ['b#1'], run: 'running' },
  { name: 'a rejection ends the run', steps: GATE, given: [start, ok('a', CRAWL)], when: { type: 'approval', by: 'bo', stepId: 'g', decision: 'reject', role: 'qa-lead' }, events: ['approval-decided g', 'step-failed g', 'step-cancelled b', 'run-failed'], run: 'failed' },
  { name: 'a role that the gate does not name is refused', steps: GATE, given: [start, ok('a', CRAWL)], when: { type: 'approval', by: 'bo', stepId: 'g', decision: 'approve', role: 'intern' }, events: [], run: 'waiting', refused: 'bad-request' },
  { name: 'a step that is no gate cannot be approved', steps: GATE, given: [start], when: { type: 'approval', by: 'bo', stepId: 'a', decision: 'approve', role: 'qa-lead' }, events: [], run: 'running', refused: 'bad-request' },
  { name: 'a gate that is not reached cannot be approved', steps: GATE, given: [start], when: { type: 'approval', by: 'bo', stepId: 'g', decision: 'approve', role: 'qa-lead' }, events: [], run: 'running', refused: 'wrong-state' },
  { name: 'a gate expires', steps: GATE, given: [start, ok('a', CRAWL)], after: 60 * MINUTE, when: { type: 'timer', stepId: 'g' }, events: ['approval-expired g', 'step-failed g', 'step-cancelled b', 'run-failed'], run: 'failed' },
  { name: 'a failure undoes in reverse, one at a time', steps: UNDO, given: [start, ok('a', CRAWL), ok('b', CRAWL)], when: bad('c', CRAWL, 'no-web-front-end'), events: ['step-failed c', 'run-compensating', 'step-dispatched b~undo'], commands: ['b~undo#1'], run: 'compensating', states: { 'a~undo': 'pending' } },
  { name: 'the next undo follows', steps: UNDO, given: [start, ok('a', CRAWL), ok('b', CRAWL), bad('c', CRAWL, 'no-web-front-end')], when: ok('b~undo', 'pr-publisher/close'), events: ['step-succeeded b~undo', 'step-dispatched a~undo'], commands: ['a~undo#1'], run: 'compensating' },
  { name: 'an undo that fails for good is parked, and the next goes on', steps: UNDO, given: [start, ok('a', CRAWL), ok('b', CRAWL), bad('c', CRAWL, 'no-web-front-end')], when: bad('b~undo', 'pr-publisher/close', 'branch-taken'), events: ['undo-parked b~undo', 'step-dispatched a~undo'], commands: ['a~undo#1'], run: 'compensating' },
  { name: 'a step that failed is undone too: it may have done half of it', steps: UNDO, given: [start], when: bad('a', CRAWL, 'no-web-front-end'), events: ['step-failed a', 'step-cancelled b', 'step-cancelled c', 'run-compensating', 'step-dispatched a~undo'], commands: ['a~undo#1'], run: 'compensating' },
  { name: 'a cancel drops what is at work', steps: CHAIN, given: [start], when: cancel, events: ['run-cancelling', 'step-cancelled a', 'step-cancelled b', 'run-cancelled'], run: 'cancelled' },
  { name: 'a result after the cancel changes nothing', steps: CHAIN, given: [start, cancel], when: ok('a', CRAWL), events: [], run: 'cancelled' },
  { name: 'a cancel waits for a step that has an undo', steps: UNDO, given: [start], when: cancel, events: ['run-cancelling', 'step-cancelled b', 'step-cancelled c'], run: 'cancelling', states: { a: 'dispatched' } },
  { name: 'and undoes it when it has ended', steps: UNDO, given: [start, cancel], when: bad('a', CRAWL, 'cancelled'), events: ['step-cancelled a', 'run-compensating', 'step-dispatched a~undo'], commands: ['a~undo#1'], run: 'compensating' },
  { name: 'a second cancel is repeated', steps: UNDO, given: [start, cancel], when: cancel, events: [], run: 'cancelling' },
  { name: 'an ended run cannot be cancelled', steps: CHAIN, given: [start, ok('a', CRAWL), ok('b', CRAWL)], when: cancel, events: [], run: 'succeeded', refused: 'wrong-state' },
  { name: 'a lock is asked for, not taken', steps: LOCK, given: [], when: start, events: ['run-started'], run: 'running', states: { a: 'blocked' } },
  { name: 'a step that did not get its lock says so', steps: LOCK, given: [start], when: { type: 'lock', stepId: 'a', granted: false }, events: ['step-blocked a'], run: 'running', states: { a: 'blocked' } },
  { name: 'a granted lock dispatches', steps: LOCK, given: [start], when: { type: 'lock', stepId: 'a', granted: true }, events: ['step-dispatched a'], commands: ['a#1'], run: 'running' },
  { name: 'a run that has not ended cannot be retried', steps: CHAIN, given: [start], when: { type: 'retry', commandId: 'r1', by: 'ann' }, events: [], run: 'running', refused: 'wrong-state' },
  { name: 'a retry begins with what failed and keeps what succeeded', steps: CHAIN, given: [start, ok('a', CRAWL), bad('b', CRAWL, 'no-web-front-end')], when: { type: 'retry', commandId: 'r1', by: 'ann' }, events: ['run-retried', 'step-dispatched b'], commands: ['b#2'], run: 'running', states: { a: 'succeeded' } },
  { name: 'a second copy of a retry does not retry again', steps: CHAIN, given: [start, bad('a', CRAWL, 'no-web-front-end'), { type: 'retry', commandId: 'r1', by: 'ann' }, bad('a', CRAWL, 'no-web-front-end', 2)], when: { type: 'retry', commandId: 'r1', by: 'ann' }, events: [], run: 'failed' },
  { name: 'a late copy of a retry does not retry again, although another retry came between', steps: CHAIN, given: [start, bad('a', CRAWL, 'no-web-front-end'), { type: 'retry', commandId: 'r1', by: 'ann' }, bad('a', CRAWL, 'no-web-front-end', 2), { type: 'retry', commandId: 'r2', by: 'bo' }, bad('a', CRAWL, 'no-web-front-end', 3)], when: { type: 'retry', commandId: 'r1', by: 'ann' }, events: [], run: 'failed' },
  { name: 'a retry from a step takes all behind it', steps: DIAMOND, given: [start, ok('a', CRAWL), ok('b', CRAWL), ok('c', CRAWL), ok('d', CRAWL)], when: { type: 'retry', commandId: 'r1', by: 'ann', fromStep: 'b' }, events: ['run-retried b', 'step-dispatched b'], commands: ['b#2'], run: 'running', states: { a: 'succeeded', c: 'succeeded', d: 'pending' } },
  { name: 'a retry keeps the good elements', steps: FAN, given: [start, ok('a', CRAWL), ok('f/0', DESIGN), bad('f/1', DESIGN, 'nothing-to-test')], when: { type: 'retry', commandId: 'r1', by: 'ann' }, events: ['run-retried', 'step-dispatched f/1'], commands: ['f/1#2'], run: 'running', states: { 'f/0': 'succeeded', f: 'fanned-out' } },
  { name: 'a retry from a step that is not there is refused', steps: CHAIN, given: [start, bad('a', CRAWL, 'no-web-front-end')], when: { type: 'retry', commandId: 'r1', by: 'ann', fromStep: 'x' }, events: [], run: 'failed', refused: 'bad-request' },
  { name: 'a retry takes undone steps again', steps: UNDO, given: [start, ok('a', CRAWL), bad('b', CRAWL, 'no-web-front-end'), ok('b~undo', 'pr-publisher/close'), ok('a~undo', 'pr-publisher/close')], when: { type: 'retry', commandId: 'r1', by: 'ann' }, events: ['run-retried', 'step-dispatched a'], commands: ['a#2'], run: 'running', states: { b: 'pending', 'b~undo': 'succeeded', 'a~undo': 'pending' } },
];

/** Locks are answered by hand here, unlike in the simulation's own signals. */
function play(steps: string, signals: readonly Signal[]): Simulation {
  const simulation = new Simulation(pipelineOf(steps));
  const byHand = steps === LOCK;
  for (const signal of signals) simulation.signal(signal, { grant: !byHand });
  return simulation;
}

describe('decide', () => {
  test.each(CASES)('$name', ({ steps, given, after = 0, when, events, commands = [], run, states = {}, refused }) => {
    const simulation = play(steps, given);
    simulation.at += after;
    const decision = simulation.signal(when, { grant: steps !== LOCK });
    expect(decision.events.map((event) => [event.type, event.stepId].filter(Boolean).join(' '))).toEqual(events);
    expect(decision.commands.map((task) => `${task.stepId}#${task.attempt}`)).toEqual(commands);
    expect(decision.run.status).toBe(run);
    expect(simulation.statuses()).toMatchObject(states);
    expect(decision.refused?.code).toBe(refused);
    if (events.length === 0) expect(decision.changed).toEqual([]);
  });

  test('does not touch what it is given', () => {
    const simulation = play(FAN, [start]);
    const before = simulation.run;
    const copy = structuredClone({ ...before, steps: [...before.steps] });
    simulation.signal(ok('a', CRAWL));
    expect({ ...before, steps: [...before.steps] }).toEqual(copy);
  });

  test('gives an element its artifact, and the step after it all outputs in the order of the list', () => {
    const simulation = play(FAN, [start, ok('a', CRAWL, 1, 3), ok('f/1', DESIGN), ok('f/2', DESIGN), ok('f/0', DESIGN)]);
    const inputs = Object.fromEntries(simulation.tasks.map((task) => [task.stepId, task.inputs]));
    expect(inputs['f/1']).toEqual({ feature: artifact('a.features.1') });
    expect(inputs['z']).toEqual({ map: artifact('a.map'), cases: [artifact('f/0.cases'), artifact('f/1.cases'), artifact('f/2.cases')] });
  });

  test('backs off exponentially up to the longest delay, then fails', () => {
    const simulation = new Simulation(pipelineOf('a: { run: crawler/crawl, retry: { attempts: 5, delay: 1s, factor: 3, maxDelay: 10s } }'), () => 'agent-crashed');
    simulation.signal(start);
    simulation.finish();
    expect(simulation.events.flatMap((event) => event.delayMs ?? [])).toEqual([1000, 3000, 9000, 10_000]);
    expect(simulation.run).toMatchObject({ status: 'failed', failure: { code: 'agent-crashed' } });
  });

  test('an element that waits for its next try keeps its place under the limit', () => {
    const simulation = play(FAN, [start, ok('a', CRAWL, 1, 3), bad('f/0', DESIGN, 'agent-crashed')]);
    expect(simulation.statuses()).toMatchObject({ 'f/0': 'backing-off', 'f/1': 'dispatched', 'f/2': 'pending' });
  });

  test('the run’s failure is that of the step that failed first', () => {
    const simulation = play(DIAMOND, [start, ok('a', CRAWL), bad('c', CRAWL, 'nothing-to-test'), bad('b', CRAWL, 'no-web-front-end')]);
    expect(simulation.run).toMatchObject({ status: 'failed', failure: { code: 'nothing-to-test' } });
  });

  test('an undo gets the outputs of its step, and none when the step has none', () => {
    const steps = `a: { run: crawler/crawl }
                   w: { run: engineer/write, needs: [a, f], with: { map: a.map, cases: f.cases } }
                   f: { run: case-generator/design, needs: [a], forEach: a.features, with: { feature: each } }
                   p: { run: pr-publisher/open, needs: [w], with: { map: a.map, bundle: w.bundle }, undo: pr-publisher/close, lock: repository }
                   g: { approve: { roles: [boss] }, needs: [p] }`;
    const simulation = new Simulation(pipelineOf(steps));
    simulation.signal(start);
    while (simulation.run.status !== 'waiting') simulation.signal(simulation.inbox.shift() as Signal);
    simulation.signal(cancel);
    const undo = simulation.tasks.at(-1);
    expect(undo).toMatchObject({ stepId: 'p~undo', agent: 'pr-publisher/close', inputs: { pullRequest: artifact('p.pullRequest') } });
  });

  test('inputs that would not fit into one message fail the step', () => {
    const simulation = new Simulation(pipelineOf(FAN), () => 'ok', {}, 200);
    simulation.signal(start);
    simulation.finish();
    expect(simulation.run).toMatchObject({ status: 'failed', failure: { code: 'message-too-large' } });
  });

  test('nothing but its start counts for a run that has not begun', () => {
    const simulation = new Simulation(pipelineOf(CHAIN));
    expect(simulation.signal(cancel)).toMatchObject({ counted: false, events: [], refused: { code: 'unknown-run' } });
    simulation.signal(start);
    expect(simulation.run.status).toBe('running');
  });

  test('a parked undo is still to be done when its step did not begin again', () => {
    const simulation = play(UNDO, [start, ok('a', CRAWL), ok('b', CRAWL), bad('c', CRAWL, 'no-web-front-end'), bad('b~undo', 'pr-publisher/close', 'branch-taken'), ok('a~undo', 'pr-publisher/close')]);
    expect(simulation.run.status).toBe('failed');
    simulation.signal({ type: 'retry', commandId: 'r1', by: 'ann' });
    simulation.signal(bad('a', CRAWL, 'no-web-front-end', 2));
    expect(simulation.statuses()).toMatchObject({ b: 'cancelled', 'b~undo': 'pending', 'a~undo': 'dispatched' });
    simulation.finish();
    expect(simulation.tasks.slice(-2).map((task) => task.stepId)).toEqual(['a~undo', 'b~undo']);
  });

  test('what a run that had succeeded has made is undone when its retry fails, also by steps that did not begin again', () => {
    const simulation = play(PUBLISH, [start, ok('a', CRAWL, 1, 1), ok('f/0', DESIGN), ok('w', 'engineer/write'), ok('p', 'pr-publisher/open'), ok('z', CRAWL)]);
    expect(simulation.run.status).toBe('succeeded');
    simulation.signal({ type: 'retry', commandId: 'r1', by: 'ann', fromStep: 'a' });
    simulation.signal(bad('a', CRAWL, 'no-web-front-end', 2));
    expect(simulation.tasks.at(-1)).toMatchObject({ stepId: 'p~undo', inputs: { pullRequest: artifact('p.pullRequest') } });
    simulation.finish();
    expect(simulation.run.status).toBe('failed');
    simulation.signal({ type: 'retry', commandId: 'r2', by: 'ann' });
    simulation.signal(bad('a', CRAWL, 'no-web-front-end', 3));
    expect(simulation.run.status).toBe('failed');
    expect(simulation.tasks.filter((task) => task.stepId === 'p~undo')).toHaveLength(1);
  });

  test('an undo that a retry has left to be done stands where its step began last', () => {
    const simulation = play(UNDO, [start, ok('a', CRAWL), ok('b', CRAWL), bad('c', CRAWL, 'no-web-front-end'), bad('b~undo', 'pr-publisher/close', 'branch-taken'), ok('a~undo', 'pr-publisher/close')]);
    simulation.signal({ type: 'retry', commandId: 'r1', by: 'ann' });
    for (const signal of [ok('a', CRAWL, 2), ok('b', CRAWL, 2), bad('c', CRAWL, 'no-web-front-end', 2)]) simulation.signal(signal);
    expect(simulation.statuses()).toMatchObject({ 'b~undo': 'dispatched', 'a~undo': 'pending' });
  });

  test('a shorter list after a retry leaves no element behind', () => {
    const simulation = play(FAN, [start, ok('a', CRAWL, 1, 3), ok('f/0', DESIGN), ok('f/1', DESIGN), ok('f/2', DESIGN), ok('z', 'engineer/write')]);
    simulation.signal({ type: 'retry', commandId: 'r1', by: 'ann', fromStep: 'a' });
    simulation.signal(ok('a', CRAWL, 2, 1));
    expect(simulation.statuses()).toMatchObject({ 'f/0': 'dispatched', 'f/1': 'skipped', 'f/2': 'skipped' });
    simulation.signal(ok('f/0', DESIGN, 2));
    simulation.signal(ok('z', 'engineer/write', 2));
    expect(simulation.run.status).toBe('succeeded');
    expect(simulation.signal({ type: 'retry', commandId: 'r2', by: 'ann', fromStep: 'f/2' })).toMatchObject({ counted: false, refused: { code: 'bad-request' } });
    expect(simulation.signal({ type: 'retry', commandId: 'r3', by: 'ann', fromStep: 'f/0' }).commands).toMatchObject([{ stepId: 'f/0', attempt: 3 }]);
  });
});
