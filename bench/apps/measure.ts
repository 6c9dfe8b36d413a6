import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TestBundle } from '#contracts';
import { startApplication } from './application.js';
import { cloneApplication, layFiles } from './checkout.js';
import { GENERIC_PAGE, serveConstantPage } from './constant-page.js';
import { expectingFailure, renderedPage, runSuite, testIdAttribute, type SuiteOptions, type TestRun } from './playwright.js';

/** Milliseconds an expectation may take: as in real projects on the application; on a constant page without scripts, what is not there at once never comes. */
const PATIENCE = { application: 7_000, constant: 1_000 };

export interface Generated {
  manifest: Pick<TestBundle, 'tests' | 'routes' | 'leftOut'>;
  /** By path in the repository. */
  files: ReadonlyMap<string, Buffer>;
}

/** Makes tests for the repository at this path. */
export type Engine = (repository: string) => Promise<Generated>;

export interface Subject {
  name: string;
  /** Checkout: a repository, or a folder inside one. */
  app: string;
  start: string;
  baseUrl: string;
  env: Record<string, string>;
  readyPath: string;
  repeat: number;
  keep: boolean;
}

export interface Report {
  name: string;
  routes: { found: number; covered: string[] };
  tests: number;
  /** Passed every time. */
  passed: number;
  failures: Array<{ test: string; times: number; error?: string }>;
  /** Tests that a constant page satisfies. There must be none. */
  fooled: string[];
  /** Tests that only ever ask for the home page, and pass on it without its scripts. They are no fault: for them that page is the application. */
  homeOnly: string[];
  leftOut: Record<string, number>;
  seconds: { make: number; run: number };
  /** The clone with the generated tests, when it was kept. */
  checkout?: string;
}

export const isGood = (report: Report): boolean => report.tests > 0 && report.failures.length === 0 && report.fooled.length === 0;

/** Makes tests for one application, runs them on it and on constant pages. */
export async function measure(subject: Subject, engine: Engine): Promise<Report> {
  const checkout = await cloneApplication(subject.app);
  try {
    const started = Date.now();
    const generated = await engine(checkout);
    await layFiles(checkout, generated.files);
    const made = Date.now();
    const specs = [...new Set(generated.manifest.tests.map(({ file }) => file))];
    const suite = { checkout, specs, testIdAttribute: await testIdAttribute(checkout, specs[0] ?? '') };
    const { runs, home } = await onApplication(subject, suite);
    await layFiles(checkout, new Map([...generated.files].flatMap(([path, content]) => (specs.includes(path) ? [[path, expectingFailure(content)] as const] : []))));
    const fooledByAny = await passingOn(GENERIC_PAGE, suite);
    const { elsewhere, homeOnly } = await partedByVisits(await passingOn(home, suite), home, suite, new URL(subject.readyPath, subject.baseUrl).pathname);
    await layFiles(checkout, generated.files);
    const leftOut: Record<string, number> = {};
    for (const { reason } of generated.manifest.leftOut) leftOut[reason] = (leftOut[reason] ?? 0) + 1;
    const failures = failuresIn(runs);
    const tests = new Set(runs.map(({ test }) => test)).size;
    return {
      name: subject.name, routes: generated.manifest.routes, tests, passed: tests - failures.length, failures,
      fooled: [...new Set([...fooledByAny.map(({ test }) => test), ...elsewhere])], homeOnly, leftOut,
      seconds: { make: (made - started) / 1000, run: (Date.now() - made) / 1000 }, ...(subject.keep && { checkout }),
    };
  } finally {
    if (!subject.keep) await rm(dirname(checkout), { recursive: true, force: true });
  }
}

type Suite = Pick<SuiteOptions, 'checkout' | 'specs' | 'testIdAttribute'>;

async function onApplication(subject: Subject, suite: Suite): Promise<{ runs: TestRun[]; home: string }> {
  const readyUrl = new URL(subject.readyPath, subject.baseUrl).href;
  const application = await startApplication({ folder: subject.app, command: subject.start, readyUrl, env: subject.env });
  try {
    const runs = await runSuite({ ...suite, targets: [{ baseUrl: subject.baseUrl }], repeat: subject.repeat, patience: PATIENCE.application, workers: 2 });
    return { runs, home: await renderedPage(readyUrl) };
  } finally {
    await application.stop();
  }
}

function failuresIn(runs: readonly TestRun[]): Report['failures'] {
  const byTest = Map.groupBy(runs.filter(({ passed }) => !passed), ({ test }) => test);
  return [...byTest].map(([test, failed]) => ({ test, times: failed.length, ...(failed[0]?.error !== undefined && { error: failed[0].error }) }));
}

async function passingOn(html: string, suite: Suite): Promise<TestRun[]> {
  const server = await serveConstantPage(html);
  try {
    return (await runSuite({ ...suite, targets: [{ baseUrl: server.baseUrl }], repeat: 1, patience: PATIENCE.constant, workers: 6 })).filter(({ passed }) => passed);
  } finally {
    await server.close();
  }
}

/** Runs each of these tests again on a server of its own, and parts those that asked for nothing but the home page from the others. */
async function partedByVisits(found: readonly TestRun[], html: string, suite: Suite, homePath: string): Promise<{ elsewhere: string[]; homeOnly: string[] }> {
  const servers = await Promise.all(found.map(async (run) => ({ run, server: await serveConstantPage(html) })));
  try {
    await runSuite({ ...suite, targets: servers.map(({ run, server }) => ({ baseUrl: server.baseUrl, only: run.titlePath })), repeat: 1, patience: PATIENCE.constant, workers: 2 });
    const { homeOnly = [], elsewhere = [] } = Object.groupBy(servers, ({ server }) => (server.visited().every((path) => path === homePath) ? 'homeOnly' : 'elsewhere'));
    return { elsewhere: elsewhere.map(({ run }) => run.test), homeOnly: homeOnly.map(({ run }) => run.test) };
  } finally {
    await Promise.all(servers.map(({ server }) => server.close()));
  }
}
