import { describe, expect, test } from '@jest/globals';
import { decide, type Standing } from './purpose.js';
import { markedBody, readMark } from './marks.js';
import { commitMessage, trailersOf } from './trailers.js';

const run = (n: number) => `run_${String(n).padStart(26, '0')}`;
const id = (char: string) => char.repeat(40);
const [BASE, TREE, BASE_TREE] = [id('b'), id('t').replaceAll('t', '7'), id('0')];
const ours = (n: number, tree = TREE, parents = [BASE]) => ({ id: id(String(n)), tree, parents, message: commitMessage('Tests', { base: BASE, run: run(n), tree }) });
const theirs = { id: id('e'), tree: id('f'), parents: [id('1')], message: 'Better' };
const standing = (change: Partial<Standing> = {}): Standing => ({ base: BASE, baseTree: BASE_TREE, tree: TREE, runId: run(1), askedAgain: false, ...change });
const branch = (...commits: NonNullable<Standing['branch']>['commits'][number][]): Standing['branch'] => ({ tip: commits.at(-1)?.id ?? id('a'), containsBase: true, commits });
const open = { state: 'open', closedByUs: false } as const;

describe('what publishing does', () => {
  test.each<[string, Partial<Standing>, object]>([
    ['nothing is there', {}, { does: 'write', parents: [BASE], outcome: 'opened', createdBy: run(1) }],
    ['the branch was merged and is still there', { branch: branch() }, { does: 'write', parents: [BASE], outcome: 'opened' }],
    ['killed after the branch', { branch: branch(ours(1)) }, { does: 'open', commit: id('1'), outcome: 'opened', createdBy: run(1) }],
    ['killed after the pull request', { branch: branch(ours(1)), pull: { ...open, openedBy: run(1) } }, { does: 'open', outcome: 'opened' }],
    ['another run, the same files', { runId: run(2), branch: branch(ours(1)), pull: { ...open, openedBy: run(1) } }, { does: 'open', outcome: 'unchanged', createdBy: run(1) }],
    ['other files', { runId: run(2), branch: branch(ours(1, id('9'))), pull: open }, { does: 'write', parents: [id('1')], outcome: 'updated', createdBy: run(1) }],
    ['killed after the update', { runId: run(2), branch: branch(ours(1, id('9')), ours(2)), pull: { ...open, openedBy: run(1) } }, { does: 'open', outcome: 'updated' }],
    ['the base moved', { branch: { ...branch(ours(1)) as NonNullable<Standing['branch']>, containsBase: false }, pull: open }, { does: 'write', parents: [id('1'), BASE], outcome: 'updated' }],
    ['a person committed on top', { branch: branch(ours(1), theirs), pull: open }, { does: 'leave', commits: 1 }],
    ['a person amended ours', { branch: branch({ ...ours(1), tree: id('d') }), pull: open }, { does: 'leave', commits: 1 }],
    ['a person made the branch', { branch: branch(theirs) }, { does: 'leave', commits: 1 }],
    ['a person said no', { branch: branch(ours(1)), pull: { state: 'closed', closedByUs: false } }, { does: 'decline' }],
    ['a person said no and removed the branch', { pull: { state: 'closed', closedByUs: false } }, { does: 'decline' }],
    ['asked again after a no', { runId: run(2), askedAgain: true, branch: branch(ours(1)), pull: { state: 'closed', closedByUs: false, openedBy: run(1) } }, { does: 'open', outcome: 'opened' }],
    ['we closed it', { pull: { state: 'closed', closedByUs: true } }, { does: 'write', outcome: 'opened' }],
    ['it was merged', { pull: { state: 'merged', closedByUs: false } }, { does: 'write', outcome: 'opened' }],
    ['nothing is left to add', { tree: BASE_TREE, branch: branch(ours(1)), pull: open }, { does: 'close' }],
    ['nothing is left to add, and nothing is open', { tree: BASE_TREE, branch: branch(ours(1)), pull: { state: 'closed', closedByUs: false } }, { does: 'nothing' }],
    ['nothing is left to add, but a person works there', { tree: BASE_TREE, branch: branch(theirs), pull: open }, { does: 'leave' }],
  ])('when %s', (_when, change, decision) => { expect(decide(standing(change))).toMatchObject(decision); });
});

test('a commit is ours only with all it must say, and its own tree', () => {
  const { message } = ours(1);
  expect(trailersOf({ message, tree: TREE })).toEqual({ base: BASE, run: run(1), tree: TREE });
  for (const other of [message.replace('Pullwright-Run', 'Run'), message.replace(BASE, 'x'), message.replace(run(1), 'run_1'), 'Tests']) expect(trailersOf({ message: other, tree: TREE })).toBeUndefined();
  expect(commitMessage('a\nPullwright-Run: run_x', { base: BASE, run: run(1), tree: TREE }).split('\n')[0]).toBe('a');
});

test('a description remembers who opened it, and whether a person has touched it', () => {
  const text = markedBody('Title', '# Tests\n', run(1));
  expect(readMark('Title', text)).toMatchObject({ body: '# Tests', mark: { run: run(1) }, untouched: true });
  expect(readMark('Title', text.replaceAll('\n', '\r\n'))).toMatchObject({ untouched: true });
  expect(readMark('Other', text).untouched).toBe(false);
  expect(readMark('Title', text.replace('# Tests', '# My tests')).untouched).toBe(false);
  expect(readMark('Title', 'no mark')).toEqual({ body: 'no mark', untouched: false });
  expect(readMark('Title', 'x\n<!-- pullwright {"run":1} -->')).toMatchObject({ untouched: false });
  expect(readMark('Title', markedBody('Title', 'x', run(1), true)).mark).toMatchObject({ closed: true });
});
