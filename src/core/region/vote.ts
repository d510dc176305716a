/**
 * Votes: what others see of a region, asked for with a nonce and counted by the asker's own clock.
 *
 * Nobody's wall clock matters: a vote is an answer to this very question, so it was made after it was asked, and it
 * counts for a few seconds from then. It also tells whether the region's own daemon vetoes: who cannot hear that itself
 * must not act against it. Each observer counts once; of two words of one observer the less alarming counts.
 */
import type { Instant, Ms } from "../time.ts";
import { observersOf, type RegionName, type RegionPlan } from "./region.ts";
import type { OutsideVerdict } from "./outside.ts";

/** A vote counts for this long after it was asked for. */
export const VOTE_FOR: Ms = 5_000;
/** Observers answer within this time, or not at all. */
export const ASK_DEADLINE: Ms = 900;

/** A question to all observers. */
export type Ballot = {
  readonly nonce: string;
  readonly about: readonly RegionName[];
  /** By the asker's own clock; it is not sent. */
  readonly askedAt: Instant;
};

export type Vote = {
  readonly nonce: string;
  readonly observer: string;
  readonly about: RegionName;
  readonly says: OutsideVerdict;
  /** For how long it has seen nothing but copies; 0: not so. */
  readonly copiesForMs: Ms;
  /** It hears the region's own daemon veto; a witness hears none. */
  readonly vetoed: boolean;
};

/** What came back from an observer that was asked: its votes, proven to be its own, or why there are none that count. */
export type Reply = { readonly kind: "votes"; readonly votes: readonly Vote[] } | { readonly kind: "silent"; readonly why: string };

/** Observers by what they say; each name is in one list. */
export type Tally = {
  readonly down: readonly string[];
  readonly copiesOnly: readonly string[];
  /** Copies alone, but not for long enough. */
  readonly copies: readonly string[];
  readonly up: readonly string[];
  readonly unknown: readonly string[];
  /** Asked, and no answer that counts. */
  readonly silent: readonly string[];
  /** Those, whatever they see, to whom the region's own daemon says that it is well and reached. */
  readonly vetoed: readonly string[];
};

/** The most cautious word first. */
const CAUTION: readonly OutsideVerdict[] = ["up", "unknown", "copies-only", "down"];

/**
 * Counts what is known of one region.
 *
 * @param own the asker's own view, as a vote of its own.
 */
export function countVotes(plan: RegionPlan, about: RegionName, ballot: Ballot | null, own: Pick<Vote, "observer" | "says" | "copiesForMs">, votes: readonly Vote[], now: Instant): Tally {
  const may = new Set(observersOf(plan, about));
  const counted = new Map<string, Pick<Vote, "says" | "copiesForMs">>();
  const fresh = ballot !== null && now - ballot.askedAt <= VOTE_FOR ? votes.filter((vote) => vote.nonce === ballot.nonce && vote.about === about && ballot.about.includes(about)) : [];
  for (const vote of fresh) {
    if (!may.has(vote.observer) || vote.observer === own.observer) continue;
    const before = counted.get(vote.observer);
    if (before === undefined || CAUTION.indexOf(vote.says) < CAUTION.indexOf(before.says)) counted.set(vote.observer, vote);
  }
  // A region's word on itself counts where it is asked how it looks from outside: only its own failback asks that.
  counted.set(own.observer, own);
  const said = (wanted: (vote: Pick<Vote, "says" | "copiesForMs">) => boolean): readonly string[] => [...counted].filter(([, vote]) => wanted(vote)).map(([name]) => name).toSorted();
  return {
    down: said((vote) => vote.says === "down"),
    copiesOnly: said((vote) => vote.says === "copies-only"),
    copies: said((vote) => vote.says === "up" && vote.copiesForMs > 0),
    up: said((vote) => vote.says === "up" && !(vote.copiesForMs > 0)),
    unknown: said((vote) => vote.says === "unknown"),
    vetoed: fresh.filter((vote) => vote.vetoed && may.has(vote.observer) && vote.observer !== own.observer).map((vote) => vote.observer),
    silent: ballot === null ? [] : [...may].filter((name) => !counted.has(name)),
  };
}

export type Finding =
  | { readonly kind: "agreed"; readonly what: "down" | "copies-only" | "up"; readonly by: readonly string[] }
  /** Enough speak against it, but as many see it answer. */
  | { readonly kind: "disagree"; readonly against: readonly string[]; readonly up: readonly string[] }
  | { readonly kind: "too_few"; readonly against: readonly string[] };

/**
 * What the observers agree on: `quorum` of them say it, and fewer of them see the opposite.
 *
 * @param gaveUp the region itself says that it is lost, so copies need not last a minute before they count.
 */
export function findingOf(tally: Tally, quorum: number, gaveUp: boolean): Finding {
  const copies = gaveUp ? [...tally.copiesOnly, ...tally.copies] : tally.copiesOnly;
  const selling = gaveUp ? tally.up : [...tally.up, ...tally.copies];
  const answering = [...copies, ...selling];
  if (tally.down.length >= quorum && tally.down.length > answering.length) return { kind: "agreed", what: "down", by: tally.down };
  const against = [...tally.down, ...copies];
  if (against.length >= quorum && against.length > selling.length) return { kind: "agreed", what: "copies-only", by: against };
  if (against.length >= quorum) return { kind: "disagree", against, up: selling };
  if (tally.up.length >= quorum && tally.up.length > against.length) return { kind: "agreed", what: "up", by: tally.up };
  return { kind: "too_few", against };
}
