/**
 * Random numbers that a seed decides: xoshiro128** 1.1 by David Blackman and Sebastiano Vigna (public domain, prng.di.unimi.it/xoshiro128starstar.c),
 * its state filled by splitmix32, so that neighbouring seeds have nothing in common.
 */
export class Random {
  private readonly state = new Int32Array(4);

  constructor(seed: number) {
    let z = seed | 0;
    for (let index = 0; index < 4; index++) {
      z = (z + 0x9e3779b9) | 0;
      let t = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
      this.state[index] = t ^ (t >>> 15);
    }
  }

  /** At least 0, less than 1. */
  next(): number {
    const state = this.state as unknown as [number, number, number, number];
    const product = Math.imul(state[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = (state[3] << 11) | (state[3] >>> 21);
    return (result >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(from: number, to: number): number { return from + Math.floor(this.next() * (to - from + 1)); }
  chance(probability: number): boolean { return this.next() < probability; }
  pick<T>(list: readonly T[]): T { return list[this.between(0, list.length - 1)] as T; }
}
