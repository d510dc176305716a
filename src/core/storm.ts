/**
 * Storms: many targets of one workload fail the same check. That is a shared cause,
 * and restarting targets one after the other would only make it worse.
 */
import type { CheckState } from "./check-state.ts";
import type { Member, Share } from "./fleet.ts";
import { failingShares } from "./fleet.ts";
import { looksOf, targetIn } from "./roster-index.ts";
import type { Scene, Storm } from "./scene.ts";

/** What storms are judged by. */
export type StormScene = Pick<Scene, "now" | "settings" | "specs" | "targets" | "checks">;

/** Counted once for each picture: in a storm hundreds of proposals ask the same of it. */
const counted = new WeakMap<StormScene, Map<string, readonly Share[]>>();

/**
 * The share of each workload that fails `check`, as the scene was when it was first asked.
 *
 * @param early counts a failing run that has not turned its verdict yet, too: targets
 *   seldom turn at the same instant, and the first must not be punished for being first.
 */
export function workloadShares(scene: StormScene, check: string, early: boolean): readonly Share[] {
  const known = counted.get(scene) ?? new Map<string, readonly Share[]>();
  counted.set(scene, known);
  const key = `${early ? "early" : "judged"}|${check}`;
  const shares = known.get(key) ?? countShares(scene, check, early);
  known.set(key, shares);
  return shares;
}

function countShares(scene: StormScene, check: string, early: boolean): readonly Share[] {
  const spec = scene.specs.find((one) => one.name === check && one.inactive === null);
  if (spec === undefined) return [];
  const members = looksOf(spec).flatMap(({ key, target: id }): readonly Member[] => {
    const target = targetIn(scene.targets, id);
    if (target === undefined) return [];
    const state = scene.checks.get(key);
    return [{ target, verdict: early && isFailing(state) ? "unhealthy" : (state?.verdict ?? "unknown") }];
  });
  return failingShares(check, members, ["workload"]);
}

/** Of at least so many targets at least that share fails: half of four has a cause in common, two of two may be chance. */
export function isShared(share: Share, settings: Scene["settings"]): boolean {
  return share.judged >= settings.stormTargets && share.share >= settings.stormShare;
}

/** Storms as they are now: begun, gone on, or ended after enough calm. */
export function updateStorms(storms: readonly Storm[], scene: StormScene): readonly Storm[] {
  const kept = new Map(storms.filter((storm) => scene.now < storm.lastSeenAt + scene.settings.stormCalm).map((storm) => [keyOf(storm), storm]));
  for (const spec of scene.specs) {
    for (const share of workloadShares(scene, spec.name, false)) {
      if (!isShared(share, scene.settings)) continue;
      const storm = { workload: share.name, check: spec.name, since: scene.now, lastSeenAt: scene.now };
      kept.set(keyOf(storm), { ...storm, since: kept.get(keyOf(storm))?.since ?? scene.now });
    }
  }
  return [...kept.values()];
}

function isFailing(state: CheckState | undefined): boolean {
  return state !== undefined && state.failing.count > 0;
}

function keyOf(storm: Pick<Storm, "workload" | "check">): string {
  return `${storm.workload}|${storm.check}`;
}
