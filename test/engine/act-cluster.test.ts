/** The one protocol on a cluster: what is decided on is what the fence finds again, also after the process died. */
import { describe, expect, test } from "vitest";
import type { Intent } from "../../src/core/intent.ts";
import type { Precondition, Proposal } from "../../src/core/proposal.ts";
import { alwaysClear, createActor } from "../../src/engine/act.ts";
import { parseIntent } from "../../src/engine/intent-json.ts";
import type { Cluster } from "../../src/ports/cluster.ts";
import { ClusterError } from "../../src/ports/cluster.ts";
import type { StateStore } from "../../src/ports/state-store.ts";
import { decisionOf } from "../support/acting-world.ts";
import { settle } from "../support/manual-clock.ts";
import { budget, createClusterWorld, deployment, intentOn, pod, POD, signal, WEB, withMethod } from "../support/cluster-world.ts";
import type { ClusterWorld } from "../support/cluster-world.ts";

const WEB_1: Precondition = { kind: "pod", name: "web-1", uid: "uid-web-1" };

function world(): ClusterWorld {
  const made = createClusterWorld();
  made.cluster.placePod(pod("web-1"));
  made.cluster.placeDeployment(deployment(3));
  return made;
}

/** One daemon's actor on the world. */
function actorOn(on: ClusterWorld, cluster: Cluster = on.cluster, target = (id: string) => [POD, WEB].find((one) => one.id === id) ?? null) {
  let ids = 0;
  return createActor({
    site: "shop", store: on.store, ledger: on.ledger, outbox: { enqueue: async () => undefined }, clock: on.clock, random: { next: () => 0.5, id: () => `id-${ids++}` },
    remedies: on.remedies({ cluster }), target, fence: alwaysClear, alertRoute: null, runbooks: "docs/runbooks", problem: () => undefined,
  });
}

function decided(remedy: string, precondition: Precondition, more: Partial<Proposal> = {}) {
  return decisionOf({ action: remedy, remedy, target: POD.id, workload: "web", precondition, params: {}, ...more });
}

describe("acting on a cluster", () => {
  test("evicts the very pod and waits for what replaces it", async () => {
    const on = world();
    const intent = await actorOn(on).act(decided("restart_pod", WEB_1));
    expect(intent.state).toMatchObject({ phase: "awaiting_verification", effect: { pod: "web-1", uid: "uid-web-1" } });
  });

  test.each<[string, string, Precondition, (on: ClusterWorld) => void, string]>([
    ["another pod has the name", "restart_pod", WEB_1, (on) => on.cluster.placePod(pod("web-1", { uid: "another" })), "the world moved on: expected pod web-1 (uid-web-1), found pod web-1 (another)"],
    ["the pod is gone", "restart_pod", WEB_1, (on) => on.cluster.removePod("web-1"), "not now any more: there is no pod web-1 any more"],
    ["the budget forbids it by now", "restart_pod", WEB_1, (on) => on.cluster.placeBudget(budget(0)), "not now any more: Cannot evict pod"],
    ["the Deployment was changed", "rollout_restart", { kind: "generation", deployment: "web", generation: 0 }, () => undefined, "the world moved on: expected generation 0 of web, found generation 1 of web"],
    ["the size is another", "scale_up", { kind: "size", of: "deployment", name: "web", size: 2 }, () => undefined, "the world moved on: expected 2 replicas by the deployment web, found 3 replicas by the deployment web"],
  ])("%s: refused by the fence", async (_what, remedy, precondition, change, reason) => {
    const on = world();
    change(on);
    const params = remedy === "scale_up" ? { max: 20, for: 60_000 } : {};
    const { state } = await actorOn(on).act(decided(remedy, precondition, { params }));
    expect(state).toMatchObject({ phase: "refused", reason: expect.stringContaining(reason) });
    expect((await on.cluster.deployment("web", signal))?.generation).toBe(1);
  });

  test("an eviction whose answer was lost is read back, not repeated", async () => {
    const on = world();
    const lost = withMethod(on.cluster, "evictPod", async (ref, inner) => {
      await on.cluster.evictPod(ref, inner);
      throw new ClusterError("UNAVAILABLE", "no answer");
    });
    expect((await actorOn(on, lost).act(decided("restart_pod", WEB_1))).state.phase).toBe("awaiting_verification");
    const never = world();
    const dead = withMethod(never.cluster, "evictPod", () => Promise.reject(new ClusterError("UNAVAILABLE", "no answer")));
    const actor = actorOn(never, dead);
    // What was sent may still be under way.
    expect((await actor.act(decided("restart_pod", WEB_1))).state.phase).toBe("intended");
    await never.clock.advance(15_000);
    expect(await actor.verify([])).toEqual([]);
    await never.clock.advance(5_000);
    expect((await actor.verify([])).map(({ state }) => state)).toMatchObject([{ phase: "refused", reason: expect.stringMatching(/no answer.*; not carried out/) }]);
  });

  test("an eviction that lands late, after the first look, is not said to have been refused", async () => {
    const on = world();
    const late = withMethod(on.cluster, "evictPod", async (ref, inner) => {
      on.clock.after(8_000, () => void on.cluster.evictPod(ref, inner));
      throw new ClusterError("UNAVAILABLE", "no answer");
    });
    const actor = actorOn(on, late);
    await actor.act(decided("restart_pod", WEB_1));
    await on.clock.advance(10_000);
    expect((await actor.verify([])).map(({ state }) => state.phase)).toEqual(["awaiting_verification"]);
  });

  test.each([["evicted before it died", true, "awaiting_verification"], ["died before it evicted", false, "refused"]])("the next process asks what became of it: %s", async (_what, evicted, phase) => {
    const on = world();
    const dies = withMethod(on.cluster, "evictPod", async (ref, inner) => {
      if (evicted) await on.cluster.evictPod(ref, inner);
      return new Promise(() => undefined);
    });
    void actorOn(on, dies).act(decided("restart_pod", WEB_1));
    await settle();
    const next = actorOn(on);
    // By the next one's own clock: until then what was sent may still land.
    if (!evicted) {
      expect(await next.resume()).toEqual([]);
      await on.clock.advance(20_000);
    }
    expect((await (evicted ? next.resume() : next.verify([]))).map(({ state }) => state.phase)).toEqual([phase]);
  });

  test("an intent that was recorded slowly, or by a clock that goes ahead, is waited for from when it was sent", async () => {
    const on = world();
    const dead = withMethod(on.cluster, "evictPod", () => Promise.reject(new ClusterError("UNAVAILABLE", "no answer")));
    const { store } = on;
    let slowly = true;
    const put: StateStore["put"] = async (key, value, revision) => {
      if (slowly) await on.clock.advance(16_000);
      slowly = false;
      return store.put(key, value, revision);
    };
    const actor = actorOn({ ...on, store: { get: (key) => store.get(key), list: (prefix, limit) => store.list(prefix, limit), delete: (key) => store.delete(key), close: () => store.close(), put } }, dead);
    await actor.act(decided("restart_pod", WEB_1));
    await on.clock.advance(15_000);
    expect(await actor.verify([])).toEqual([]);
    const ahead = { ...intentOn(POD, "restart_pod", WEB_1), id: "ahead", recordedAt: on.clock.now() + 600_000, state: { phase: "intended" as const } };
    const other = world();
    await other.store.put("intent/ahead", JSON.stringify(ahead), 0);
    const next = actorOn(other);
    expect(await next.resume()).toEqual([]);
    await other.clock.advance(20_000);
    expect((await next.verify([])).map(({ state }) => state.phase)).toEqual(["refused"]);
  });
});

describe("a cluster that goes away under an eviction", () => {
  /** Nothing can be asked until it is back. */
  function cut(on: ClusterWorld, landed: boolean) {
    const link = { down: false };
    const unavailable = new ClusterError("UNAVAILABLE", "no answer");
    const evicts = withMethod(on.cluster, "evictPod", async (ref, inner) => {
      if (landed) await on.cluster.evictPod(ref, inner);
      link.down = true;
      throw unavailable;
    });
    return { link, cluster: withMethod(evicts, "pod", async (name, inner) => (link.down ? Promise.reject(unavailable) : on.cluster.pod(name, inner))) };
  }

  test.each([["it had landed", true, "awaiting_verification"], ["it had not", false, "refused"]] as const)("is asked again until it is back, and nobody is called: %s", async (_what, landed, phase) => {
    const on = world();
    const { link, cluster } = cut(on, landed);
    const actor = actorOn(on, cluster);
    const intent = await actor.act(decided("restart_pod", WEB_1));
    expect([intent.state.phase, await actor.verify([]), actor.open().map(({ state }) => state.phase)]).toEqual(["intended", [], ["intended"]]);
    expect((await actor.act(decided("restart_pod", WEB_1))).state).toMatchObject({ phase: "refused", reason: expect.stringContaining("under way") });
    link.down = false;
    await on.clock.advance(20_000);
    expect((await actor.verify([])).map(({ state }) => state.phase)).toEqual([phase]);
  });

  test("is asked each five seconds, however often it is verified, and also by the next leader", async () => {
    const on = world();
    const { link, cluster } = cut(on, true);
    let asked = 0;
    const counting = withMethod(cluster, "pod", async (name, inner) => ((asked += 1), cluster.pod(name, inner)));
    const actor = actorOn(on, counting);
    await actor.act(decided("restart_pod", WEB_1));
    const before = asked;
    for (let turn = 0; turn < 10; turn += 1) {
      await actor.verify([]);
      await on.clock.advance(1_000);
    }
    expect(asked - before).toBe(2);
    link.down = false;
    expect((await actorOn(on).resume()).map(({ state }) => state.phase)).toEqual(["awaiting_verification"]);
  });

  test("that hangs takes the time of one reading in each round, and each open intent has its turn", async () => {
    const on = world();
    const names = ["web-1", "web-2", "web-3"];
    for (const name of names) on.cluster.placePod(pod(name));
    const asked: string[] = [];
    const link = { hangs: false };
    const evicts = withMethod(on.cluster, "evictPod", async (ref, inner) => {
      await on.cluster.evictPod(ref, inner);
      return new Promise(() => undefined);
    });
    const asks = withMethod(on.cluster, "pod", (name, inner) => (link.hangs ? (asked.push(name), new Promise(() => undefined)) : on.cluster.pod(name, inner)));
    // Of another clock: it has died, and never wakes.
    const first = actorOn({ ...on, clock: createClusterWorld().clock }, evicts, (id) => ({ ...POD, id }));
    for (const name of names) void first.act(decided("restart_pod", { kind: "pod", name, uid: `uid-${name}` }, { target: `pod/${name}` }));
    await settle();
    link.hangs = true;
    const next = actorOn(on, asks, (id) => ({ ...POD, id }));
    const rounds = [() => next.resume(), () => next.verify([]), () => next.verify([])];
    for (const round of rounds) {
      const ended = round();
      await on.clock.advance(5_500);
      expect(await ended).toEqual([]);
      await on.clock.advance(5_000);
    }
    expect(asked.toSorted()).toEqual(names);
    link.hangs = false;
    expect((await next.verify([])).map(({ state }) => state.phase)).toEqual(names.map(() => "awaiting_verification"));
  });

  test("after a quarter of an hour a person is asked", async () => {
    const on = world();
    const actor = actorOn(on, cut(on, true).cluster);
    await actor.act(decided("restart_pod", WEB_1));
    await on.clock.advance(900_000);
    expect((await actor.verify([])).map(({ state }) => state)).toMatchObject([{ phase: "uncertain", reason: expect.stringContaining("could not be asked") }]);
  });
});

describe("a pod that nobody knows any more", () => {
  /** As after a start, or when its replacement has taken its place: no target is known. */
  const forgetful = (on: ClusterWorld) => actorOn(on, on.cluster, () => null);

  test("is still asked for when an action on it has no outcome", async () => {
    const on = world();
    const dies = withMethod(on.cluster, "evictPod", async (ref, inner) => {
      await on.cluster.evictPod(ref, inner);
      return new Promise(() => undefined);
    });
    void actorOn(on, dies).act(decided("restart_pod", WEB_1));
    await settle();
    on.cluster.removePod("web-1");
    expect((await forgetful(on).resume()).map(({ state }) => state.phase)).toEqual(["awaiting_verification"]);
  });

  test("is not acted on: it is gone; its workload is", async () => {
    const on = world();
    on.cluster.removePod("web-1");
    const actor = forgetful(on);
    expect((await actor.act(decided("restart_pod", WEB_1))).state).toMatchObject({ phase: "refused", reason: expect.stringContaining("there is no pod web-1") });
    const rollout = decided("rollout_restart", { kind: "generation", deployment: "web", generation: 1 }, { target: WEB.id });
    expect((await actor.act(rollout)).state).toMatchObject({ phase: "awaiting_verification", effect: { generation: 2 } });
  });

  test("a process that nobody knows any more is left alone, as ever", async () => {
    const { state } = await forgetful(world()).act(decided("restart_process", { kind: "no_process" }, { target: "app" }));
    expect(state).toMatchObject({ phase: "refused", reason: "app is not configured any more" });
  });
});

describe("a stored intent", () => {
  test.each<Precondition>([WEB_1, { kind: "size", of: "autoscaler", name: "web-hpa", size: 3 }, { kind: "size", of: "deployment", name: "web", size: 3 }, { kind: "generation", deployment: "web", generation: 7 }])("keeps what it was decided on: $kind", (precondition) => {
    const intent: Intent = intentOn(POD, "restart_pod", precondition);
    expect(parseIntent(JSON.stringify(intent))).toEqual(intent);
  });

  test.each([
    { kind: "pod", name: "web-1" }, { kind: "size", of: "moon", name: "web", size: 3 }, { kind: "size", of: "deployment", name: "web", size: "3" }, { kind: "generation", deployment: "web" }, { kind: "moon" },
  ])("with a precondition that is none of ours is not understood: %o", (precondition) => {
    const intent = intentOn(POD, "restart_pod", WEB_1);
    expect(parseIntent(JSON.stringify({ ...intent, proposal: { ...intent.proposal, precondition } }))).toBeNull();
  });
});
