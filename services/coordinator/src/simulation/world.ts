import { FAULTS, type Fault } from './faults.js';
import { Random } from './random.js';

/** Faults in one world at most: then it calms down, so that what was begun can end. */
const FAULTS_AT_MOST = 600;
/** Jobs in one world at most. A world that has more to do does not come to rest. */
const JOBS_AT_MOST = 100_000;
/** The database's clock when a world begins: 2026-01-01. */
const BEGINNING = 1_767_225_600_000;

interface Job { readonly at: number; readonly number: number; readonly work: () => void }

/**
 * Time, chance and order of one simulated world. Everything that takes time is a job of its agenda; jobs are done one after the other by their time, and after each the promises of the
 * real code settle before the next begins. There is no other clock and no other chance in it, so a seed decides all that happens.
 */
export class World {
  readonly random: Random;
  /** Milliseconds since it began. */
  now = 0;
  readonly injected = new Map<Fault, number>();
  /** What happened, line by line, when somebody wants to read it. */
  readonly lines: string[] | undefined;
  private readonly rates = new Map<Fault, number>();
  private readonly agenda: Job[] = [];
  private jobs = 0;
  private planned = 0;
  private faults = 0;
  private clockOffset = 0;
  private stirred = false;
  private hash = 0x811c9dc5;

  constructor(seed: number, { record = false }: { record?: boolean } = {}) {
    this.random = new Random(seed);
    this.lines = record ? [] : undefined;
    for (const [fault, rate] of Object.entries(FAULTS) as Array<[Fault, number]>) this.rates.set(fault, this.random.chance(0.6) ? rate * this.random.pick([0.3, 1, 1, 4]) : 0);
  }

  /** The database's clock. */
  readonly clock = (): number => BEGINNING + this.now + this.clockOffset;
  moveClock(ms: number): void { this.clockOffset += ms; }

  /** How many jobs were done. */
  get size(): number { return this.jobs; }
  get restless(): boolean { return this.jobs >= JOBS_AT_MOST; }
  /** Of everything that was noted, in order. */
  get traceHash(): string { return (this.hash >>> 0).toString(16).padStart(8, '0'); }

  after(ms: number, work: () => void): void {
    this.push({ at: this.now + Math.max(0, ms), number: this.planned++, work });
  }

  /** The real code has been called or answered: its promises settle before the next job. */
  stir(): void { this.stirred = true; }

  /** Whether this fault happens now. */
  strikes(fault: Fault): boolean {
    const rate = this.rates.get(fault) ?? 0;
    if (rate === 0 || this.faults >= FAULTS_AT_MOST || !this.random.chance(rate)) return false;
    this.inject(fault);
    return true;
  }

  inject(fault: Fault): void {
    this.faults++;
    this.injected.set(fault, (this.injected.get(fault) ?? 0) + 1);
    this.note(`! ${fault}`);
  }

  /** `detail`: for whoever reads it; not part of the trace. */
  note(line: string, detail?: () => string): void {
    for (let index = 0; index < line.length; index++) this.hash = Math.imul(this.hash ^ line.charCodeAt(index), 0x01000193);
    this.hash = Math.imul(this.hash ^ this.now, 0x01000193);
    this.lines?.push(`${String(this.now).padStart(9)} ${line}${detail ? `: ${detail()}` : ''}`);
  }

  /** Until nothing is left to do. */
  async run(): Promise<void> {
    for (let job = this.pop(); job && !this.restless; job = this.pop()) {
      this.now = job.at;
      this.jobs++;
      job.work();
      if (!this.stirred) continue;
      this.stirred = false;
      await new Promise(setImmediate);
    }
  }

  private push(job: Job): void {
    const { agenda } = this;
    let index = agenda.length;
    agenda.push(job);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = agenda[parent] as Job;
      if (!isBefore(job, above)) break;
      agenda[index] = above;
      index = parent;
    }
    agenda[index] = job;
  }

  private pop(): Job | undefined {
    const { agenda } = this;
    const [first] = agenda;
    const last = agenda.pop();
    if (!last || agenda.length === 0) return first;
    let index = 0;
    for (let child = 1; child < agenda.length; child = 2 * index + 1) {
      if (child + 1 < agenda.length && isBefore(agenda[child + 1] as Job, agenda[child] as Job)) child++;
      const below = agenda[child] as Job;
      if (!isBefore(below, last)) break;
      agenda[index] = below;
      index = child;
    }
    agenda[index] = last;
    return first;
  }
}

const isBefore = (a: Job, b: Job): boolean => a.at < b.at || (a.at === b.at && a.number < b.number);
