/**
 * What a CDN told of its answers in the last while, and the shares that follow. A share is a number only
 * where every answer that could change it tells; else it is unknown, with the reason.
 */
import type { Measured } from "../core/assertion.ts";
import { CDN_FACTS } from "../core/cdn-word.ts";
import type { CdnField, CdnWord } from "../core/cdn-word.ts";
import type { Instant, Ms } from "../core/time.ts";

/** Looks remembered at most; the oldest go first. */
const MAX_LOOKS = 2_000;

type Kind = "fresh" | "stale" | "unsure" | "aged" | "miss" | "uncached" | "untold";
/** Answers by what they told. `unsure`: hits that may have been stale. `aged`: hits that only their Age gives away. */
type Counts = Record<Kind, number>;

export class CdnWindow {
  readonly #forMs: Ms;
  readonly #needed: number;
  readonly #looks: { readonly at: Instant; readonly kinds: readonly Kind[] }[] = [];
  readonly #counts: Counts = { fresh: 0, stale: 0, unsure: 0, aged: 0, miss: 0, uncached: 0, untold: 0 };
  /** The field that told last. */
  #by: CdnField | null = null;

  /** @param needed hits and misses below which no share is given. */
  constructor(forMs: Ms, needed: number) {
    this.#forMs = forMs;
    this.#needed = needed;
  }

  /** Adds the answers of one look, and forgets what is too old. */
  note(at: Instant, words: readonly CdnWord[]): void {
    const kinds = words.map(kindOf);
    for (const kind of kinds) this.#counts[kind] += 1;
    this.#looks.push({ at, kinds });
    this.#by = words.reduce((by, word) => (word.kind === "untold" ? by : word.by), this.#by);
    while (this.#looks.length > MAX_LOOKS || at - (this.#looks[0]?.at ?? at) >= this.#forMs) {
      for (const kind of this.#looks.shift()?.kinds ?? []) this.#counts[kind] -= 1;
    }
  }

  /** Of the answers that were hits or misses, those from the CDN's cache. */
  hitRate(): Measured {
    const { miss, aged, untold } = this.#counts;
    const told = toldOf(this.#counts);
    // A miss has no Age, so a share of what has one would always be 100 %.
    if (aged > 0 && untold > 0) return this.#missing("only Age tells of hits, and nothing of misses");
    return this.#share(told - miss);
  }

  /** Of the answers that were hits or misses, those that were stale. */
  staleShare(): Measured {
    const { stale, unsure, aged } = this.#counts;
    if (unsure + aged > 0) return this.#missing(`${this.#by ?? "the CDN"} does not tell whether a hit was stale`);
    return this.#share(stale);
  }

  #share(part: number): Measured {
    const told = toldOf(this.#counts);
    if (told === 0) return this.#missing(whyNone(this.#counts));
    if (told < this.#needed) return this.#missing(`${told} of the ${this.#needed} answers needed so far`);
    const value = (part / told) * 100;
    return { kind: "number", value, dimension: "percent", ...(this.#by === null ? {} : { source: this.#by }) };
  }

  #missing(why: string): Measured {
    return { kind: "missing", why, ...(this.#by === null ? {} : { source: this.#by }) };
  }
}

/** What metrics count of one look; nothing where no answer told it. Hits that only an Age gives away have no misses beside them. */
export function countedFacts(words: readonly CdnWord[]): Readonly<Record<string, number>> {
  const kinds = words.map(kindOf).filter((kind) => kind !== "aged" && kind !== "uncached" && kind !== "untold");
  if (kinds.length === 0) return {};
  return { [CDN_FACTS.requests]: kinds.length, [CDN_FACTS.hits]: kinds.filter((kind) => kind !== "miss").length };
}

function kindOf(word: CdnWord): Kind {
  if (word.kind !== "hit") return word.kind;
  if (word.by === "Age") return "aged";
  return word.stale === null ? "unsure" : word.stale ? "stale" : "fresh";
}

function toldOf({ fresh, stale, unsure, aged, miss }: Counts): number {
  return fresh + stale + unsure + aged + miss;
}

function whyNone({ uncached, untold }: Counts): string {
  if (uncached + untold === 0) return "no answers so far";
  if (untold === 0) return `the CDN caches none of it: ${uncached} of ${uncached} answers were DYNAMIC, BYPASS or the like`;
  const rest = uncached === 0 ? "" : `; ${uncached} were DYNAMIC, BYPASS or the like`;
  return `the CDN does not tell of ${untold} of ${untold + uncached} answers whether they came from its cache${rest}`;
}
