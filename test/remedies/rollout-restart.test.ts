import { describe, expect, test } from "vitest";
import { ClusterError } from "../../src/ports/cluster.ts";
import { createClusterWorld, deployment, intentOn, POD, signal, WEB, withMethod } from "../support/cluster-world.ts";
import type { ClusterWorld } from "../support/cluster-world.ts";

const FIRST = { kind: "generation", deployment: "web", generation: 1 } as const;

function world(): ClusterWorld {
  const made = createClusterWorld();
  made.cluster.placeDeployment(deployment(3));
  return made;
}

const prepare = (on: ClusterWorld) => on.remedy("rollout_restart").prepare(POD, {}, signal);
const execute = (on: ClusterWorld) => on.remedy("rollout_restart").execute(intentOn(WEB, "rollout_restart", FIRST), WEB, signal);

describe("restarting a rollout", () => {
  test("restarts the Deployment of a pod, or of the workload itself, as it was seen", async () => {
    const on = world();
    expect(await prepare(on)).toEqual({ precondition: FIRST, destructive: true, gone: false });
    expect(await on.remedy("rollout_restart").prepare(WEB, {}, signal)).toEqual(await prepare(on));
    expect(await execute(on)).toEqual({ deployment: "web", generation: 2 });
  });

  test.each([
    ["paused", deployment(3, { paused: true }), "unavailable", "rollouts of web are paused"],
    ["in a rollout", deployment(3, { updated: 1 }), "disruption", "web is being rolled out already, or short of pods: 3 of 3 available"],
    ["short of pods", deployment(3, { available: 2 }), "disruption", "web is being rolled out already, or short of pods: 2 of 3 available"],
  ])("holds while it is %s", async (_what, found, guard, reason) => {
    const on = world();
    on.cluster.placeDeployment(found);
    expect((await prepare(on)).wait).toMatchObject({ guard, reason });
  });

  test("holds where there is no such Deployment", async () => {
    expect((await prepare(createClusterWorld())).wait).toMatchObject({ guard: "unavailable", reason: "there is no Deployment web" });
  });

  test("what was changed meanwhile, or is gone, is left alone", async () => {
    const on = world();
    on.cluster.placeDeployment(deployment(3, { generation: 5 }));
    await expect(execute(on)).rejects.toMatchObject({ code: "REFUSED", message: "web was changed meanwhile: generation 5, not 1" });
    await expect(execute(createClusterWorld())).rejects.toMatchObject({ code: "REFUSED", message: "there is no Deployment web any more" });
    await expect(on.remedy("rollout_restart").execute(intentOn(WEB, "rollout_restart", { kind: "none" }), WEB, signal)).rejects.toMatchObject({ code: "REFUSED" });
  });

  test("no answer to the write leaves it uncertain", async () => {
    const on = world();
    const lost = withMethod(on.cluster, "restartRollout", () => Promise.reject(new ClusterError("UNAVAILABLE", "no answer")));
    await expect(on.remedy("rollout_restart", { cluster: lost }).execute(intentOn(WEB, "rollout_restart", FIRST), WEB, signal)).rejects.toMatchObject({ code: "UNCERTAIN" });
  });

  describe("read back", () => {
    const read = (on: ClusterWorld, recordedAt = on.clock.now()) => on.remedy("rollout_restart").readBack(intentOn(WEB, "rollout_restart", FIRST, {}, recordedAt), WEB, signal);

    test("it has landed when the mark of a restart is ours and new", async () => {
      const on = world();
      expect((await read(on)).kind).toBe("not_landed");
      await execute(on);
      expect(await read(on)).toEqual({ kind: "landed", effect: { deployment: "web", generation: 2 } });
    });

    test("it has not when somebody else changed the Deployment, or our mark is an older one", async () => {
      const on = world();
      on.cluster.placeDeployment(deployment(3, { generation: 2 }));
      expect((await read(on)).kind).toBe("not_landed");
      const again = world();
      await execute(again);
      expect((await read(again, again.clock.now() + 120_000)).kind).toBe("not_landed");
      expect((await read(createClusterWorld())).kind).toBe("not_landed");
    });

    test("a cluster that does not answer leaves it unreadable", async () => {
      const on = world();
      on.cluster.fail({ code: "UNAVAILABLE", detail: "no answer" });
      expect((await read(on)).kind).toBe("unreadable");
    });
  });
});
