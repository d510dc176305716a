/** What buyers saw, counted. */

/** One fetch of a page. */
export type Fetched = {
  /** When it was asked for, in milliseconds since 1970. */
  readonly at: number;
  readonly path: string;
  readonly tookMs: number;
  /** null: the right page, whole, with status 200. Else what came instead. */
  readonly wrong: string | null;
  /** The gateway's word on it: "HIT", "EXPIRED", "no X-Cache-Status". */
  readonly by: string;
};

export type Tally = {
  readonly fetches: number;
  readonly notServed: number;
  /** Seconds after the fault at which the first and the last of those were asked for; null: all were served. */
  readonly span: { readonly first: number; readonly last: number } | null;
  /** What came instead, by how often. */
  readonly how: Readonly<Record<string, number>>;
  /** Seconds after the fault in which somebody was not served, and how many. */
  readonly bySecond: readonly (readonly [second: number, notServed: number])[];
  /** How those who were served were, by how often. */
  readonly by: Readonly<Record<string, number>>;
};

/** Counts those who asked at `from` or later and before `to`. */
export function tallyOf(all: readonly Fetched[], from: number, to: number): Tally {
  const fetched = all.filter(({ at }) => at >= from && at < to).toSorted((a, b) => a.at - b.at);
  const bad = fetched.filter(({ wrong }) => wrong !== null);
  const seconds = counted(bad.map(({ at }) => String(Math.floor((at - from) / 1_000))));
  const [first, last] = [bad[0], bad.at(-1)];
  return {
    fetches: fetched.length,
    notServed: bad.length,
    span: first === undefined || last === undefined ? null : { first: (first.at - from) / 1_000, last: (last.at - from) / 1_000 },
    how: counted(bad.map(({ wrong }) => wrong ?? "")),
    bySecond: Object.entries(seconds).map(([second, count]) => [Number(second), count] as const),
    by: counted(fetched.filter(({ wrong }) => wrong === null).map(({ by }) => by)),
  };
}

/** Share of the fetches that were not served, 0 to 1. */
export const shareOf = ({ fetches, notServed }: Tally): number => (fetches === 0 ? Number.NaN : notServed / fetches);

function counted(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
