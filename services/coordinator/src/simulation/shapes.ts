import { parsePipeline } from '../engine/pipeline.js';
import { Pipelines } from '../pipelines.js';

/** Pipelines of every shape that decisions tell apart. Short time limits and few tries, so that runs come to all their ends. */
const SHAPES = [`
name: chain
version: 1
steps:
  a: { run: crawler/crawl, timeout: 10s, retry: { attempts: 4 } }
  b: { run: crawler/crawl, needs: [a], timeout: 10s, retry: { attempts: 2 } }
  c: { run: crawler/crawl, needs: [b], timeout: 10s, when: "steps.a.facts.features > 1" }
`, `
name: undone
version: 1
steps:
  a: { run: crawler/crawl, undo: pr-publisher/close, timeout: 10s }
  b: { run: crawler/crawl, needs: [a], undo: pr-publisher/close, timeout: 10s }
  c: { run: crawler/crawl, needs: [b], timeout: 10s, retry: { attempts: 1 } }
`, `
name: diamond
version: 1
steps:
  a: { run: crawler/crawl, timeout: 10s }
  b: { run: crawler/crawl, needs: [a], undo: pr-publisher/close, timeout: 10s }
  c: { run: crawler/crawl, needs: [a], undo: pr-publisher/close, lock: repository, timeout: 10s }
  d: { run: crawler/crawl, needs: [b, c], undo: pr-publisher/close, timeout: 10s }
  e: { run: crawler/crawl, needs: [d], when: "steps.a.facts.features > 3", timeout: 10s }
`, `
name: fan
version: 1
steps:
  a: { run: crawler/crawl, timeout: 10s }
  f: { run: case-generator/design, needs: [a], forEach: a.features, with: { feature: each }, concurrency: 2, undo: pr-publisher/close, timeout: 10s }
  g: { approve: { roles: [qa], expires: 1h }, needs: [f], when: "steps.f.facts.cases > 6" }
  w: { run: engineer/write, needs: [a, f, g], with: { map: a.map, cases: f.cases }, timeout: 10s }
  p: { run: pr-publisher/open, needs: [w], with: { map: a.map, bundle: w.bundle }, undo: pr-publisher/close, lock: repository, timeout: 10s }
`, `
name: gate
version: 1
steps:
  a: { run: crawler/crawl, undo: pr-publisher/close, timeout: 10s }
  g: { approve: { roles: [qa, lead], expires: 7d }, needs: [a] }
  b: { run: crawler/crawl, needs: [g], timeout: 10s }
`, `
name: lock
version: 1
steps:
  a: { run: crawler/crawl, lock: repository, timeout: 10s }
`];

export const shapes = (): Pipelines => Pipelines.of(SHAPES.map((text) => parsePipeline(text, 'a shape')));
