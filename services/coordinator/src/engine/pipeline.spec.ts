import { milliseconds, parsePipeline, resolveParams } from './pipeline.js';

const file = (steps: string, params = '{}') => `name: sample\nversion: 1\nparams: ${params}\nsteps:\n${steps.split('\n').map((line) => `  ${line.trim()}`).join('\n')}\n`;
const read = (steps: string, params?: string) => parsePipeline(file(steps, params), 'sample.yaml');
const CRAWL = 'crawl: { run: crawler/crawl }';
const FAN = `${CRAWL}
             design: { run: case-generator/design, needs: [crawl], forEach: crawl.features, with: { feature: each } }`;

describe('a pipeline', () => {
  test('is put in order, with its defaults', () => {
    const { order, definition, downstream } = read(`write: { run: engineer/write, needs: [design], with: { map: crawl.map, cases: design.cases } }
                                                    ${FAN}`);
    expect(order).toEqual(['crawl', 'design', 'write']);
    expect(definition.steps['crawl']).toMatchObject({ timeout: '10m', concurrency: 16, retry: { attempts: 3, delay: '1s', factor: 2, maxDelay: '5m' } });
    expect([...downstream.get('crawl') ?? []]).toEqual(['design', 'write']);
  });

  test.each([
    ['no YAML', 'name: [', 'sample.yaml'],
    ['an unknown word', file('crawl: { run: crawler/crawl, retries: 3 }'), 'retries'],
    ['a bomb of aliases', `a: &a [x, x]\nb: &b [${'*a, '.repeat(7)}]\nc: &c [${'*b, '.repeat(7)}]\nd: [${'*c, '.repeat(7)}]\n`, 'Excessive alias count'],
    ['no steps', 'name: sample\nversion: 1\nsteps: {}\n', 'at least one step'],
    ['two steps with one name', file(`${CRAWL}\n${CRAWL}`), 'unique'],
    ['an unknown agent', file('crawl: { run: crawler/fly }'), 'there is no agent crawler/fly'],
    ['an unknown undo', file('crawl: { run: crawler/crawl, undo: crawler/fall }'), 'there is no agent crawler/fall'],
    ['a step that is not there', file('crawl: { run: crawler/crawl, needs: [dream] }'), 'there is no step dream'],
    ['a circle', file('a: { run: crawler/crawl, needs: [b] }\nb: { run: crawler/crawl, needs: [a] }'), 'in a circle'],
    ['itself', file('a: { run: crawler/crawl, needs: [a] }'), 'in a circle'],
    ['a name from JavaScript', file('a: { run: crawler/crawl, needs: [constructor] }'), 'there is no step constructor'],
    ['a missing input', file(`${CRAWL}\ndesign: { run: case-generator/design, needs: [crawl] }`), 'needs the input feature'],
    ['an input that is none', file('crawl: { run: crawler/crawl, with: { map: crawl.map } }'), 'has no such input'],
    ['an output of a step that it does not need', file(`${CRAWL}\ndesign: { run: case-generator/design, forEach: crawl.features, with: { feature: each } }`), 'crawl is not among the steps it needs'],
    ['an output that is none', file(`${CRAWL}\ndesign: { run: case-generator/design, needs: [crawl], forEach: crawl.constructor, with: { feature: each } }`), 'has no output constructor'],
    ['another kind', file(`${CRAWL}\ndesign: { run: case-generator/design, needs: [crawl], with: { feature: crawl.map } }`), 'takes feature@1, and this is repo-map@1'],
    ['a list for one', file(`${CRAWL}\ndesign: { run: case-generator/design, needs: [crawl], with: { feature: crawl.features } }`), 'this is a list'],
    ['one for a list', file(`${CRAWL}\ndesign: { run: case-generator/design, needs: [crawl], forEach: crawl.map, with: { feature: each } }`), 'not a list'],
    ['each without forEach', file(`${CRAWL}\ndesign: { run: case-generator/design, needs: [crawl], with: { feature: each } }`), 'needs forEach'],
    ['an output that may be missing', file(`first: { run: crawler/crawl }
      crawl: { run: crawler/crawl, needs: [first], when: "params.on" }
      design: { run: case-generator/design, needs: [crawl, first], forEach: first.features, with: { feature: each } }
      write: { run: engineer/write, needs: [crawl, design], with: { map: crawl.map, cases: design.cases } }`, '{ on: { type: boolean, default: true } }'), 'may be missing'],
    ['an undo that wants too much', file(`${CRAWL}\nopen: { run: crawler/crawl, needs: [crawl], undo: case-generator/design }`), 'it must be optional'],
    ['a condition that is no CEL', file('a: { run: crawler/crawl, when: "params. >" }'), 'steps.a.when'],
    ['a condition on a later step', file('a: { run: crawler/crawl, when: steps.b.facts.routes > 1 }\nb: { run: crawler/crawl, needs: [a] }'), 'it looks at b'],
    ['a default that is not among the choices', file(CRAWL, '{ depth: { enum: [a, b], default: c } }'), 'params.depth.default'],
    ['no time at all', file('a: { run: crawler/crawl, timeout: 0s }'), 'longer than zero'],
  ])('is refused for %s', (_, text, detail) => {
    expect(() => parsePipeline(text, 'sample.yaml')).toThrow(expect.objectContaining({ code: 'bad-request', detail: expect.stringContaining(detail) as string }));
  });

  test('names every problem at once', () => {
    expect(() => read('a: { run: crawler/fly, needs: [x] }\nb: { run: crawler/swim }')).toThrow(/there is no step x.*crawler\/fly.*crawler\/swim/);
  });

  test('a list of a step that may be skipped is allowed: it is empty then', () => {
    expect(() => read(`crawl: { run: crawler/crawl, when: "params.on" }
      again: { run: crawler/crawl, needs: [crawl] }
      design: { run: case-generator/design, needs: [crawl], forEach: crawl.features, with: { feature: each } }
      write: { run: engineer/write, needs: [again, design], with: { map: again.map, cases: design.cases } }`, '{ on: { type: boolean, default: true } }')).not.toThrow();
  });
});

describe('parameters', () => {
  const { definition } = read(CRAWL, `{ depth: { enum: [smoke, deep], default: smoke }, approval: { type: boolean, default: false }, limit: { type: number, default: 5, min: 1, max: 9 }, label: { type: string, default: "", maxLength: 3 } }`);

  test('get their defaults', () => {
    expect(resolveParams(definition, { limit: 7 })).toEqual({ depth: 'smoke', approval: false, limit: 7, label: '' });
  });

  test.each([
    [{ nope: 1 }, 'params.nope'], [{ constructor: 1 }, 'params.constructor'], [{ depth: 'high' }, 'one of smoke, deep'], [{ approval: 'yes' }, 'must be a boolean'],
    [{ limit: 10 }, 'between 1 and 9'], [{ limit: Number.NaN }, 'between 1 and 9'], [{ label: 'long' }, 'at most 3'],
  ])('%j is refused', (given, detail) => {
    expect(() => resolveParams(definition, given)).toThrow(expect.objectContaining({ code: 'bad-request', detail: expect.stringContaining(detail) as string }));
  });

  test.each([['500ms', 500], ['30s', 30_000], ['10m', 600_000], ['2h', 7_200_000], ['7d', 604_800_000]])('%s is %d ms', (text, expected) => {
    expect(milliseconds(text)).toBe(expected);
  });
});
