/**
 * Who could speak in an incident, found out while all is calm.
 *
 * Once a minute each observer is asked as it would be then. One that gives no answer, or cannot see the region that buyers
 * are led to, would be missed only when its vote is needed. One of several is news; too few for the quorum is a failover
 * that cannot happen, so a person is called once that has lasted for three rounds.
 */
import { formatDuration, type Instant, type Ms } from "../time.ts";
import { observersOf, type RegionName, type RegionPlan } from "./region.ts";
import type { Reply } from "./vote.ts";

/** Between two rounds. */
export const ROLL_EVERY: Ms = 60_000;
/** Rounds in a row with too few, before a person is called. */
export const FEW_ROUNDS = 3;

export type Presence = {
  readonly observer: string;
  /** When it was asked last; null: not yet. */
  readonly askedAt: Instant | null;
  /** When it gave an answer that counts; null: never to this daemon since it leads. */
  readonly heardAt: Instant | null;
  /** Why it could not have spoken when it was asked last; null: it could, or was not asked yet. */
  readonly why: string | null;
};

export type Roll = {
  /** Every observer but this one, regions in their order before witnesses. */
  readonly present: readonly Presence[];
  /** Of the newest round that told: who could have spoken on the region that buyers are led to. null: none has told yet. */
  readonly quorum: { readonly about: RegionName; readonly able: readonly string[]; readonly lacking: readonly string[] } | null;
  /** Rounds in a row in which they were fewer than needed, and when the first of them was. */
  readonly few: number;
  readonly fewSince: Instant | null;
};

/** What the rounds so far say. `unsure`: too few to tell, or not for long enough. */
export type RollFinding = "enough" | "unsure" | "few";

export function newRoll(plan: RegionPlan, me: string): Roll {
  return { present: observersBut(plan, me).map((observer) => ({ observer, askedAt: null, heardAt: null, why: null })), quorum: null, few: 0, fewSince: null };
}

/** Whom to ask. */
export function observersBut(plan: RegionPlan, me: string): readonly string[] {
  return [...plan.regions.map(({ name }) => name), ...plan.witnesses].filter((name) => name !== me);
}

/**
 * Takes in one round.
 *
 * @param about the region that buyers are led to; null: not known, so who is needed is not known either.
 * @param online whether reference hosts answered from here in that moment: while none does, silence is our own network's,
 *   and the round neither makes a run of few longer nor ends it. null: none are configured.
 */
export function callRoll(roll: Roll, plan: RegionPlan, me: string, about: RegionName | null, replies: ReadonlyMap<string, Reply>, online: boolean | null, now: Instant): Roll {
  const present = roll.present.map((before) => {
    const reply: Reply = replies.get(before.observer) ?? { kind: "silent", why: "it was not asked" };
    return { observer: before.observer, askedAt: now, heardAt: reply.kind === "votes" ? now : before.heardAt, why: lackOf(plan, before.observer, about, reply, online) };
  });
  if (about === null) return { ...roll, present };
  const mute = new Set(present.filter(({ why }) => why !== null).map(({ observer }) => observer));
  const observers = observersOf(plan, about);
  const quorum = { about, able: observers.filter((name) => !mute.has(name)), lacking: observers.filter((name) => mute.has(name)) };
  if (quorum.able.length >= plan.rules.quorum) return { present, quorum, few: 0, fewSince: null };
  return online === false ? { ...roll, present } : { present, quorum, few: roll.few + 1, fewSince: roll.fewSince ?? now };
}

export function findingOfRoll({ quorum, few }: Roll): RollFinding {
  if (few >= FEW_ROUNDS) return "few";
  return quorum !== null && few === 0 ? "enough" : "unsure";
}

/** One sentence: who could speak, and why the others could not; "" before a round has told. */
export function describeRoll({ present, quorum }: Roll, { rules }: RegionPlan, now: Instant): string {
  if (quorum === null) return "";
  const { about, able, lacking } = quorum;
  const head = `in an incident of ${about} ${able.length === 0 ? "nobody" : able.join(", ")} could speak, ${rules.quorum} needed`;
  const lacks = lacking.map((name) => {
    const one = present.find(({ observer }) => observer === name);
    return `not ${name}, ${one?.heardAt == null ? "never heard yet" : `heard ${formatDuration(now - one.heardAt)} ago`} (${one?.why ?? ""})`;
  });
  return [head, ...lacks].join("; ");
}

/** Why it could not speak; null: it could. Of the region that buyers are led to, its own daemon need see nothing. */
function lackOf(plan: RegionPlan, observer: string, about: RegionName | null, reply: Reply, online: boolean | null): string | null {
  if (reply.kind === "silent") return online === false ? `no reference host answers from here, so it cannot be told: ${reply.why}` : reply.why;
  if (about === null || !observersOf(plan, about).includes(observer)) return null;
  const vote = reply.votes.find((one) => one.observer === observer && one.about === about);
  if (vote === undefined) return `it answers, and says nothing of ${about}: are its regions those of here?`;
  return vote.says === "unknown" ? `it answers, and cannot see ${about} from where it is` : null;
}
