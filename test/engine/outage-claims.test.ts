import { describe, expect, test } from "vitest";
import type { FenceAnswer } from "../../src/engine/carry-out.ts";
import { OutageClaims } from "../../src/engine/outage-claims.ts";
import { createSizeKeeper } from "../../src/engine/size-keeper.ts";
import { autoscaler, createClusterWorld, deployment, scaling, signal } from "../support/cluster-world.ts";

/** Seven pods by an autoscaler whose own minimum is three. */
function world(mayAct: FenceAnswer = { kind: "clear" }, withAutoscaler = true) {
  const on = createClusterWorld();
  on.cluster.placeDeployment(deployment(7));
  if (withAutoscaler) on.cluster.placeAutoscaler(autoscaler(3, { current: 7, desired: 7, conditions: scaling("True") }), "kubectl");
  const troubles: string[] = [];
  const outages = new OutageClaims({ cluster: on.cluster, claims: on.claims, clock: on.clock, workloads: ["web"], mayAct: () => mayAct, troubled: (_where, detail) => void troubles.push(detail) });
  const keeper = createSizeKeeper({ cluster: on.cluster, claims: on.claims, clock: on.clock, ledger: on.ledger, mayAct: async () => mayAct, troubled: () => undefined });
  const pass = async (ms: number): Promise<void> => {
    await on.clock.advance(ms);
    await outages.idle();
    await keeper.round();
  };
  const min = async (): Promise<number | undefined> => (await on.cluster.autoscalers(signal))[0]?.min;
  return { ...on, outages, troubles, pass, min };
}

describe("while the Storefront API is away", () => {
  test("the pods that are there are kept, and let go two minutes after its return", async () => {
    const { outages, pass, min } = world();
    outages.outage(0);
    await pass(0);
    expect(await min()).toBe(7);
    await pass(600_000);
    expect(await min()).toBe(7);
    outages.outage(null);
    await pass(60_000);
    expect(await min()).toBe(7);
    await pass(60_000);
    expect(await min()).toBe(3);
    await outages.stop();
  });

  test("what is claimed is what was there at first, not what was made of it", async () => {
    const { cluster, outages, pass, min } = world();
    outages.outage(0);
    await pass(0);
    const [one] = await cluster.autoscalers(signal);
    if (one === undefined) throw new Error("no autoscaler");
    cluster.placeAutoscaler({ ...one, current: 9, desired: 9 }, "shopkeeper");
    await pass(120_000);
    expect(await min()).toBe(7);
    await outages.stop();
  });

  test("who does not lead claims nothing; where nothing sizes it nothing is claimed", async () => {
    const idle = world({ kind: "blocked", reason: "not the leader" });
    idle.outages.outage(0);
    await idle.pass(30_000);
    expect([idle.claims.all(), await idle.min()]).toEqual([[], 3]);
    const unsized = world({ kind: "clear" }, false);
    unsized.outages.outage(0);
    await unsized.pass(30_000);
    expect(unsized.claims.all()).toEqual([]);
    await Promise.all([idle.outages.stop(), unsized.outages.stop()]);
  });

  test("a cluster that does not answer is told once, and asked again", async () => {
    const { cluster, outages, troubles, pass, min } = world();
    cluster.fail({ code: "UNAVAILABLE", detail: "no answer" });
    outages.outage(0);
    await pass(45_000);
    expect(troubles).toEqual([expect.stringContaining("the size of web cannot be claimed for the outage")]);
    cluster.fail(null);
    await pass(15_000);
    expect(await min()).toBe(7);
    await outages.stop();
  });
});
