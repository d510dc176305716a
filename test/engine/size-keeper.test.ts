/** A workload's size over time: claims come and end, and others write the same field. */
import { afterEach, describe, expect, test } from "vitest";
import type { Claim } from "../../src/core/claims.ts";
import type { FenceAnswer } from "../../src/engine/carry-out.ts";
import { createSizeKeeper } from "../../src/engine/size-keeper.ts";
import type { SizeKeeper } from "../../src/engine/size-keeper.ts";
import { settle } from "../support/manual-clock.ts";
import { autoscaler, createClusterWorld, deployment, signal } from "../support/cluster-world.ts";
import type { ClusterWorld } from "../support/cluster-world.ts";

const MINUTE = 60_000;

type Bench = ClusterWorld & { readonly keeper: SizeKeeper; readonly troubles: string[]; fence: FenceAnswer; readonly size: () => Promise<number | undefined> };

let running: SizeKeeper | null = null;
afterEach(async () => {
  await running?.stop();
});

/** A web of three (an autoscaler's minReplicas, or the replicas themselves), and a keeper at work. */
function bench(of: "autoscaler" | "deployment" = "autoscaler"): Bench {
  const world = createClusterWorld();
  world.cluster.placeDeployment(deployment(3), "kubectl");
  if (of === "autoscaler") world.cluster.placeAutoscaler(autoscaler(3), "kubectl");
  const troubles: string[] = [];
  const made: Bench = {
    ...world, troubles,
    fence: { kind: "clear" },
    keeper: createSizeKeeper({ ...world, mayAct: async () => made.fence, troubled: (where, detail) => void troubles.push(`${where}: ${detail}`) }),
    size: async () => (of === "autoscaler" ? (await world.cluster.autoscalers(signal))[0]?.min : (await world.cluster.deployment("web", signal))?.wanted),
  };
  running = made.keeper;
  return made;
}

async function claim(on: Bench, holder: string, size: number, minutes: number, of: "autoscaler" | "deployment" = "autoscaler"): Promise<void> {
  const made: Claim = { holder, size, until: on.clock.now() + minutes * MINUTE, why: "a test" };
  await on.claims.claim("web", made, { of, name: of === "autoscaler" ? "web-hpa" : "web", size: (await on.size()) ?? 0 }, on.clock.now());
}

const told = async (on: Bench): Promise<readonly string[]> => (await on.ledger.query({ kinds: ["note"] })).map(({ text }) => text);

describe.each(["autoscaler", "deployment"] as const)("a size held by its %s", (of) => {
  test("is raised to the largest claim, lowered as claims end, and forgotten at its base", async () => {
    const on = bench(of);
    on.keeper.start();
    await claim(on, "sale:friday", 8, 5, of);
    await claim(on, "scale_up:load", 5, 10, of);
    await on.clock.advance(15_000);
    expect(await on.size()).toBe(8);
    await on.clock.advance(5 * MINUTE);
    expect(await on.size()).toBe(5);
    await on.clock.advance(5 * MINUTE);
    expect(await on.size()).toBe(3);
    await on.clock.advance(15_000);
    expect([on.claims.all(), on.rows.size, on.troubles]).toEqual([[], 0, []]);
    const name = of === "autoscaler" ? "web-hpa" : "web";
    expect(await told(on)).toEqual([
      "web: raised from 3 to 8: sale:friday claims 8 (a test)",
      "web: lowered from 8 to 5: scale_up:load claims 5 (a test)",
      "web: lowered from 5 to 3: base claims 3 (its size before the first claim)",
    ]);
    expect(on.cluster.notes().map(({ about, type, reason, action }) => [about.name, type, reason, action])).toEqual([1, 2, 3].map(() => [name, "Normal", "SizeKept", "Scale"]));
  });

  test("what others write over it is said once, with owner and field, and left to them until another size is claimed", async () => {
    const on = bench(of);
    await claim(on, "sale:friday", 8, 60, of);
    await on.keeper.round();
    const write = (size: number, manager: string): void => (of === "autoscaler" ? on.cluster.placeAutoscaler(autoscaler(size), manager) : on.cluster.placeDeployment(deployment(size), manager));
    write(3, "argocd-controller");
    for (let rounds = 0; rounds < 4; rounds++) await on.keeper.round();
    expect(await on.size()).toBe(3);
    const field = of === "autoscaler" ? "spec.minReplicas of the autoscaler web-hpa" : "spec.replicas of the deployment web";
    expect(on.troubles).toEqual([expect.stringContaining(`cluster: argocd-controller wrote ${field} over: 3 instead of 8`)]);
    expect(await told(on)).toEqual([expect.stringContaining("raised from 3 to 8"), expect.stringContaining(field)]);
    expect(on.cluster.notes().at(-1)).toMatchObject({ type: "Warning", reason: "SizeWrittenOver" });
    expect(on.claims.get("web")?.left).toEqual({ wanted: 8, manager: "argocd-controller" });
    await claim(on, "sale:friday", 8, 90, of);
    await on.keeper.round();
    expect(await on.size()).toBe(3);
    await claim(on, "scale_up:load", 9, 60, of);
    await on.keeper.round();
    expect(await on.size()).toBe(9);
  });

  test("what others chose is not set back to the base at the end", async () => {
    const on = bench(of);
    await claim(on, "sale:friday", 8, 1, of);
    await on.keeper.round();
    if (of === "autoscaler") on.cluster.placeAutoscaler(autoscaler(6), "kubectl-edit");
    else on.cluster.placeDeployment(deployment(6), "kubectl-edit");
    await on.clock.advance(MINUTE);
    await on.keeper.round();
    expect([await on.size(), on.claims.all()]).toEqual([6, []]);
  });
});

describe("keeping a size", () => {
  test("what nobody else owns is written again", async () => {
    const on = bench();
    await claim(on, "sale:friday", 8, 60);
    await on.keeper.round();
    on.cluster.placeAutoscaler(autoscaler(3), "shopkeeper");
    await on.keeper.round();
    expect([await on.size(), on.troubles]).toEqual([8, []]);
  });

  test("only who may act writes", async () => {
    const on = bench();
    on.fence = { kind: "blocked", reason: "another one leads" };
    await claim(on, "sale:friday", 8, 60);
    await on.keeper.round();
    expect(await on.size()).toBe(3);
    on.fence = { kind: "clear" };
    await on.keeper.round();
    expect(await on.size()).toBe(8);
    on.fence = { kind: "blocked", reason: "another one leads" };
    on.cluster.placeAutoscaler(autoscaler(3), "argocd-controller");
    await on.keeper.round();
    expect([on.troubles, on.claims.get("web")?.left]).toEqual([[], null]);
  });

  test("never above the autoscaler's own maximum", async () => {
    const on = bench();
    await claim(on, "sale:friday", 40, 60);
    await on.keeper.round();
    await on.keeper.round();
    expect([await on.size(), on.troubles, on.claims.get("web")?.written]).toEqual([10, [], 10]);
  });

  test("a size that was reached before we knew is ours, and lowered at the end", async () => {
    const on = bench();
    await claim(on, "sale:friday", 8, 1);
    await on.cluster.setMinReplicas("web-hpa", 3, 8, signal);
    await on.keeper.round();
    await on.clock.advance(MINUTE);
    await on.keeper.round();
    expect(await on.size()).toBe(3);
  });

  test("an autoscaler that comes meanwhile is taken over, from what it says", async () => {
    const on = bench("deployment");
    await claim(on, "sale:friday", 8, 1, "deployment");
    await on.keeper.round();
    on.cluster.placeAutoscaler(autoscaler(2), "kubectl");
    await on.keeper.round();
    const min = async () => (await on.cluster.autoscalers(signal))[0]?.min;
    expect(await min()).toBe(8);
    await on.clock.advance(MINUTE);
    await on.keeper.round();
    await on.keeper.round();
    expect([await min(), on.claims.all()]).toEqual([2, []]);
  });

  test("an autoscaler that comes when nothing is claimed any more is left alone", async () => {
    const on = bench("deployment");
    await claim(on, "sale:friday", 8, 1, "deployment");
    await on.clock.advance(MINUTE);
    on.cluster.placeAutoscaler(autoscaler(2), "kubectl");
    await on.keeper.round();
    expect(on.claims.all()).toEqual([]);
  });

  test("a trouble is told once, and again after it was over", async () => {
    const on = bench();
    await claim(on, "sale:friday", 8, 60);
    on.cluster.fail({ code: "UNAVAILABLE", detail: "no answer" });
    await on.keeper.round();
    await on.keeper.round();
    on.cluster.fail(null);
    await on.keeper.round();
    on.cluster.fail({ code: "UNAVAILABLE", detail: "no answer" });
    await on.keeper.round();
    expect(on.troubles).toEqual([1, 2].map(() => "cluster: the size of web cannot be kept: no answer"));
  });

  test("a note that cannot be left does not matter to the size, and is told", async () => {
    const on = bench();
    on.cluster.forbid([{ verb: "create", group: "events.k8s.io", resource: "events" }]);
    await claim(on, "sale:friday", 8, 60);
    await on.keeper.round();
    expect([await on.size(), on.troubles]).toEqual([8, [expect.stringContaining("a note could not be left")]]);
  });

  test("a workload that is deleted is forgotten once nothing is claimed for it", async () => {
    const on = bench("deployment");
    await claim(on, "sale:friday", 8, 1, "deployment");
    const gone = createClusterWorld();
    const keeper = createSizeKeeper({ ...on, cluster: gone.cluster, mayAct: async () => on.fence, troubled: () => undefined });
    await keeper.round();
    expect(on.claims.all()).toHaveLength(1);
    await on.clock.advance(MINUTE);
    await keeper.round();
    expect(on.claims.all()).toEqual([]);
  });

  test("after it was stopped nothing is looked at", async () => {
    const on = bench();
    on.keeper.start();
    await settle();
    await on.keeper.stop();
    on.keeper.start();
    await claim(on, "sale:friday", 8, 60);
    await on.clock.advance(MINUTE);
    expect([await on.size(), on.clock.waiting]).toEqual([3, 0]);
  });
});
