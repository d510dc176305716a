import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import { createClaimBook } from "../../src/engine/claim-book.ts";
import type { FenceAnswer } from "../../src/engine/act.ts";
import { partsOf } from "../../src/roles/parts.ts";
import { tendCluster } from "../../src/roles/tend-cluster.ts";
import { SimulatedCluster } from "../../src/simulation/simulated-cluster.ts";
import { autoscaler, deployment } from "../support/cluster-world.ts";
import { singletonConfig } from "../support/singleton-config.ts";
import { createWatch, createWatchedWorld } from "../support/watched-world.ts";

/** A leader whose engine watches the Storefront API, and what it tends beside. */
async function tended(answer: FenceAnswer = { kind: "clear" }) {
  const world = createWatchedWorld();
  const { clock, ledger } = world;
  const cluster = new SimulatedCluster(clock);
  cluster.placeDeployment(deployment(4));
  cluster.placeAutoscaler(autoscaler(2), "kubectl");
  const claims = createClaimBook(createMemoryStateStore());
  await claims.load();
  const parts = partsOf("singleton");
  if (parts === null) throw new Error("there is no singleton");
  const config = await singletonConfig("storefront: { origin: https://shop.myshopify.com }\n");
  const state = { ill: false };
  const engine = createWatch(world, { shopify_api: () => (state.ill ? "x" : ".") }, { supervised: null, policies: [] });
  const steps = tendCluster({ cluster, claims, mayAct: () => answer, pods: null, missing: () => null, watchFirst: 0, listeners: () => { throw new Error("it opens none"); } }, engine, ledger, { config, parts, env: {}, clock, log: pino({ level: "silent" }) });
  await engine.start();
  const held = () => (claims.get("web")?.claims ?? []).filter(({ holder, until }) => holder === "outage" && (until === null || until > clock.now())).map(({ size }) => size);
  const end = async (): Promise<void> => {
    for (const step of steps) await step();
    await engine.stop();
  };
  return { clock, state, held, end };
}

describe("a workload, while the Storefront API is out of reach", () => {
  test("keeps the pods it has, and no longer than that lasts", async () => {
    const { clock, state, held, end } = await tended();
    await clock.advance(60_000);
    expect(held()).toEqual([]);
    state.ill = true;
    await clock.advance(120_000);
    expect(held()).toEqual([4]);
    state.ill = false;
    await clock.advance(300_000);
    expect(held()).toEqual([]);
    await end();
  });

  test("is not claimed by one that may not act", async () => {
    const { clock, state, held, end } = await tended({ kind: "blocked", reason: "the lease was not renewed in time" });
    state.ill = true;
    await clock.advance(120_000);
    expect(held()).toEqual([]);
    await end();
  });

  test("is let go of at the end: no timer is left", async () => {
    const { clock, state, end } = await tended();
    state.ill = true;
    await clock.advance(120_000);
    await end();
    expect(clock.waiting).toBe(0);
  });
});
