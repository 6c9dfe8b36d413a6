import { quantile, sum, type Sample } from './measure.js';
import type { Contestant } from './system.js';

/** One system over all rounds: medians. */
export interface Figures {
  configuration: string;
  /** By how many runs were handed in at once. */
  runsPerSecond: Record<string, number>;
  p50Ms: number;
  p99Ms: number;
  cpuMsPerRun: number;
  /** The same by process. */
  cpuMsPerRunBy: Record<string, number>;
  /** Sizes whose time was over in some round: the rate is what was completed until then. */
  partial: number[];
}

export interface Report {
  sizes: number[];
  /** Of the system that was measured most often; when the time was over, others have one less. */
  rounds: number;
  /** Never came to an end, or there was no time for it. */
  leftOut: string[];
  pullwright?: Figures;
  variants: Record<string, Figures>;
  peers: Record<string, Figures>;
  floors: Record<string, Figures>;
  /** Pullwright's rate over that of the peer it is least ahead of, at the size where it is least ahead: median of the rounds' ratios. */
  ratioToBestPeer?: number;
  bestPeer?: string;
  ratioToDbos?: number;
  /** Pullwright's rate over everybody's, by name and size. */
  ratios: Record<string, Record<string, number>>;
  /** Its p50 over everybody's. */
  p50Ratios: Record<string, number>;
  /** Its rate at the large size over its rate at the small one. */
  flatness20k?: number;
  /** Its rate and its p50 with finished runs in the tables over those without. */
  flatness1m?: number;
  flatness1mP50?: number;
  finishedRuns?: number;
  memoryMb: Record<string, number>;
}

/** A contestant with its sample of each round; undefined stands for a round in which it failed. */
export interface Result { contestant: Contestant; samples: Array<Sample | undefined> }

export function report(results: readonly Result[], sizes: readonly number[]): Report {
  const measured = results.filter(({ samples }) => samples.some(Boolean));
  const of = (kind: Contestant['kind']) => Object.fromEntries(measured.filter(({ contestant }) => contestant.kind === kind).map((result) => [result.contestant.name, figures(result, sizes)]));
  const product = measured.find(({ contestant }) => contestant.kind === 'product');
  const others = measured.filter((result) => result !== product);
  const ratios = product ? Object.fromEntries(others.map((other) => [other.contestant.name, rateRatios(product, other, sizes)])) : {};
  const leastAhead = (names: readonly string[]) => names.map((name) => ({ name, ratio: Math.min(...Object.values(ratios[name] ?? {})) })).filter(({ ratio }) => Number.isFinite(ratio)).sort((a, b) => a.ratio - b.ratio)[0];
  const peers = of('peer');
  const best = leastAhead(Object.keys(peers));
  const pullwright = product && figures(product, sizes);
  const [small, large] = [sizes[0], sizes.at(-1)].map((size) => pullwright?.runsPerSecond[`${size}`]);
  return {
    sizes: [...sizes], rounds: Math.max(0, ...results.map(({ samples }) => samples.length)), leftOut: results.filter((result) => !measured.includes(result)).map(({ contestant }) => contestant.name),
    ...(pullwright && { pullwright }), variants: of('variant'), peers, floors: of('floor'),
    ...(best && { ratioToBestPeer: best.ratio, bestPeer: best.name }),
    ...optional('ratioToDbos', leastAhead(Object.keys(peers).filter((name) => name.startsWith('DBOS')))?.ratio),
    ratios,
    p50Ratios: product ? Object.fromEntries(others.map((other) => [other.contestant.name, median(roundwise(product, other, (sample) => quantile(sample.singlesMs, 0.5)))])) : {},
    ...optional('flatness20k', small !== undefined && large !== undefined && sizes.length > 1 ? large / small : undefined),
    memoryMb: product ? memory(product, sizes) : {},
  };
}

function memory({ samples: all }: Result, sizes: readonly number[]): Record<string, number> {
  const samples = all.filter((sample) => sample !== undefined);
  const [idle, busy] = [medians(samples.map(({ memoryMb }) => memoryMb.idle)), medians(samples.map(({ memoryMb }) => memoryMb.busy))];
  return {
    'an idle service': median(Object.entries(idle).flatMap(([process, mb]) => (process.startsWith('bench-') ? [mb] : []))),
    'the idle coordinator': idle.coordinator ?? Number.NaN,
    [`the coordinator with ${sizes.at(-1)} runs in flight`]: busy.coordinator ?? Number.NaN,
  };
}

function medians(values: ReadonlyArray<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.keys(values[0] ?? {}).map((key) => [key, median(values.map((value) => value[key] ?? Number.NaN))]));
}

function figures({ contestant, samples: all }: Result, sizes: readonly number[]): Figures {
  const samples = all.filter((sample) => sample !== undefined);
  const rates = sizes.map((runs) => ({ runs, found: samples.flatMap((sample) => sample.rates.filter((rate) => rate.runs === runs)) })).filter(({ found }) => found.length > 0);
  return {
    configuration: contestant.configuration,
    runsPerSecond: Object.fromEntries(rates.map(({ runs, found }) => [runs, median(found.map((rate) => rate.runsPerSecond))])),
    p50Ms: median(samples.map((sample) => quantile(sample.singlesMs, 0.5))),
    p99Ms: median(samples.map((sample) => quantile(sample.singlesMs, 0.99))),
    cpuMsPerRun: median(samples.map((sample) => sum(sample.cpuMsPerRun))),
    cpuMsPerRunBy: medians(samples.map((sample) => sample.cpuMsPerRun)),
    partial: rates.filter(({ runs, found }) => found.some((rate) => rate.completed < runs)).map(({ runs }) => runs),
  };
}

function rateRatios(product: Result, other: Result, sizes: readonly number[]): Record<string, number> {
  const ratios = sizes.map((size) => [size, median(roundwise(product, other, (sample) => sample.rates.find(({ runs }) => runs === size)?.runsPerSecond))] as const);
  return Object.fromEntries(ratios.filter(([, ratio]) => Number.isFinite(ratio)));
}

/** The ratios within each round: what the machine had to do besides in that round concerns both. */
function roundwise(product: Result, other: Result, value: (sample: Sample) => number | undefined): number[] {
  return product.samples.flatMap((sample, round) => {
    const [mine, theirs] = [sample, other.samples[round]].map((each) => each && value(each));
    return mine === undefined || theirs === undefined ? [] : [mine / theirs];
  });
}

/** Of an even number the mean of the middle two; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] as number : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

const optional = <K extends string>(name: K, value: number | undefined): Partial<Record<K, number>> => (value === undefined ? {} : { [name]: value } as Partial<Record<K, number>>);
