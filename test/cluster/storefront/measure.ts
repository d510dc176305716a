/** One fault, and what buyers, Kubernetes and Shopkeeper saw of it. */
import type { Fault } from "./faults.ts";
import { isRolledOut } from "./faults.ts";
import { isWhole, podsOf, type ShopPod } from "./pods.ts";
import { untilServed, type Scene, type Side } from "./scene.ts";
import { tallyOf, type Tally } from "./tally.ts";
import { waitUntil } from "./waiting.ts";

/** Something told, in seconds after the fault. */
export type Told = { readonly afterS: number; readonly what: string };

/** @property alarming says that something is wrong: a warning; or a breaker that opens in a pod that was not just starting. */
export type Said = Told & { readonly alarming: boolean };

export type SideResult = {
  readonly tally: Tally;
  /** First sign of it in the API server's view of the pods. */
  readonly noticed: Told | null;
  /** First line of a sidecar's or the singleton's log that says that something is wrong. */
  readonly detected: Told | null;
  /** From when on all three pods were ready and all buyers served; 0: they always were. null: not by the end. */
  readonly recoveredAfterS: number | null;
  /** What the logs said, from the fault to its end. */
  readonly log: readonly Said[];
  /** Pods of the shop on each node when it happened. */
  readonly spread: Readonly<Record<string, number>>;
};

export type Result = { readonly fault: string; readonly bare: SideResult; readonly ours: SideResult };

const MOST_MS = 400_000;
const SETTLES_WITHIN_MS = 300_000;
/** So many buyers in a row, and the next fault may come. */
const SERVED_AFTER = 100;
/** Not served so shortly before the end: not recovered. */
const CALM_S = 3;
/** Answers to those who asked last. */
const LATE_MS = 6_000;
const MOST_LINES = 60;

/** Brings a fault about, counts its buyers, undoes it, and waits until all is well again. @param share of the buyers that are waited for, 0 to 1. */
export async function measure(scene: Scene, fault: Fault, share = 1): Promise<Result> {
  const sides = [scene.bare, scene.ours];
  await prepare(scene, fault);
  const watches = await Promise.all(sides.map((side) => openWatch(side)));
  const from = Date.now();
  for (const watch of watches) watch.start(from);
  // A drain takes its time, and is watched from its beginning.
  let isBegun = false;
  const beginning = Promise.all([fault.beginOnce?.(scene), ...sides.map((side) => fault.begin?.(scene, side))]).finally(() => (isBegun = true));
  beginning.catch(() => undefined);
  await waitUntil(async () => {
    await Promise.all(watches.map((watch) => watch.look()));
    if (!isBegun || sides.some(({ buyers }) => buyers.since(from) < fault.buyers * share)) return false;
    return (await Promise.all(sides.map(async (side) => (await fault.isOver?.(scene, side)) ?? true))).every(Boolean);
  }, `${fault.name} has run its course`, MOST_MS);
  await beginning;
  const to = Date.now();
  await waitUntil(() => Date.now() > to + LATE_MS, "the last have been answered", 2 * LATE_MS);
  const results = await Promise.all(sides.map(async (side, index) => resultOf(scene, side, watches[index] as Watch, from, to)));
  if (fault.last !== true) await undo(scene, fault);
  const [bare, ours] = results as [SideResult, SideResult];
  return { fault: fault.name, bare, ours };
}

/** A rollout is over when the last of the pods before it are gone. */
async function prepare(scene: Scene, fault: Fault): Promise<void> {
  if (fault.before === undefined) return;
  for (const side of [scene.bare, scene.ours]) await fault.before(scene, side);
  await waitUntil(() => areWell(scene), `both shops are ready for ${fault.name}`, SETTLES_WITHIN_MS);
}

async function areWell(scene: Scene): Promise<boolean> {
  const sides = [scene.bare, scene.ours];
  return (await Promise.all(sides.map(async (side) => isWhole(await side.pods()) && (await isRolledOut(scene, side))))).every(Boolean);
}

async function undo(scene: Scene, fault: Fault): Promise<void> {
  const sides = [scene.bare, scene.ours];
  await fault.endOnce?.(scene);
  for (const side of sides) await fault.end?.(scene, side);
  await waitUntil(() => areWell(scene), `all is well after ${fault.name}`, SETTLES_WITHIN_MS);
  await untilServed(sides, SERVED_AFTER);
}

type Watch = {
  readonly start: (from: number) => void;
  readonly look: () => Promise<void>;
  readonly noticed: () => Told | null;
  readonly wholeAfterS: () => number | null;
  readonly spread: Readonly<Record<string, number>>;
  /** Names of the pods when it happened. */
  readonly names: readonly string[];
};

/** Looks at the pods of a shop for the first difference, and for when the last is over. */
async function openWatch({ pods }: Side): Promise<Watch> {
  const before = await pods();
  const spread: Record<string, number> = {};
  for (const { node } of before) spread[node] = (spread[node] ?? 0) + 1;
  let from = 0;
  let noticed: Told | null = null;
  let wholeSince: number | null = 0;
  const look = async (): Promise<void> => {
    const now = await pods();
    const afterS = (Date.now() - from) / 1_000;
    const what = difference(before, now);
    if (what !== null) noticed ??= { afterS, what };
    if (!isWhole(now)) wholeSince = null;
    else wholeSince ??= afterS;
  };
  return { start: (at) => void (from = at), look, noticed: () => noticed, wholeAfterS: () => wholeSince, spread, names: before.map(({ name }) => name) };
}

/** The first thing that Kubernetes holds against a pod; null: nothing yet. */
function difference(before: readonly ShopPod[], now: readonly ShopPod[]): string | null {
  for (const pod of before) {
    const { name } = pod;
    const today = now.find(({ uid }) => uid === pod.uid);
    if (today === undefined || today.ending) return `${name} ends`;
    if (today.restarts > pod.restarts) return `${name} was restarted: ${today.lastEnd}`;
    if (!today.ready) return `${name} is not ready`;
  }
  const fresh = now.find(({ uid }) => !before.some((one) => one.uid === uid));
  return fresh === undefined ? null : `${fresh.name} is new`;
}

async function resultOf(scene: Scene, side: Side, watch: Watch, from: number, to: number): Promise<SideResult> {
  const log = side === scene.ours ? await told(scene, side, watch.names, from, to) : [];
  const tally = tallyOf(side.buyers.fetched, from, to);
  return { tally, noticed: watch.noticed(), detected: log.find(({ alarming }) => alarming) ?? null, recoveredAfterS: recoveredAfter(watch.wholeAfterS(), tally, (to - from) / 1_000), log, spread: watch.spread };
}

function recoveredAfter(wholeAfterS: number | null, { span }: Tally, lengthS: number): number | null {
  const last = span?.last ?? 0;
  return wholeAfterS === null || last > lengthS - CALM_S ? null : Math.max(wholeAfterS, last);
}

/** Events that say that something is wrong, or was done about it. */
const TELLING = new Set(["verdict", "status", "breaker", "gateway", "action", "quarantine", "blind", "trouble", "flapping", "decision"]);

type Line = { readonly time?: string | number; readonly level?: number; readonly event?: string; readonly position?: string; readonly msg?: string };

const WARN = 40;

/** What the logs of Shopkeeper's own say, in order. Pods that are gone have taken theirs along. */
async function told({ plane }: Scene, { namespace }: Side, before: readonly string[], from: number, to: number): Promise<readonly Said[]> {
  const pods = [...(await podsOf(plane.ask, namespace)), ...(await podsOf(plane.ask, namespace, "shopkeeper"))];
  const logs = await Promise.all(pods.map(async ({ name }) => {
    const { body } = await plane.ask("GET", `/api/v1/namespaces/${namespace}/pods/${name}/log?container=shopkeeper&sinceSeconds=${Math.ceil((Date.now() - from) / 1_000) + 1}`).catch(() => ({ body: "" }));
    return linesOf(String(body)).flatMap((line) => {
      const at = new Date(line.time ?? 0).getTime();
      const alarming = (line.level ?? 0) >= WARN || (line.position === "open" && before.includes(name));
      return TELLING.has(line.event ?? "") && at >= from && at <= to ? [{ afterS: (at - from) / 1_000, what: `${name}: ${line.msg ?? ""}`, alarming }] : [];
    });
  }));
  return logs.flat().toSorted((a, b) => a.afterS - b.afterS).slice(0, MOST_LINES);
}

function linesOf(text: string): readonly Line[] {
  return text.split("\n").filter((line) => line.startsWith("{")).flatMap((line) => {
    try {
      return [JSON.parse(line) as Line];
    } catch {
      // The last may be half written.
      return [];
    }
  });
}
