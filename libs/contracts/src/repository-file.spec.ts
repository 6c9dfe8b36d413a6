import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { DEFAULT_REPOSITORY_FILE, readRepositoryFile, REPOSITORY_FILE_BYTES } from './repository-file.js';

const read = (text: string) => readRepositoryFile(Buffer.from(text));

const WHOLE = `version: 1
pushes:
  - branches: [main, 'release/*']
    paths: { include: ['apps/web/**'], exclude: ['**/*.md'] }
    start: test-generation
    depth: deep
depth: smoke
folders: { source: [apps/web], tests: apps/web/e2e }
approvals: { beforeWriting: true, by: [ann] }
limits: { runsPerDay: 4 }
pullRequest: { draft: true, labels: [tests], reviewers: [ann], teamReviewers: [acme/web], assignees: [], codeOwners: false }
`;

test('a file that says everything, and one that says nothing', () => {
  expect(read(WHOLE)).toMatchObject({ problems: [], file: { pushes: [{ branches: ['main', 'release/*'], depth: 'deep', start: 'test-generation' }], depth: 'smoke', folders: { source: ['apps/web'], tests: 'apps/web/e2e' }, approvals: { beforeWriting: true, by: ['ann'] }, limits: { runsPerDay: 4 }, pullRequest: { draft: true, labels: ['tests'] } } });
  for (const nothing of ['', '# later\n', '{}']) expect(read(nothing)).toEqual({ file: DEFAULT_REPOSITORY_FILE, problems: [] });
  expect(DEFAULT_REPOSITORY_FILE).toMatchObject({ depth: 'standard', approvals: { beforeWriting: false }, pullRequest: { draft: false, codeOwners: true } });
  expect(DEFAULT_REPOSITORY_FILE.pushes).toBeUndefined();
});

test.each([
  ['an unknown key', 'depth: deep\nspeed: fast\n', { field: 'speed', line: 2, column: 1, message: expect.stringContaining('"speed"') as string }],
  ['an unknown key further in', 'pullRequest:\n  draft: true\n  drafts: 2\n', { field: 'pullRequest.drafts', line: 3, column: 3 }],
  ['a word that is none', 'folders: {}\ndepth: bottomless\n', { field: 'depth', line: 2, remedy: 'Use "smoke" or "standard" or "deep".' }],
  ['a value of another type', 'pushes:\n  - branches: main\n', { field: 'pushes.0.branches', line: 2, column: 5 }],
  ['another pipeline than those a repository may start', 'pushes:\n  - start: forge-report\n', { field: 'pushes.0.start', line: 2 }],
  ['a folder outside', 'folders: { tests: ../elsewhere }\n', { field: 'folders.tests', line: 1 }],
  ['a folder that leads outside further in', 'folders: { tests: e2e/../../elsewhere }\n', { field: 'folders.tests' }],
  ['an absolute folder', 'folders: { tests: /etc }\n', { field: 'folders.tests' }],
  ['the folder of workflows', 'folders: { tests: .github/workflows }\n', { field: 'folders.tests' }],
  ['git’s own folder', 'folders: { tests: .git/hooks }\n', { field: 'folders.tests' }],
  ['a reviewer that is none', 'pullRequest: { reviewers: ["@ann"] }\n', { field: 'pullRequest.reviewers.0' }],
  ['a list at the top', '- depth\n', { field: '', line: 1 }],
  ['broken YAML', 'depth: [\n', { field: '', remedy: 'Correct the YAML at this place.' }],
  ['a key twice', 'depth: deep\ndepth: smoke\n', { line: 2 }],
])('%s is refused, with its field, place and remedy', (_, text, problem) => {
  const { file, problems } = read(text);
  expect(file).toBeUndefined();
  expect(problems).toContainEqual(expect.objectContaining(problem));
  for (const { message, remedy } of problems) expect([message, remedy]).not.toContain('');
});

test('every wrong field is named', () => {
  expect(read('depth: x\nlimits: { runsPerDay: -1 }\nwhat: 1\n').problems.map(({ field }) => field).sort()).toEqual(['depth', 'limits.runsPerDay', 'what']);
});

test('what is too large, no text, or grows when it is read is refused before it does harm', () => {
  const started = performance.now();
  const large = readRepositoryFile(Buffer.alloc(10 * 1024 * 1024, 'depth: deep\n'));
  expect(large.problems).toEqual([expect.objectContaining({ message: `the file is larger than ${REPOSITORY_FILE_BYTES} bytes` })]);
  expect(readRepositoryFile(Buffer.from([0xff, 0xfe, 0x00])).problems[0]?.message).toContain('UTF-8');
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]', ...['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, index) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefg'[index]}`).join(',')}]`)].join('\n');
  expect(read(bomb).problems).not.toEqual([]);
  expect(performance.now() - started).toBeLessThan(5_000);
});

test('the JSON Schema says the same as the reader', async () => {
  const schema = JSON.parse(await readFile(new URL('../json-schema/pullwright-file.json', import.meta.url), 'utf8')) as object;
  const valid = new Ajv2020({ strict: false }).compile(schema);
  expect(valid(parse(WHOLE))).toBe(true);
  for (const wrong of ['speed: fast', 'depth: bottomless', 'pushes: [{ start: forge-report }]', 'folders: { tests: ../elsewhere }']) expect(valid(parse(wrong))).toBe(false);
});
