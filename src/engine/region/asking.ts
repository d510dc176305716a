/** Asking observers what they see: all at once, within the time that they have. */
import { ASK_DEADLINE, type Ballot, type Reply } from "../../core/region/vote.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RegionEyes } from "../../ports/region-eyes.ts";
import { startRound } from "./in-time.ts";

/** What each of them answered, its own votes alone. Never rejects. */
export async function askAll(eyes: RegionEyes, clock: Clock, observers: readonly string[], ballot: Pick<Ballot, "nonce" | "about">, signal: AbortSignal): Promise<ReadonlyMap<string, Reply>> {
  const round = startRound(clock, ASK_DEADLINE, signal);
  const silent = (error: unknown): Reply => ({ kind: "silent", why: error instanceof Error ? error.message : String(error) });
  const ask = async (name: string): Promise<readonly [string, Reply]> => {
    const reply = await round.orElse(eyes.ask(name, ballot, round.signal), silent);
    return [name, reply.kind === "votes" ? { kind: "votes", votes: reply.votes.filter((vote) => vote.observer === name) } : reply];
  };
  try {
    return new Map(await Promise.all(observers.map(ask)));
  } finally {
    round.end();
  }
}
