/**
 * From a fault to the first page from another region: what a configuration adds up to, record by record.
 *
 * The worst case is the sum of all that is bounded: a fault just after a good look, the slowest of the observers that are needed,
 * each deadline used up. The likely one is that of a fault at any moment and a region that says nothing. What no setting of ours
 * bounds (how soon a provider's edge or its name servers follow) is assumed, and its line says so. Resolvers that keep an answer
 * for longer than its TTL are in neither.
 */
import { formatDuration, type Ms } from "../time.ts";

export const RTO_TARGET: Ms = 60_000;

export type RtoProvider = "cloudflare_dns" | "cloudflare_pools" | "route53";

/** How buyers come to the other region once the provider has been changed. */
export type RtoReach =
  /** Their addresses stay: the provider's edge goes elsewhere. */
  | { readonly kind: "edge" }
  /** They resolve the name anew. */
  | { readonly kind: "resolvers"; readonly ttlMs: Ms; /** The shortest that the provider takes. */ readonly leastTtlMs: Ms }
  /** Nothing is changed by us: the provider's own checks of /health/region decide, and buyers resolve the name anew. */
  | { readonly kind: "health_checks"; readonly ttlMs: Ms; readonly everyMs: Ms; readonly failures: number };

export type RtoRecord = {
  /** "shop.example.com A" */
  readonly name: string;
  readonly provider: RtoProvider;
  readonly reach: RtoReach;
};

export type RtoPlan = {
  /** From the start of one look at a region to that of the next. */
  readonly lookEveryMs: Ms;
  readonly lookDeadlineMs: Ms;
  /** Failed looks in a row that make a region down; at least 1. */
  readonly fall: number;
  /** Observers that must agree; at least 2. */
  readonly quorum: number;
  readonly voteDeadlineMs: Ms;
  /** From one round of votes and decision to the next. */
  readonly decideEveryMs: Ms;
  /** How long more preferred regions that say nothing are waited for, all together; 0: the target is the first in line. */
  readonly yieldForMs: Ms;
  /** Of the change at the provider, read back and all. All records are changed at the same time. */
  readonly applyDeadlineMs: Ms;
  readonly records: readonly RtoRecord[];
};

export type RtoPart = "detection" | "votes" | "decision" | "apply" | "provider" | "resolvers";

export type RtoLine = {
  readonly part: RtoPart;
  readonly likelyMs: Ms;
  readonly worstMs: Ms;
  /** No setting bounds it. */
  readonly assumed: boolean;
  /** From what it follows, for people. */
  readonly why: string;
};

export type RecordRto = {
  readonly record: RtoRecord;
  /** In the order in which they pass. */
  readonly lines: readonly RtoLine[];
  readonly likelyMs: Ms;
  readonly worstMs: Ms;
  /** `within`: even the worst case is. `likely`: only the likely case is. `over`: not even that. */
  readonly verdict: "within" | "likely" | "over";
};

type Delay = { readonly likelyMs: Ms; readonly worstMs: Ms; readonly why: string };

const FOLLOWS: Readonly<Record<RtoProvider, Delay>> = {
  cloudflare_dns: { likelyMs: 5_000, worstMs: 30_000, why: "Cloudflare's edge follows within seconds; its documentation bounds it by five minutes only" },
  cloudflare_pools: { likelyMs: 5_000, worstMs: 30_000, why: "Cloudflare's edge follows within seconds; its documentation bounds it by five minutes only" },
  route53: { likelyMs: 30_000, worstMs: 60_000, why: "Route 53's servers generally follow within 60 seconds, says its documentation" },
};
/** Answers of its health checkers decide among servers that have both records already. */
const CHECKS_FOLLOW: Delay = { likelyMs: 1_000, worstMs: 5_000, why: "Route 53's servers hear of it from its health checkers; nothing is changed" };
/** Of a health checker of Route 53: four to connect, two to be answered. */
const CHECKER_DEADLINE: Ms = 6_000;
const LIKELY_VOTE: Ms = 300;
const LIKELY_APPLY: Ms = 1_000;

/** Of each record, in the order of the plan. Never throws. */
export function sumRto(plan: RtoPlan, target: Ms = RTO_TARGET): readonly RecordRto[] {
  return plan.records.map((record) => {
    const lines = linesOf(plan, record);
    const likelyMs = sum(lines, ({ likelyMs }) => likelyMs);
    const worstMs = sum(lines, ({ worstMs }) => worstMs);
    return { record, lines, likelyMs, worstMs, verdict: worstMs <= target ? "within" : likelyMs <= target ? "likely" : "over" };
  });
}

/** What to print: a line for each record, then one for each part. */
export function describeRto(sums: readonly RecordRto[], target: Ms = RTO_TARGET): readonly string[] {
  return sums.flatMap((one) => [headline(one, target), ...one.lines.map(partLine)]);
}

/**
 * The TTL with which even the worst case would be within the target; null: none would, or resolvers have no part in it.
 *
 * @returns whole seconds, in milliseconds.
 */
export function fittingTtl({ record: { reach }, worstMs }: RecordRto, target: Ms = RTO_TARGET): Ms | null {
  if (reach.kind === "edge") return null;
  const left = Math.floor((target - (worstMs - reach.ttlMs)) / 1_000) * 1_000;
  return left >= 1_000 ? left : null;
}

function linesOf(plan: RtoPlan, { provider, reach }: RtoRecord): readonly RtoLine[] {
  switch (reach.kind) {
    case "edge":
      return [...byUs(plan), follows(FOLLOWS[provider])];
    case "resolvers":
      return [...byUs(plan), follows(FOLLOWS[provider]), resolvers(reach.ttlMs)];
    case "health_checks":
      return [ownVerdict(plan), byChecks(reach.everyMs, reach.failures), follows(CHECKS_FOLLOW), resolvers(reach.ttlMs)];
  }
}

function byUs(plan: RtoPlan): readonly RtoLine[] {
  return [detection(plan), votes(plan), decision(plan), apply(plan)];
}

/** Each observer's looks fall anywhere: of n, the last sees the fault n/(n+1) of an interval after it, on average. */
function detection({ lookEveryMs, lookDeadlineMs, fall, quorum }: RtoPlan): RtoLine {
  return {
    part: "detection",
    likelyMs: Math.round(lookEveryMs * (fall - 1 + quorum / (quorum + 1))) + lookDeadlineMs,
    worstMs: lookEveryMs * fall + lookDeadlineMs,
    assumed: false,
    why: `${counted(fall, "failed look")} by ${counted(quorum, "observer")}, one every ${formatDuration(lookEveryMs)}, the last given up after ${formatDuration(lookDeadlineMs)}`,
  };
}

function votes({ voteDeadlineMs, decideEveryMs }: RtoPlan): RtoLine {
  return {
    part: "votes",
    likelyMs: Math.min(LIKELY_VOTE, voteDeadlineMs),
    worstMs: decideEveryMs + voteDeadlineMs,
    assumed: false,
    why: `observers are asked every ${formatDuration(decideEveryMs)} and have ${formatDuration(voteDeadlineMs)} to answer`,
  };
}

function decision({ decideEveryMs, yieldForMs }: RtoPlan): RtoLine {
  const yields = yieldForMs > 0 ? `, and more preferred regions that say nothing have ${formatDuration(yieldForMs)} to take over themselves` : "";
  return { part: "decision", likelyMs: decideEveryMs / 2, worstMs: decideEveryMs + yieldForMs, assumed: false, why: `decided every ${formatDuration(decideEveryMs)}${yields}` };
}

function apply({ applyDeadlineMs }: RtoPlan): RtoLine {
  return { part: "apply", likelyMs: Math.min(LIKELY_APPLY, applyDeadlineMs), worstMs: applyDeadlineMs, assumed: false, why: `read, written and read back within ${formatDuration(applyDeadlineMs)}; a provider whose API is down is not in this sum` };
}

function follows({ likelyMs, worstMs, why }: Delay): RtoLine {
  return { part: "provider", likelyMs, worstMs, assumed: true, why };
}

function resolvers(ttlMs: Ms): RtoLine {
  return { part: "resolvers", likelyMs: ttlMs / 2, worstMs: ttlMs, assumed: false, why: `resolvers keep the old answer for up to its TTL of ${formatDuration(ttlMs)}` };
}

/** A region that is cut off needs none: it cannot answer its checkers. */
function ownVerdict({ lookEveryMs, lookDeadlineMs, fall }: RtoPlan): RtoLine {
  return {
    part: "decision",
    likelyMs: 0,
    worstMs: lookEveryMs * fall + lookDeadlineMs,
    assumed: false,
    why: `/health/region tells of an unwell region after ${counted(fall, "failed look")}; of one that is cut off, silence does at once`,
  };
}

function byChecks(everyMs: Ms, failures: number): RtoLine {
  return {
    part: "detection",
    likelyMs: everyMs * (failures - 0.5) + CHECKER_DEADLINE,
    worstMs: everyMs * failures + CHECKER_DEADLINE,
    assumed: false,
    why: `${counted(failures, "failed check")} by Route 53, one every ${formatDuration(everyMs)}, the last given up after ${formatDuration(CHECKER_DEADLINE)}`,
  };
}

function headline(one: RecordRto, target: Ms): string {
  const { record, likelyMs, worstMs, verdict } = one;
  const said = { within: `within ${formatDuration(target)}`, likely: `the worst case is over ${formatDuration(target)}`, over: `over ${formatDuration(target)}` }[verdict];
  return `${record.name} (${record.provider}): likely ${formatDuration(likelyMs)}, at worst ${formatDuration(worstMs)}: ${said}${verdict === "within" ? "" : remedy(one, target)}`;
}

function remedy(one: RecordRto, target: Ms): string {
  if (one.record.reach.kind === "edge") return "";
  const { provider, reach } = one.record;
  const ttl = fittingTtl(one, target);
  if (reach.kind === "resolvers" && provider === "cloudflare_dns" && (ttl ?? 0) < reach.leastTtlMs && one.worstMs - reach.ttlMs <= target) {
    return `; Cloudflare takes no TTL below ${formatDuration(reach.leastTtlMs)}, but proxied: true would change that`;
  }
  return ttl === null ? "; no TTL would change that" : `; a TTL of at most ${formatDuration(ttl)} would change that`;
}

function partLine({ part, likelyMs, worstMs, assumed, why }: RtoLine): string {
  return `  ${part.padEnd(10)} likely ${formatDuration(likelyMs).padStart(6)}, at worst ${formatDuration(worstMs).padStart(6)}  ${assumed ? "assumed: " : ""}${why}`;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

const sum = (lines: readonly RtoLine[], of: (line: RtoLine) => Ms): Ms => lines.reduce((total, line) => total + of(line), 0);
