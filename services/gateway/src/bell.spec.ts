import { Bell } from './bell.js';

describe('Bell', () => {
  it('keeps a ring from before the wait, once', async () => {
    const bell = new Bell(new AbortController().signal);
    bell.ring();
    bell.ring();
    expect(await bell.rung(60_000)).toBe(true);
    expect(await bell.rung(1)).toBe(false);
  });

  it('wakes a waiting reader, and at the end of the signal', async () => {
    const end = new AbortController();
    const bell = new Bell(end.signal);
    const first = bell.rung(60_000);
    bell.ring();
    expect(await first).toBe(true);
    const second = bell.rung(60_000);
    end.abort();
    expect(await second).toBe(true);
  });
});
