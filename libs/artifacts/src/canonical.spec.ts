import { assert, jsonValue, property } from 'fast-check';
import { canonicalJson } from './canonical.js';

test('the example of RFC 8785', () => {
  const document = { numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001], string: '€$\u000F\nA\'B"\\\\"/', literals: [null, true, false] };
  expect(canonicalJson(document).toString('utf8')).toBe('{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}');
});

test('keys sort by UTF-16 code unit, at every depth', () => {
  expect(canonicalJson({ '\u20ac': 1, '\r': 2, '1': { b: 1, a: 2 }, '\u{1F600}': 3, '\ufb33': 4 }).toString('utf8')).toBe('{"\\r":2,"1":{"a":2,"b":1},"€":1,"😀":3,"\ufb33":4}');
});

test('any JSON document comes back equal, and its bytes do not depend on the order of keys', () => {
  assert(property(jsonValue(), (document) => {
    const plain = JSON.parse(JSON.stringify(document)) as unknown;
    expect(JSON.parse(canonicalJson(plain).toString('utf8'))).toEqual(plain);
    expect(canonicalJson(reversed(plain))).toEqual(canonicalJson(plain));
  }));
});

test.each<[string, unknown]>([['NaN', { a: Number.NaN }], ['infinity', [Infinity]], ['a function', { f: () => 1 }], ['a hole', [undefined]], ['a bigint', 1n]])('refuses %s', (_what, document) => {
  expect(() => canonicalJson(document)).toThrow(expect.objectContaining({ code: 'artifact-invalid' }) as Error);
});

test('a cycle and a bottomless document end in a failure, not in a crash', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  expect(() => canonicalJson(cycle)).toThrow(expect.objectContaining({ code: 'artifact-invalid' }) as Error);
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([key, member]) => [key, reversed(member)]));
}
