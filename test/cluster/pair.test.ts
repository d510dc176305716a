/** Two singletons of which the leading one is killed, paused, cut off, or loses its API server as it acts: one cause has one effect. */
import { describe, expect, test } from "vitest";
import { freePort } from "../support/faulty-server.ts";
import { killChild, redisInstalled, startRedis } from "../support/redis-server.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";
import { runRound, type Disturbance, type RoundParts, type RoundPlan } from "./pair-round.ts";

const WITHIN_MS = 45_000;

describe.skipIf(lacking("api").length > 0)("a pair of singletons, disturbed as the leader evicts", () => {
  const world = createApiWorld();
  const run = (disturbance: Disturbance, parts: Partial<RoundParts> = {}) => {
    const plan: RoundPlan = { disturbance, moment: { at: "eviction" }, returns: "after_recovery", sameName: false, graceMs: 200 };
    return runRound(plan, { api: world.api(), namespace: `pair-${disturbance.replace("_", "-")}`, restartApi: () => world.api().restart(), withinMs: WITHIN_MS, ...parts });
  };
  const ONCE = { evicted: 1, doubled: 0, idle: 0, lost: 0, unresolved: 0 };

  test.each(["killed", "paused", "cut"] as const)("%s: the other acts instead, and the write that comes late is refused", { timeout: 100_000 }, async (disturbance) => {
    const result = await run(disturbance);
    expect(result).toMatchObject({ ...ONCE, refused: 1 });
    expect(result.takeoverMs).toBeLessThan(20_000);
  });

  test.skipIf(!redisInstalled)("killed, with the state in Redis: what it had written down is there, and is not done twice", { timeout: 100_000 }, async () => {
    const port = await freePort();
    const server = await startRedis(port);
    try {
      expect(await run("killed", { namespace: "pair-redis", redis: `redis://127.0.0.1:${port}` })).toMatchObject({ ...ONCE, refused: 1 });
    } finally {
      await killChild(server);
    }
  });

  test("its API server restarted under the eviction: what became of it is read when it is back, and it is done once", { timeout: 100_000 }, async () => {
    expect(await run("api_restarted")).toMatchObject({ ...ONCE, uncertain: 0 });
  });
});
