import { jest } from '@jest/globals';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT, Exit } from './exit-code.js';
import { validate } from './validate.js';

let folder: string;
let out = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pullwright-validate-'));
  out = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => { out += String(text); return true; });
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => { out += String(text); return true; });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});
const file = () => join(folder, '.pullwright.yaml');

test('a repository’s file that is valid', async () => {
  await writeFile(file(), 'depth: deep\n');
  expect(await validate(folder, {})).toBe(EXIT.ok);
  expect(out).toContain('valid');
  out = '';
  expect(await validate(file(), { json: true })).toBe(EXIT.ok);
  expect(JSON.parse(out)).toMatchObject({ valid: true, settings: { depth: 'deep', approvals: { beforeWriting: false } }, problems: [] });
});

test('one that is not names place, field and remedy of each problem', async () => {
  await writeFile(file(), 'depth: deep\nspeed: "\u001b[31mfast"\nlimits: { runsPerDay: many }\n');
  expect(await validate(folder, {})).toBe(EXIT.failure);
  expect(out).toMatch(/\.pullwright\.yaml:2:1: speed: .* Remove it, or correct its spelling\./);
  expect(out).toMatch(/\.pullwright\.yaml:3:11: limits\.runsPerDay: .* Use a value of type number\./);
  expect(out).not.toContain('\u001b[31mfast');
  out = '';
  expect(await validate(folder, { json: true })).toBe(EXIT.failure);
  expect(JSON.parse(out)).toMatchObject({ valid: false, problems: [{ field: 'limits.runsPerDay', line: 3 }, { field: 'speed', line: 2 }] });
});

test('one of 10 MB is refused without being read', async () => {
  await writeFile(file(), '');
  await truncate(file(), 10 * 1024 * 1024);
  expect(await validate(folder, {})).toBe(EXIT.failure);
  expect(out).toContain('larger than');
});

test('a repository without the file, and a place that is not there', async () => {
  for (const path of [folder, join(folder, 'nowhere')]) await expect(validate(path, {})).rejects.toMatchObject({ code: EXIT.usage } satisfies Partial<Exit>);
});

test('any other file is a pipeline', async () => {
  const pipeline = join(folder, 'mine.yaml');
  await writeFile(pipeline, 'name: mine\nversion: 1\nsteps: { a: { run: crawler/crawl } }\n');
  expect(await validate(pipeline, {})).toBe(EXIT.ok);
  expect(out).toBe('mine 1: a\n');
  await writeFile(pipeline, 'name: mine\nversion: 1\nsteps: { a: { run: crawler/fly } }\n');
  out = '';
  expect(await validate(pipeline, { json: true })).toBe(EXIT.failure);
  expect(JSON.parse(out)).toMatchObject({ valid: false, problems: [{ message: expect.stringContaining('crawler/fly') as string }] });
});
