import { describe, expect, test } from "vitest";
import { ClusterError } from "../../src/ports/cluster.ts";
import { budget, createClusterWorld, intentOn, paramsOf, pod, POD, signal, withMethod } from "../support/cluster-world.ts";
import type { ClusterWorld } from "../support/cluster-world.ts";

const WEB_1 = { kind: "pod", name: "web-1", uid: "uid-web-1" } as const;
const EVICT = { verb: "create", group: "", resource: "pods", subresource: "eviction" };

function world(): ClusterWorld {
  const made = createClusterWorld();
  made.cluster.placePod(pod("web-1"));
  return made;
}

const prepare = (on: ClusterWorld, params = paramsOf("restart_pod")) => on.remedy("restart_pod").prepare(POD, params, signal);
const execute = (on: ClusterWorld, params = paramsOf("restart_pod")) => on.remedy("restart_pod").execute(intentOn(POD, "restart_pod", WEB_1, params), POD, signal);

describe("before a pod is restarted", () => {
  test("this very pod is the precondition, and taking it away is destructive", async () => {
    expect(await prepare(world())).toEqual({ precondition: WEB_1, destructive: true, gone: false });
  });

  test("a budget that forbids it is waited for, in its own words, and asked again after 10 s only", async () => {
    const on = world();
    on.cluster.placeBudget(budget(0));
    const remedy = on.remedy("restart_pod");
    const held = await remedy.prepare(POD, {}, signal);
    expect(held).toMatchObject({ precondition: WEB_1, wait: { guard: "disruption", reason: expect.stringContaining("disruption budget web"), until: on.clock.now() + 10_000 } });
    on.cluster.placeBudget(budget(1));
    await on.clock.advance(9_999);
    expect(await remedy.prepare(POD, {}, signal)).toEqual(held);
    await on.clock.advance(1);
    expect((await remedy.prepare(POD, {}, signal)).wait).toBeUndefined();
  });

  test("a pod that is on its way out already is said, and left alone", async () => {
    const on = world();
    on.cluster.placePod(pod("web-1", { deletingAt: 5 }));
    expect((await prepare(on)).wait).toEqual({ guard: "disruption", reason: "pod web-1 is being deleted already", until: on.clock.now() + 10_000 });
  });

  test("a pod that is gone cannot be restarted", async () => {
    const on = world();
    on.cluster.removePod("web-1");
    expect(await prepare(on)).toMatchObject({ precondition: { kind: "none" }, wait: { guard: "unavailable", reason: "there is no pod web-1 any more" } });
  });

  test("a pod that nobody would replace is left alone", async () => {
    const on = world();
    on.cluster.placePod(pod("web-1", { workload: null }));
    expect((await prepare(on)).wait).toEqual({ guard: "unavailable", reason: "pod web-1 belongs to no workload: nobody would make another one", until: null });
  });

  test("a right that is missing holds it, by its name", async () => {
    const on = world();
    on.cluster.forbid([EVICT]);
    expect((await prepare(on)).wait).toMatchObject({ guard: "unavailable", reason: expect.stringContaining("it needs the right to create pods/eviction"), until: null });
  });

  test("a deletion asks no budget", async () => {
    const on = world();
    on.cluster.placeBudget(budget(0));
    expect((await prepare(on, paramsOf("restart_pod", { method: "delete" }))).wait).toBeUndefined();
  });

  test("a cluster that does not answer is no answer", async () => {
    const on = world();
    on.cluster.fail({ code: "UNAVAILABLE", detail: "no answer" });
    await expect(prepare(on)).rejects.toMatchObject({ name: "ClusterError", code: "UNAVAILABLE" });
  });

  test("without a cluster there is no such remedy", () => {
    expect(createClusterWorld().remedies({ cluster: null }).has("restart_pod")).toBe(false);
  });
});

describe("restarting a pod", () => {
  test("evicts that very pod", async () => {
    const on = world();
    on.cluster.placeBudget(budget(1));
    expect(await execute(on)).toEqual({ pod: "web-1", uid: "uid-web-1", method: "evict" });
    expect(await on.cluster.pod("web-1", signal)).toMatchObject({ deletingAt: expect.any(Number) });
  });

  test("a budget that forbids it at the last moment refuses it, and says so", async () => {
    const on = world();
    on.cluster.placeBudget(budget(0));
    await expect(execute(on)).rejects.toMatchObject({ code: "REFUSED", message: expect.stringMatching(/^forbidden at the last moment: .*disruption budget/) });
    expect(await on.cluster.pod("web-1", signal)).toMatchObject({ deletingAt: null });
  });

  test("deletes past the budget only where the policy says so", async () => {
    const on = world();
    on.cluster.placeBudget(budget(0));
    expect(await execute(on, paramsOf("restart_pod", { method: "delete" }))).toMatchObject({ method: "delete" });
    expect(await on.cluster.pod("web-1", signal)).toMatchObject({ deletingAt: expect.any(Number) });
  });

  test.each(["evict", "delete"])("%s never touches the pod that has the name now", async (method) => {
    const on = world();
    on.cluster.placePod(pod("web-1", { uid: "another" }));
    await expect(execute(on, { method })).rejects.toMatchObject({ code: "REFUSED", message: "the name web-1 is another pod's now (not uid-web-1)" });
    on.cluster.removePod("web-1");
    await expect(execute(on, { method })).rejects.toMatchObject({ code: "REFUSED", message: "pod web-1 is gone already" });
  });

  test("no answer to the write leaves it uncertain; a refusal is one", async () => {
    const on = world();
    const answering = (code: "UNAVAILABLE" | "TOO_MANY") => withMethod(on.cluster, "evictPod", () => Promise.reject(new ClusterError(code, `evict pod web-1: ${code}`)));
    const execute = (code: "UNAVAILABLE" | "TOO_MANY") => on.remedy("restart_pod", { cluster: answering(code) }).execute(intentOn(POD, "restart_pod", WEB_1), POD, signal);
    await expect(execute("UNAVAILABLE")).rejects.toMatchObject({ code: "UNCERTAIN" });
    await expect(execute("TOO_MANY")).rejects.toMatchObject({ code: "REFUSED" });
    on.cluster.forbid([EVICT]);
    await expect(on.remedy("restart_pod").execute(intentOn(POD, "restart_pod", WEB_1), POD, signal)).rejects.toMatchObject({ code: "REFUSED", message: expect.stringContaining("it needs the right to create pods/eviction") });
  });

  test("an intent that names no pod is refused", async () => {
    await expect(world().remedy("restart_pod").execute(intentOn(POD, "restart_pod", { kind: "none" }), POD, signal)).rejects.toMatchObject({ code: "REFUSED" });
  });
});

describe("reading an eviction back", () => {
  const read = (on: ClusterWorld) => on.remedy("restart_pod").readBack(intentOn(POD, "restart_pod", WEB_1), POD, signal);

  test.each([
    ["gone", (on: ClusterWorld) => on.cluster.removePod("web-1"), "landed"],
    ["terminating", (on: ClusterWorld) => on.cluster.placePod(pod("web-1", { deletingAt: 5 })), "landed"],
    ["another of the name", (on: ClusterWorld) => on.cluster.placePod(pod("web-1", { uid: "another" })), "landed"],
    ["there as before", () => undefined, "not_landed"],
    ["not to be seen", (on: ClusterWorld) => on.cluster.fail({ code: "UNAVAILABLE", detail: "no answer" }), "unreadable"],
  ])("the pod is %s", async (_what, change, kind) => {
    const on = world();
    change(on);
    expect((await read(on)).kind).toBe(kind);
  });

  test("what is verified is the replacement", () => {
    expect(world().remedy("restart_pod").verifiedBy).toBe("replacement");
  });
});
