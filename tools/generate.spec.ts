import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { drift, generated } from './generate.js';

test('the committed files are what the contracts and options generate', async () => {
  expect(await drift(fileURLToPath(new URL('..', import.meta.url)))).toEqual([]);
});

test('every schema is a valid JSON Schema 2020-12', () => {
  for (const [path, text] of generated()) {
    if (!path.endsWith('.json')) continue;
    expect(() => new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(text) as object)).not.toThrow();
  }
});
