import { describe, expect, test } from "vitest";
import { ClusterError } from "../../src/ports/cluster.ts";
import { budget, createClusterWorld, intentOn, paramsOf, pod, POD, signal, withMethod } from "../support/cluster-world.ts";
import type { ClusterWorld } from "../support/cluster-world.ts";

const WEB_1 = { kind: "pod", name: "web-1", uid: "uid-web-1" } as const;
const MARK = "shopkeeper.dev/quarantined";

function world(): ClusterWorld {
  const made = createClusterWorld();
  made.cluster.placePod(pod("web-1", { labels: { "app.kubernetes.io/name": "web", tier: "shop" } }));
  return made;
}

const prepare = (on: ClusterWorld, params = paramsOf("quarantine_pod")) => on.remedy("quarantine_pod").prepare(POD, params, signal);
const execute = (on: ClusterWorld, params = paramsOf("quarantine_pod")) => on.remedy("quarantine_pod").execute(intentOn(POD, "quarantine_pod", WEB_1, params), POD, signal);

describe("quarantine", () => {
  test("takes the Service's label off and leaves a mark, in one write; the pod stays", async () => {
    const on = world();
    expect(await prepare(on)).toEqual({ precondition: WEB_1, destructive: true, gone: false });
    expect(await execute(on)).toEqual({ pod: "web-1", uid: "uid-web-1", withoutLabel: "app.kubernetes.io/name", mark: `${MARK}=web` });
    expect(await on.cluster.pod("web-1", signal)).toMatchObject({ deletingAt: null, labels: { tier: "shop", [MARK]: "web" } });
    expect((await on.cluster.pod("web-1", signal))?.labels).not.toHaveProperty("app.kubernetes.io/name");
  });

  test("takes the label that the policy names", async () => {
    const on = world();
    await execute(on, paramsOf("quarantine_pod", { label: "tier" }));
    expect((await on.cluster.pod("web-1", signal))?.labels).toEqual({ "app.kubernetes.io/name": "web", [MARK]: "web" });
  });

  test("is full with as many pods as the policy keeps; those being deleted do not count", async () => {
    const on = world();
    on.cluster.placePod(pod("old", { labels: { [MARK]: "web" } }));
    await expect(execute(on)).rejects.toMatchObject({ code: "REFUSED", message: "the quarantine is full: old of web; look at them and delete them" });
    expect((await on.cluster.pod("web-1", signal))?.labels).toHaveProperty("tier");
    expect(await execute(on, paramsOf("quarantine_pod", { keep: 2 }))).toMatchObject({ pod: "web-1" });
    const next = world();
    next.cluster.placePod(pod("old", { labels: { [MARK]: "web" }, deletingAt: 5 }));
    next.cluster.placePod(pod("other", { labels: { [MARK]: "other" } }));
    expect(await execute(next)).toMatchObject({ pod: "web-1" });
  });

  test("waits for the disruption budget like any other way of losing a pod", async () => {
    const on = world();
    on.cluster.placeBudget(budget(0));
    expect((await prepare(on)).wait).toMatchObject({ guard: "disruption", reason: expect.stringContaining("disruption budget") });
  });

  test("a pod without the label, or gone, cannot be quarantined", async () => {
    const on = world();
    expect((await prepare(on, paramsOf("quarantine_pod", { label: "app" }))).wait).toEqual({ guard: "unavailable", reason: "pod web-1 has no label app that could be taken off", until: null });
    on.cluster.removePod("web-1");
    expect((await prepare(on)).wait?.guard).toBe("unavailable");
    await expect(execute(on)).rejects.toMatchObject({ code: "REFUSED", message: "pod web-1 is gone already" });
    on.cluster.placePod(pod("web-1", { uid: "another" }));
    await expect(execute(on)).rejects.toMatchObject({ code: "REFUSED", message: "the name web-1 is another pod's now" });
  });

  test("without the right to patch pods it is refused, and the right is named", async () => {
    const on = world();
    on.cluster.forbid([{ verb: "patch", group: "", resource: "pods" }]);
    await expect(execute(on)).rejects.toMatchObject({ code: "REFUSED", message: expect.stringContaining("it needs the right to patch pods") });
  });

  test("no answer while counting refuses it, no answer to the write leaves it uncertain", async () => {
    const on = world();
    const lost = (): Promise<never> => Promise.reject(new ClusterError("UNAVAILABLE", "no answer"));
    const execute = (method: "pods" | "labelPod") => on.remedy("quarantine_pod", { cluster: withMethod(on.cluster, method, lost) }).execute(intentOn(POD, "quarantine_pod", WEB_1), POD, signal);
    await expect(execute("pods")).rejects.toMatchObject({ code: "REFUSED" });
    await expect(execute("labelPod")).rejects.toMatchObject({ code: "UNCERTAIN" });
  });

  test.each([
    ["without the label and with the mark", (on: ClusterWorld) => on.cluster.placePod(pod("web-1", { labels: { [MARK]: "web" } })), "landed"],
    ["as it was", () => undefined, "not_landed"],
    ["gone", (on: ClusterWorld) => on.cluster.removePod("web-1"), "unreadable"],
    ["not to be seen", (on: ClusterWorld) => on.cluster.fail({ code: "UNAVAILABLE", detail: "no answer" }), "unreadable"],
  ])("read back, the pod is %s", async (_what, change, kind) => {
    const on = world();
    change(on);
    expect((await on.remedy("quarantine_pod").readBack(intentOn(POD, "quarantine_pod", WEB_1), POD, signal)).kind).toBe(kind);
  });
});
