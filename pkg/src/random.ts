/** Random numbers on the host. */

let seed = Math.floor(Math.random() * 2 ** 31);

/** Another number each time, for all that draws without a seed of its own. */
export const nextSeed = (): number => (seed = (seed + 0x9e3779b9) >>> 0);

/** Makes what initializers, random layers, the order of samples and operations without a seed are drawn from repeatable. */
export function setSeed(value: number): void {
  seed = value >>> 0;
}

/** What `setSeed` would have to be called with for the seeds that follow. */
export const currentSeed = (): number => seed;

/** The seed that a caller gives, as a number or a text, or another each time. */
export function seedOf(seed?: number | string | null): number {
  if (seed === undefined || seed === null) return nextSeed();
  if (typeof seed === 'number') return seed;
  return [...seed].reduce((h, c) => (Math.imul(h, 31) + (c.codePointAt(0) ?? 0)) >>> 0, 7);
}

/** Uniform numbers in [0, 1) from a seed (mulberry32). The state is the seed of those that follow. */
export class Draws {
  constructor(public state: number) {}

  next(): number {
    const state = (this.state = (this.state + 0x6d2b79f5) >>> 0);
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** The numbers of `Draws`. */
export function generator(seed: number): () => number {
  const draws = new Draws(seed);
  return () => draws.next();
}

/** The numbers below `n` in an order that a seed gives (Fisher and Yates). */
export function shuffled(n: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  const next = generator(seed);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
