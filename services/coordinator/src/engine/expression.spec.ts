import { compileCondition, type Scope } from './expression.js';

const scope: Scope = {
  params: { depth: 'deep', approval: true, limit: 3 },
  steps: {
    crawl: { status: 'succeeded', facts: { routes: 12, score: 7.5, commit: 'abc', ok: false } },
    'case-review': { status: 'skipped', facts: {} },
  },
};

describe('a condition', () => {
  test.each([
    ['params.approval', true],
    ['params.depth == "deep" && !steps.crawl.facts.ok', true],
    ['params.depth in ["smoke", "standard"]', false],
    ['steps.crawl.facts.routes > 3', true],
    ['steps.crawl.facts.score >= 7.5', true],
    ['steps.crawl.facts.routes + 1.0 > double(params.limit)', true],
    ['steps["case-review"].status == "skipped"', true],
    ['has(steps.crawl.facts.screens) || steps.crawl.facts.commit.startsWith("a")', true],
    ['["a", "abc"].exists(word, word == steps.crawl.facts.commit)', true],
  ])('%s is %s', (source, expected) => {
    expect(compileCondition(source).holds(scope)).toBe(expected);
  });

  test('names the steps it looks at', () => {
    expect(compileCondition('steps.crawl.facts.routes > 1 && steps["case-review"].status != "failed" && params.approval').steps).toEqual(['crawl', 'case-review']);
  });

  test.each([
    ['no CEL', 'params. >'],
    ['not a boolean', '1 + 1'],
    ['a name it does not know', 'run.status == "x"'],
    ['a function it does not know', 'now() > 1'],
    ['operands that cannot be compared', '1 < "a"'],
    ['a regular expression', 'steps.crawl.facts.commit.matches("(a+)+$")'],
    ['a monster', Array.from({ length: 200 }, () => 'params.approval').join(' && ')],
  ])('is refused when it is %s', (_, source) => {
    expect(() => compileCondition(source)).toThrow(expect.objectContaining({ code: 'expression-failed' }));
  });

  test.each([
    ['a fact is missing', 'steps.crawl.facts.screens > 1'],
    ['a step is missing', 'steps.design.status == "succeeded"'],
    ['types do not fit', 'steps.crawl.facts.commit > 1'],
    ['the result is no boolean', 'steps.crawl.facts.routes'],
    ['it reaches for the prototype', 'params.constructor == "x"'],
  ])('fails with a code when %s', (_, source) => {
    const condition = compileCondition(source);
    expect(() => condition.holds(scope)).toThrow(expect.objectContaining({ code: 'expression-failed' }));
  });
});
