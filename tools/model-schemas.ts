import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGenerator } from 'ts-json-schema-generator';

/**
 * The JSON Schemas by which the simulators of model services check every request and every answer, made from the types of the vendors' SDKs: `node tools/model-schemas.ts` after an upgrade of one
 * of them. What it changes is what has changed on the wire. `--check` writes nothing and fails when a file differs.
 */
const ROOT = join(import.meta.dirname, '..');
const MODELS = join(ROOT, 'libs/testing/src/models');
const VENDORS = { anthropic: '@anthropic-ai/sdk', openai: 'openai' };

function schemaOf(vendor: keyof typeof VENDORS): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules', VENDORS[vendor], 'package.json'), 'utf8')) as { version: string };
  const schema = createGenerator({ path: join(MODELS, `${vendor}-wire.ts`), tsconfig: join(ROOT, 'tsconfig.json'), skipTypeCheck: true, jsDoc: 'none', sortProps: true }).createSchema('Wire');
  // A type a line: a diff shows what has changed.
  const definitions = Object.entries(schema.definitions ?? {}).map(([name, definition]) => `${JSON.stringify(name)}: ${JSON.stringify(definition)}`);
  return `{"$comment": "made from the types of ${VENDORS[vendor]} ${version} by tools/model-schemas.ts", "definitions": {\n${definitions.join(',\n')}\n}}\n`;
}

const differing = (Object.keys(VENDORS) as Array<keyof typeof VENDORS>).filter((vendor) => {
  const path = join(MODELS, `${vendor}.schema.json`);
  const text = schemaOf(vendor);
  if (process.argv[2] !== '--check') writeFileSync(path, text);
  return readFileSync(path, 'utf8') !== text;
});
if (differing.length > 0) throw new Error(`not up to date, run \`node tools/model-schemas.ts\`: ${differing.join(', ')}`);
