/** scale_up and pre_scale: what they claim, when they hold, and what is written at once. */
import { describe, expect, test } from "vitest";
import { BASE } from "../../src/core/claims.ts";
import type { Intent } from "../../src/core/intent.ts";
import type { Precondition } from "../../src/core/proposal.ts";
import type { Target } from "../../src/core/target.ts";
import type { Cluster } from "../../src/ports/cluster.ts";
import { ClusterError } from "../../src/ports/cluster.ts";
import { autoscaler, createClusterWorld, deployment, intentOn, paramsOf, POD, scaling, SHARED, signal, WEB, withMethod } from "../support/cluster-world.ts";
import type { ClusterWorld } from "../support/cluster-world.ts";

const HALF_HOUR = 1_800_000;
const SALE = paramsOf("pre_scale", { size: 8, for: "4h", workload: "web" });

/** A Deployment of four, and an autoscaler where one is given. */
function world(replicas = 4, hpa: ReturnType<typeof autoscaler> | null = null): ClusterWorld {
  const made = createClusterWorld();
  made.cluster.placeDeployment(deployment(replicas));
  if (hpa !== null) made.cluster.placeAutoscaler(hpa, "kubectl");
  return made;
}

const sizeOf = (size: number, of: "deployment" | "autoscaler" = "deployment"): Precondition => ({ kind: "size", of, name: of === "deployment" ? "web" : "web-hpa", size });
const up = (on: ClusterWorld, size: number, params = paramsOf("scale_up"), of: "deployment" | "autoscaler" = "deployment"): Intent => intentOn(POD, "scale_up", sizeOf(size, of), params, on.clock.now());
const scaleUp = (on: ClusterWorld, intent: Intent, cluster: Cluster = on.cluster) => on.remedy("scale_up", { cluster }).execute(intent, POD, signal);
const asked = async (on: ClusterWorld, target: Target = POD, params = paramsOf("scale_up")) => on.remedy("scale_up").prepare(target, params, signal);
const wanted = async (on: ClusterWorld) => (await on.cluster.deployment("web", signal))?.wanted;

describe("scale_up without an autoscaler", () => {
  test("takes the replicas as its precondition, and takes nothing away", async () => {
    expect(await asked(world())).toEqual({ precondition: sizeOf(4), destructive: false, gone: false });
    expect(await asked(world(), SHARED, paramsOf("scale_up", { workload: "web" }))).toMatchObject({ precondition: sizeOf(4) });
    expect((await asked(world(), SHARED)).wait).toEqual({ guard: "unavailable", reason: "the trigger names no target, and the policy no params.workload", until: null });
    const nameless = intentOn(SHARED, "scale_up", sizeOf(4));
    await expect(world().remedy("scale_up").execute(nameless, SHARED, signal)).rejects.toMatchObject({ code: "REFUSED", message: "the policy names no workload" });
    expect((await world().remedy("scale_up").readBack(nameless, SHARED, signal)).kind).toBe("not_landed");
  });

  test.each([
    [1, 2], [2, 3], [4, 6], [5, 7], [15, 20], [19, 20],
  ])("%i become %i, claimed for half an hour", async (from, to) => {
    const on = world(from);
    const until = on.clock.now() + HALF_HOUR;
    expect(await scaleUp(on, up(on, from))).toEqual({ workload: "web", of: "deployment", name: "web", from, to, claimed: to, for: "30m", readBack: to });
    expect(await wanted(on)).toBe(to);
    expect(on.claims.get("web")).toMatchObject({ written: to, claims: [{ holder: BASE, size: from, until: null }, { holder: "scale_up:web_policy", size: to, until }] });
  });

  test("at its maximum there is nothing to ask for", async () => {
    expect((await asked(world(20))).wait).toEqual({ guard: "unavailable", reason: "web has 20 replicas, and more may not be asked for", until: null });
    expect((await asked(world(4), POD, paramsOf("scale_up", { max: 4 }))).wait?.guard).toBe("unavailable");
  });

  test("what somebody stopped is not started", async () => {
    expect((await asked(world(0))).wait).toMatchObject({ guard: "unavailable", reason: "web is scaled to nothing: somebody stopped it" });
    expect((await asked(createClusterWorld())).wait).toMatchObject({ guard: "unavailable", reason: "there is no Deployment web" });
  });

  test("more come only when those before are ready; the claim is renewed when half of it is over", async () => {
    const on = world(4);
    await scaleUp(on, up(on, 4));
    on.cluster.placeDeployment(deployment(6, { ready: 4 }));
    expect((await asked(on)).wait).toEqual({ guard: "unavailable", reason: "4 of 6 replicas of web are ready: the others come first", until: on.clock.now() + HALF_HOUR / 2 });
    await on.clock.advance(HALF_HOUR / 2);
    expect((await asked(on)).wait).toBeUndefined();
    expect(await scaleUp(on, up(on, 6))).toMatchObject({ from: 6, to: 6, claimed: 6, for: "30m" });
    expect(on.claims.get("web")?.claims.at(-1)?.until).toBe(on.clock.now() + HALF_HOUR);
    on.cluster.placeDeployment(deployment(6));
    expect((await asked(on)).wait).toBeUndefined();
    expect(await scaleUp(on, up(on, 6))).toMatchObject({ from: 6, to: 9 });
  });

  test("while it fires at the maximum the claim is renewed too", async () => {
    const on = world(20);
    await on.claims.claim("web", { holder: "scale_up:web_policy", size: 20, until: on.clock.now() + HALF_HOUR, why: "load" }, { of: "deployment", name: "web", size: 10 }, on.clock.now());
    expect((await asked(on)).wait).toMatchObject({ guard: "unavailable", until: on.clock.now() + HALF_HOUR / 2 });
    await on.clock.advance(HALF_HOUR / 2);
    expect((await asked(on)).wait).toBeUndefined();
  });

  test("what others write is left to them", async () => {
    const on = world(4);
    await scaleUp(on, up(on, 4));
    await on.claims.leave("web", { wanted: 6, manager: "argocd-controller" });
    expect((await asked(on)).wait).toEqual({ guard: "unavailable", reason: "argocd-controller writes the size of web itself: left to it", until: null });
  });
});

describe("scale_up beside an autoscaler", () => {
  test.each([
    ["has no metrics", autoscaler(2, { conditions: scaling("False") }), undefined],
    ["works", autoscaler(2, { conditions: scaling("True") }), "the autoscaler web-hpa works: it has the 4 replicas it wants"],
    ["has not said yet", autoscaler(2, { conditions: [] }), "the autoscaler web-hpa has not said yet whether it works"],
  ])("which %s", async (_what, hpa, reason) => {
    const { wait } = await asked(world(4, hpa));
    expect(wait?.reason).toBe(reason);
    expect(wait?.guard ?? "autoscaler").toBe("autoscaler");
  });

  test("one that does not get what it wants is helped after two minutes", async () => {
    const on = world(4, autoscaler(2, { current: 4, desired: 6, conditions: scaling("True") }));
    const until = on.clock.now() + 120_000;
    for (let passed = 0; passed < 120_000; passed += 30_000) {
      expect((await asked(on)).wait).toEqual({ guard: "autoscaler", reason: "the autoscaler web-hpa wants 6 replicas and has 4: it gets 2m for that", until });
      await on.clock.advance(30_000);
    }
    expect((await asked(on)).wait).toBeUndefined();
  });

  test("one that caught up meanwhile gets its time again", async () => {
    const on = world(4, autoscaler(2, { current: 4, desired: 6, conditions: scaling("True") }));
    await asked(on);
    await on.clock.advance(61_000);
    expect((await asked(on)).wait?.until).toBe(on.clock.now() + 120_000);
    on.cluster.placeAutoscaler(autoscaler(2, { current: 6, desired: 6, conditions: scaling("True") }), "kubectl");
    expect((await asked(on)).wait?.until).toBeNull();
  });

  test("raises minReplicas from the pods there are, never above maxReplicas", async () => {
    const on = world(8, autoscaler(2));
    expect(await asked(on)).toEqual({ precondition: sizeOf(2, "autoscaler"), destructive: false, gone: false });
    expect(await scaleUp(on, up(on, 2, paramsOf("scale_up"), "autoscaler"))).toMatchObject({ of: "autoscaler", name: "web-hpa", from: 2, to: 10, claimed: 10, readBack: 10 });
    expect(await on.cluster.autoscalers(signal)).toMatchObject([{ min: 10 }]);
    expect(await wanted(on)).toBe(8);
  });
});

describe("a size that cannot be written", () => {
  const claimed = (on: ClusterWorld): readonly string[] => on.claims.get("web")?.claims.map(({ holder }) => holder) ?? [];

  test("changed since it was seen: refused, and nothing claimed", async () => {
    const on = world(5);
    await expect(scaleUp(on, up(on, 4))).rejects.toMatchObject({ code: "REFUSED", message: "the size of web was changed meanwhile: 5 by the deployment web" });
    expect(claimed(on)).toEqual([]);
  });

  test("changed between the look and the write: refused, and the claim withdrawn", async () => {
    const on = world(4);
    await expect(scaleUp(on, up(on, 4), withMethod(on.cluster, "setScale", async () => ({ kind: "moved", found: 9 })))).rejects.toMatchObject({ code: "REFUSED", message: "the size of web was changed meanwhile: 9" });
    await expect(scaleUp(on, up(on, 4), withMethod(on.cluster, "setScale", async () => ({ kind: "gone" })))).rejects.toMatchObject({ code: "REFUSED" });
    expect(claimed(on)).toEqual([BASE]);
    expect(await scaleUp(on, up(on, 4), withMethod(on.cluster, "setScale", async () => ({ kind: "moved", found: 6 })))).toMatchObject({ to: 6 });
  });

  test("without the right: refused, the right is named, and the claim withdrawn", async () => {
    const on = world(4);
    on.cluster.forbid([{ verb: "patch", group: "apps", resource: "deployments", subresource: "scale" }]);
    await expect(scaleUp(on, up(on, 4))).rejects.toMatchObject({ code: "REFUSED", message: expect.stringContaining("it needs the right to patch deployments/scale") });
    expect(claimed(on)).toEqual([BASE]);
  });

  test("no answer: uncertain, and the claim stands; it is what is read back", async () => {
    const on = world(4);
    const intent = up(on, 4);
    const read = (of: Intent) => on.remedy("scale_up").readBack(of, POD, signal);
    expect(await read(intent)).toEqual({ kind: "not_landed" });
    const lost = withMethod(on.cluster, "setScale", () => Promise.reject(new ClusterError("UNAVAILABLE", "no answer")));
    await expect(scaleUp(on, intent, lost)).rejects.toMatchObject({ code: "UNCERTAIN" });
    expect(claimed(on)).toEqual([BASE, "scale_up:web_policy"]);
    expect(await read(intent)).toEqual({ kind: "landed", effect: { workload: "web", claimed: 6, until: intent.recordedAt + HALF_HOUR } });
    expect(await read({ ...intent, recordedAt: intent.recordedAt + 1 })).toEqual({ kind: "not_landed" });
  });

  test("no answer before anything was written: refused", async () => {
    const on = world(4);
    on.cluster.fail({ code: "UNAVAILABLE", detail: "no answer" });
    await expect(scaleUp(on, up(on, 4))).rejects.toMatchObject({ code: "REFUSED", message: "could not be looked at: no answer" });
  });

  test("the read-back is no part of the deed", async () => {
    const on = world(4);
    let looks = 0;
    const once = withMethod(on.cluster, "autoscalers", async () => {
      looks += 1;
      if (looks > 1) throw new ClusterError("UNAVAILABLE", "no answer");
      return [];
    });
    expect(await scaleUp(on, up(on, 4), once)).toMatchObject({ to: 6, readBack: null });
  });
});

describe("pre_scale", () => {
  const sale = (on: ClusterWorld, size: number, of: "deployment" | "autoscaler" = "deployment"): Intent => intentOn(SHARED, "pre_scale", sizeOf(size, of), SALE, on.clock.now());
  const preScale = (on: ClusterWorld, intent: Intent) => on.remedy("pre_scale").execute(intent, SHARED, signal);

  test("has the size that the policy names, for the workload it names, as a claim of its own", async () => {
    const on = world(4);
    expect(await on.remedy("pre_scale").prepare(SHARED, SALE, signal)).toEqual({ precondition: sizeOf(4), destructive: false, gone: false });
    expect(await preScale(on, sale(on, 4))).toMatchObject({ workload: "web", from: 4, to: 8, claimed: 8, for: "4h" });
    expect(on.claims.get("web")?.claims.map(({ holder, size }) => [holder, size])).toEqual([[BASE, 4], ["sale:web_policy", 8]]);
    expect((await on.remedy("pre_scale").readBack(sale(on, 4), SHARED, signal)).kind).toBe("landed");
  });

  test("does not wait for an autoscaler that works: it raises what that may not go below", async () => {
    const on = world(4, autoscaler(2, { max: 6, conditions: scaling("True") }));
    expect((await on.remedy("pre_scale").prepare(WEB, SALE, signal)).wait).toBeUndefined();
    expect(await preScale(on, sale(on, 2, "autoscaler"))).toMatchObject({ from: 2, to: 6, claimed: 8 });
  });

  test("lowers nothing: what is larger already stays, and is claimed", async () => {
    const on = world(12);
    expect(await preScale(on, sale(on, 12))).toMatchObject({ from: 12, to: 12, claimed: 8 });
    expect(await wanted(on)).toBe(12);
  });

  test("without a cluster there is neither", () => {
    expect([...createClusterWorld().remedies({ cluster: null }).keys()]).toEqual(["restart_process", "run_command", "alert", "hold_breaker"]);
  });
});
