import { RunId } from '#contracts';
import { newRunId } from './run-id.js';

describe('newRunId', () => {
  it('is a run id, sorts by its time, and differs each time', () => {
    const ids = [newRunId(0), newRunId(1_000), newRunId(1_700_000_000_000), newRunId(2 ** 48 - 1)];
    for (const id of ids) expect(RunId.parse(id)).toBe(id);
    expect(ids.toSorted()).toEqual(ids);
    expect(newRunId(5)).not.toBe(newRunId(5));
  });
});
