/** Two singletons of which the leading one is killed, paused, cut off, or loses its API server as it acts: one cause has one effect. */
import { describe, expect, test } from "vitest";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";
import { runRound, type Disturbance, type RoundPlan } from "./pair-round.ts";

const WITHIN_MS = 45_000;

describe.skipIf(lacking("api").length > 0)("a pair of singletons, disturbed as the leader evicts", () => {
  const world = createApiWorld();
  const run = (disturbance: Disturbance, more: Partial<RoundPlan> = {}) => {
    const plan: RoundPlan = { disturbance, moment: { at: "eviction" }, returns: "after_recovery", sameName: false, graceMs: 200, ...more };
    return runRound(plan, { api: world.api(), namespace: `pair-${disturbance.replace("_", "-")}`, restartApi: () => world.api().restart(), withinMs: WITHIN_MS });
  };
  const ONCE = { evicted: 1, doubled: 0, idle: 0, lost: 0, unresolved: 0 };

  test.each(["killed", "paused", "cut"] as const)("%s: the other acts instead, and the write that comes late is refused", { timeout: 100_000 }, async (disturbance) => {
    const result = await run(disturbance);
    expect(result).toMatchObject({ ...ONCE, refused: 1 });
    expect(result.takeoverMs).toBeLessThan(20_000);
  });

  test("its API server restarted under the eviction: what became of it is known or held for a person, never done twice", { timeout: 100_000 }, async () => {
    const { evicted, uncertain, ...counted } = await run("api_restarted");
    expect(counted).toMatchObject({ doubled: 0, idle: 0, lost: 0, unresolved: 0, refused: 0 });
    expect(evicted === 1 || uncertain === 1).toBe(true);
  });
});
