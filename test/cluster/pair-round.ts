/**
 * One round of a pair: a pod falls ill, something happens to the leader about when it acts, and the world says afterwards what was done.
 *
 * Judged by the audit log of the API server and by what is stored, never by what a singleton says of itself.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { ApiServer } from "./api-server.ts";
import { evictionsIn } from "./evictions.ts";
import { leads, startPair, tookOver, type Half, type Pair } from "./pair.ts";
import { holds } from "./processes.ts";

export const DISTURBANCES = ["killed", "paused", "api_restarted", "cut"] as const;
export type Disturbance = (typeof DISTURBANCES)[number];

export type RoundPlan = {
  readonly disturbance: Disturbance;
  /** When: as the eviction is on its way, so long after the intent was written down, or so long after the pod fell ill. */
  readonly moment: { readonly at: "eviction" } | { readonly at: "intent" | "illness"; readonly afterMs: number };
  /** A leader that was paused or cut off returns when the other one leads, or only when that one has healed the shop. */
  readonly returns: "at_takeover" | "after_recovery";
  /** A replacement has the evicted pod's name. */
  readonly sameName: boolean;
  /** Between the order to go and the end of a pod. */
  readonly graceMs: number;
};

export type RoundResult = {
  readonly evicted: number;
  /** Pods evicted that were not ill: a second effect of the one cause. */
  readonly doubled: number;
  /** Evictions of the ill pod that were answered well beyond the first: it was going already. */
  readonly idle: number;
  /** Evictions the API server refused by their precondition. */
  readonly refused: number;
  /** Intents told but not stored, and those left without an outcome. */
  readonly lost: number;
  readonly unresolved: number;
  /** Intents of which nobody knows what became: held until a person acknowledges, so the round ends with them. */
  readonly uncertain: number;
  /** From the end of the leader to the other's lead; null: the leader was not taken from. */
  readonly takeoverMs: number | null;
};

export type RoundParts = {
  readonly api: ApiServer;
  readonly namespace: string;
  readonly lease?: string;
  /** URL of the Redis that keeps their state; default: it is in the cluster. */
  readonly redis?: string;
  /** Of rounds side by side the first restarts it for all. */
  readonly restartApi: () => Promise<void>;
  /** Called once the pair is up; the round goes on when it resolves. */
  readonly up?: () => Promise<void>;
  /** Most that a wait of the round may take. */
  readonly withinMs: number;
};

/** A small seeded generator (mulberry32): the same seed gives the same plans. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function planRound(disturbance: Disturbance, next: () => number): RoundPlan {
  const where = next();
  const moment: RoundPlan["moment"] = where < 0.4 ? { at: "eviction" } : where < 0.75 ? { at: "intent", afterMs: next() * 80 } : { at: "illness", afterMs: next() * 5_000 };
  return { disturbance, moment, returns: next() < 0.4 ? "at_takeover" : "after_recovery", sameName: next() < 0.5, graceMs: next() * 1_500 };
}

export async function runRound(plan: RoundPlan, parts: RoundParts): Promise<RoundResult> {
  const { api, namespace, withinMs } = parts;
  await using pair = await startPair(api, { ...parts, ...plan });
  await parts.up?.();
  const [ill] = pair.pods;
  if (ill === undefined) throw new Error("no pods");
  const moment = momentOf(plan, pair, withinMs);
  ill.sidecar.verdict = "unhealthy";
  await moment;
  const takeoverMs = await disturb(plan, pair, parts, () => recovered(pair, ill.uid, withinMs));
  await recovered(pair, ill.uid, withinMs);
  const told = toldIntents(pair);
  const stored = await pair.intents();
  const evictions = evictionsIn(api.auditLog, namespace);
  const good = evictions.filter(({ status }) => status < 300);
  const ofIll = good.filter(({ uid }) => uid === ill.uid).length;
  return {
    evicted: new Set(good.map(({ uid }) => uid)).size,
    doubled: new Set(good.map(({ uid }) => uid).filter((uid) => uid !== ill.uid)).size,
    idle: Math.max(0, ofIll - 1),
    refused: evictions.filter(({ status }) => status === 404 || status === 409).length,
    lost: [...told].filter((id) => !stored.some((intent) => intent.id === id)).length,
    unresolved: stored.filter(({ state }) => state.phase === "intended").length,
    uncertain: stored.filter(({ state }) => state.phase === "uncertain").length,
    takeoverMs,
  };
}

/** Resolves at the moment of the disturbance. At an eviction the way is cut before it passes. */
async function momentOf({ disturbance, moment }: RoundPlan, { leader }: Pair, withinMs: number): Promise<void> {
  switch (moment.at) {
    case "illness":
      return pause(moment.afterMs);
    case "intent":
      await leader.singleton.wrote(/"kind":"intent"/, AbortSignal.timeout(withinMs));
      return pause(moment.afterMs);
    case "eviction":
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`nothing was evicted within ${withinMs} ms:\n${leader.singleton.output().slice(-4_000)}`)), withinMs);
        leader.proxy.atEviction(() => {
          clearTimeout(late);
          // The API server is restarted under it; in the other cases it arrives late.
          if (disturbance !== "api_restarted") leader.proxy.cut();
          resolve();
        });
      });
  }
}

/** Does it, and undoes what can be undone. @returns how long the other took to lead; null where it need not. */
async function disturb(plan: RoundPlan, { leader, other }: Pair, { restartApi, withinMs }: RoundParts, recover: () => Promise<void>): Promise<number | null> {
  const since = performance.now();
  switch (plan.disturbance) {
    case "api_restarted":
      await restartApi();
      return null;
    case "killed":
      await leader.singleton.kill();
      break;
    case "paused":
      leader.singleton.signal("SIGSTOP");
      break;
    case "cut":
      leader.proxy.cut();
      break;
  }
  const took = await tookOver(other, since, withinMs);
  if (plan.returns === "after_recovery") await recover();
  leader.singleton.signal("SIGCONT");
  leader.proxy.heal();
  if (plan.disturbance !== "killed") await steppedDown(leader, withinMs);
  return took;
}

/** The one that was away knows that it leads no more. */
async function steppedDown(half: Half, withinMs: number): Promise<void> {
  const knows = async (): Promise<boolean> => (await half.singleton.metric("shopkeeper_leader").catch(() => 1)) === 0;
  if (!(await holds(knows, withinMs))) throw new Error(`it still leads:\n${half.singleton.output().slice(-4_000)}`);
}

async function leadsNow({ leader, other }: Pair): Promise<boolean> {
  return (await leads(leader)) || leads(other);
}

/** The ill pod was replaced, all is well, and nothing is left open; or it is uncertain what became of an attempt. */
export async function recovered(pair: Pair, uid: string, withinMs: number): Promise<void> {
  const isSo = async (): Promise<boolean> => {
    const stored = await pair.intents().catch(() => []);
    if (stored.some(({ state }) => state.phase === "uncertain")) return leadsNow(pair);
    if (!pair.replicaSet.replaced({ name: "", uid })) return false;
    for (const half of [pair.leader, pair.other]) {
      if (!(await leads(half))) continue;
      const seen = await half.singleton.status().catch(() => null);
      if (seen?.status === "healthy" && seen.openIntents.length === 0 && seen.targets.length === 4) return true;
    }
    return false;
  };
  if (await holds(isSo, withinMs)) return;
  throw new Error(`${pair.namespace} did not recover:\n${[pair.leader, pair.other].map(({ singleton }) => singleton.output().slice(-6_000)).join("\n=====\n")}`);
}

function toldIntents({ leader, other }: Pair): ReadonlySet<string> {
  const entries = [leader, other].flatMap(({ singleton }) => singleton.lines("ledger").map((line) => line["entry"] as { readonly kind: string; readonly actionId: string }));
  return new Set(entries.filter(({ kind }) => kind === "intent").map(({ actionId }) => actionId));
}
