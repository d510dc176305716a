/**
 * Interleaved rounds: every contestant once a round, so that a machine whose speed drifts treats all alike.
 */

export type Contestant = { readonly name: string; readonly measure: () => Promise<number> };

export type Standing = { readonly name: string; readonly median: number; readonly min: number; readonly max: number };

/** Measures all contestants `rounds` times in turn and gives each one's median. */
export async function interleaved(contestants: readonly Contestant[], rounds: number, progress: (text: string) => void): Promise<readonly Standing[]> {
  const seen = new Map<string, number[]>(contestants.map((one) => [one.name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const { name, measure } of contestants) {
      const value = await measure();
      seen.get(name)?.push(value);
      progress(`round ${round} of ${rounds}: ${name} ${value.toFixed(1)}`);
    }
  }
  return contestants.map(({ name }) => {
    const values = (seen.get(name) ?? []).toSorted((a, b) => a - b);
    return { name, median: median(values), min: values[0] ?? Number.NaN, max: values.at(-1) ?? Number.NaN };
  });
}

/** Median of sorted values. */
export function median(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
