/** Chance that repeats: mulberry32, a small generator of good spread. Not for secrets. */
import type { Random } from "../ports/random.ts";

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = (): string => Math.floor(next() * 2 ** 32).toString(16).padStart(8, "0");
  return { next, id: () => `${hex()}${hex()}` };
}
