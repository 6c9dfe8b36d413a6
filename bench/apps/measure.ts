import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TestBundle } from '#contracts';
import { startApplication } from './application.js';
import { cloneApplication, layFiles } from './checkout.js';
import { GENERIC_PAGE, serveConstantPage } from './constant-page.js';
import { renderedPage, runSuite, testIdAttribute, type SuiteOptions, type TestRun } from './playwright.js';

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
    const fooledByAny = (await onConstantPage(GENERIC_PAGE, suite)).passed;
    const byHome = await onConstantPage(home, suite, new URL(subject.readyPath, subject.baseUrl).pathname);
    const leftOut: Record<string, number> = {};
    for (const { reason } of generated.manifest.leftOut) leftOut[reason] = (leftOut[reason] ?? 0) + 1;
    const failures = failuresIn(runs);
    const tests = runs[0]?.length ?? 0;
    return {
      name: subject.name, routes: generated.manifest.routes, tests, passed: tests - failures.length, failures,
      fooled: [...new Set([...fooledByAny, ...byHome.passed])], homeOnly: byHome.homeOnly, leftOut,
      seconds: { make: (made - started) / 1000, run: (Date.now() - made) / 1000 }, ...(subject.keep && { checkout }),
    };
  } finally {
    if (!subject.keep) await rm(dirname(checkout), { recursive: true, force: true });
  }
}

type Suite = Pick<SuiteOptions, 'checkout' | 'specs' | 'testIdAttribute'>;

async function onApplication(subject: Subject, suite: Suite): Promise<{ runs: TestRun[][]; home: string }> {
  const readyUrl = new URL(subject.readyPath, subject.baseUrl).href;
  const application = await startApplication({ folder: subject.app, command: subject.start, readyUrl, env: subject.env });
  try {
    const runs: TestRun[][] = [];
    for (let i = 0; i < subject.repeat; i++) runs.push(await runSuite({ ...suite, baseUrl: subject.baseUrl, patience: PATIENCE.application, workers: 2 }));
    return { runs, home: await renderedPage(readyUrl) };
  } finally {
    await application.stop();
  }
}

function failuresIn(runs: TestRun[][]): Report['failures'] {
  const byTest = new Map<string, TestRun[]>();
  for (const run of runs.flat()) if (!run.passed) byTest.set(run.test, [...(byTest.get(run.test) ?? []), run]);
  return [...byTest].map(([test, failed]) => ({ test, times: failed.length, ...(failed[0]?.error !== undefined && { error: failed[0].error }) }));
}

/** `homePath`: the page is the application's own at this path. A test that passes is run again alone, to see whether it asked for any other. */
async function onConstantPage(html: string, suite: Suite, homePath?: string): Promise<{ passed: string[]; homeOnly: string[] }> {
  const server = await serveConstantPage(html);
  try {
    const options = { ...suite, baseUrl: server.baseUrl, patience: PATIENCE.constant, workers: 4 };
    const found = (await runSuite(options)).filter(({ passed }) => passed);
    if (homePath === undefined) return { passed: found.map(({ test }) => test), homeOnly: [] };
    const passed: string[] = [];
    const homeOnly: string[] = [];
    for (const { test, place } of found) {
      server.takeVisited();
      await runSuite({ ...options, only: place, workers: 1 });
      (server.takeVisited().every((path) => path === homePath) ? homeOnly : passed).push(test);
    }
    return { passed, homeOnly };
  } finally {
    await server.close();
  }
}
