/** Notes on the objects of a cluster: one per action, outcome and new hold, and nobody waits for them. */
import { describe, expect, test } from "vitest";
import type { Intent, IntentState } from "../../src/core/intent.ts";
import type { Decision, GuardName, Precondition, Proposal } from "../../src/core/proposal.ts";
import { createClusterNotes, MAX_WAITING_NOTES } from "../../src/engine/cluster-notes.ts";
import type { Cluster, ClusterNote } from "../../src/ports/cluster.ts";
import { ClusterError } from "../../src/ports/cluster.ts";
import { proposalOf } from "../support/acting-world.ts";
import { settle } from "../support/manual-clock.ts";
import { autoscaler, createClusterWorld, deployment, intentOn, pod, POD, withMethod } from "../support/cluster-world.ts";

const WEB_1: Precondition = { kind: "pod", name: "web-1", uid: "uid-web-1" };

function bench(over: (world: ReturnType<typeof createClusterWorld>) => Cluster = ({ cluster }) => cluster) {
  const world = createClusterWorld();
  world.cluster.placePod(pod("web-1"));
  world.cluster.placeDeployment(deployment(3));
  world.cluster.placeAutoscaler(autoscaler(3), "kubectl");
  const troubles: string[] = [];
  const notes = createClusterNotes({ cluster: over(world), clock: world.clock, troubled: (where, detail) => void troubles.push(`${where}: ${detail}`) });
  return { ...world, notes, troubles, decided: (decision: Decision) => notes.listener({ kind: "decided", at: 0, decision, repeated: false }) };
}

function proposal(more: Partial<Proposal> = {}): Proposal {
  return proposalOf({ policy: "pod_restart", action: "restart_pod", remedy: "restart_pod", target: POD.id, workload: "web", precondition: WEB_1, why: "page failed", ...more });
}

const act = (more?: Partial<Proposal>): Decision => ({ kind: "act", proposal: proposal(more), attempt: 2, verifyWithin: 60_000 });
const hold = (guard: GuardName, more?: Partial<Proposal>): Decision => ({ kind: "hold", proposal: proposal(more), guard, reason: "because", until: null });
const reasons = (notes: readonly ClusterNote[]): readonly string[] => notes.map(({ reason }) => reason);

describe("where a note stands", () => {
  test.each<[string, Partial<Proposal>, ClusterNote["about"] | null]>([
    ["the pod", {}, { kind: "Pod", name: "web-1", uid: "uid-web-1" }],
    ["the autoscaler", { precondition: { kind: "size", of: "autoscaler", name: "web-hpa", size: 3 } }, { kind: "HorizontalPodAutoscaler", name: "web-hpa", uid: "uid-hpa" }],
    ["the Deployment that is scaled", { precondition: { kind: "size", of: "deployment", name: "web", size: 3 } }, { kind: "Deployment", name: "web", uid: "uid-web" }],
    ["the Deployment that is restarted", { precondition: { kind: "generation", deployment: "web", generation: 1 } }, { kind: "Deployment", name: "web", uid: "uid-web" }],
    ["the pod, though nobody has looked at it", { precondition: { kind: "none" } }, { kind: "Pod", name: "web-1", uid: "uid-web-1" }],
    ["the Deployment, though nobody has looked at it", { precondition: { kind: "none" }, remedy: "scale_up" }, { kind: "Deployment", name: "web", uid: "uid-web" }],
    ["nowhere: a workload nobody named", { precondition: { kind: "none" }, remedy: "scale_up", target: "site", workload: "site" }, null],
    ["nowhere: a process", { precondition: { kind: "process", pid: 7, startTime: "1" }, target: "app" }, null],
    ["nowhere: what is no pod", { precondition: { kind: "none" }, remedy: "alert", target: "app" }, null],
    ["nowhere: a pod that is gone", { precondition: { kind: "none" }, target: "pod/gone" }, null],
    ["nowhere: an autoscaler that is gone", { precondition: { kind: "size", of: "autoscaler", name: "gone", size: 3 } }, null],
  ])("%s", async (_what, more, about) => {
    const { notes, cluster, decided, troubles } = bench();
    decided(hold("cooldown", more));
    await notes.idle();
    expect(cluster.notes().map((note) => note.about)).toEqual(about === null ? [] : [about]);
    expect(troubles).toEqual([]);
  });
});

describe("what is noted", () => {
  test("an action, a hold and a call", async () => {
    const { notes, cluster, decided } = bench();
    decided(act());
    decided(hold("storm"));
    decided({ kind: "escalate", proposal: proposal(), guard: "ladder", alert: "on_call", reason: "5 failed attempts" });
    await notes.idle();
    expect(cluster.notes().map(({ type, reason, action, text }) => [type, reason, action, text])).toEqual([
      ["Normal", "ActionBegun", "restart_pod", "restart_pod, attempt 2: page failed"],
      ["Normal", "ActionHeld", "restart_pod", "restart_pod held (storm): because"],
      ["Warning", "PersonCalled", "restart_pod", "on_call is called: 5 failed attempts. page failed"],
    ]);
  });

  test("a hold once, however often it is repeated or comes between others; after an action it is another one", async () => {
    const { notes, cluster, decided, clock } = bench();
    for (const guard of ["storm", "storm", "blame", "storm", "blame"] as const) decided(hold(guard));
    await notes.idle();
    expect(cluster.notes().map(({ text }) => text)).toEqual(["restart_pod held (storm): because", "restart_pod held (blame): because"]);
    decided(act());
    decided(hold("storm"));
    await clock.advance(600_001);
    decided(hold("storm"));
    await notes.idle();
    expect(reasons(cluster.notes())).toEqual(["ActionHeld", "ActionHeld", "ActionBegun", "ActionHeld", "ActionHeld"]);
  });

  test("a hold of each of two thousand pods once, though every step repeats them all", async () => {
    const written: string[] = [];
    const { notes, decided } = bench(({ cluster }) => withMethod(cluster, "note", async ({ about }) => void written.push(about.name)));
    for (let step = 0; step < 2; step++) {
      for (let n = 0; n < 2_000; n++) {
        decided(hold("blame", { target: `pod/web-${n}`, precondition: { kind: "pod", name: `web-${n}`, uid: `uid-${n}` } }));
        if (n % 200 === 0) await notes.idle();
      }
      await notes.idle();
    }
    expect(notes.dropped()).toBe(0);
    expect(written).toHaveLength(2_000);
  });

  test.each<[IntentState, string, "Normal" | "Warning"]>([
    [{ phase: "awaiting_verification", doneAt: 1, verifyBy: 2, effect: {} }, "ActionDone", "Normal"],
    [{ phase: "verified", doneAt: 1, verifiedAt: 1 }, "ActionDone", "Normal"],
    [{ phase: "verified", doneAt: 1, verifiedAt: 2 }, "ActionHelped", "Normal"],
    [{ phase: "not_verified", doneAt: 1, endedAt: 2, reason: "page is unhealthy" }, "ActionDidNotHelp", "Warning"],
    [{ phase: "refused", endedAt: 2, reason: "forbidden" }, "ActionRefused", "Warning"],
    [{ phase: "uncertain", endedAt: 2, reason: "no answer" }, "ActionUncertain", "Warning"],
  ])("an outcome: $phase", async (state, reason, type) => {
    const { notes, cluster } = bench();
    const intent = { ...intentOn(POD, "restart_pod", WEB_1), state };
    notes.listener({ kind: state.phase === "not_verified" ? "verified" : "acted", at: 3, intent, ...(state.phase === "not_verified" ? {} : { tookMs: 5 }) } as Parameters<typeof notes.listener>[0]);
    await notes.idle();
    expect(cluster.notes().map((note) => [note.reason, note.type])).toEqual([[reason, type]]);
  });

  test("with what was done", async () => {
    const { notes, cluster } = bench();
    const intent: Intent = { ...intentOn(POD, "scale_up", WEB_1), state: { phase: "verified", doneAt: 1, verifiedAt: 1, effect: { workload: "web", from: 4, to: 6, readBack: null } } };
    notes.listener({ kind: "acted", at: 3, intent, tookMs: 5 });
    await notes.idle();
    expect(cluster.notes().map(({ text }) => text)).toEqual(["scale_up: done (workload web, from 4, to 6)"]);
  });

  test("nothing of what was never recorded, nor of what is only intended", async () => {
    const { notes, cluster } = bench();
    const intent = intentOn(POD, "restart_pod", WEB_1);
    notes.listener({ kind: "acted", at: 3, intent, tookMs: 5 });
    notes.listener({ kind: "acted", at: 3, intent: { ...intent, id: "", state: { phase: "refused", endedAt: 3, reason: "under way" } }, tookMs: 5 });
    await notes.idle();
    expect(cluster.notes()).toEqual([]);
  });
});

describe("a cluster that is slow or refuses", () => {
  test("nobody waits: what waits is bounded, the oldest goes, counted", async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const written: string[] = [];
    const { notes, decided } = bench(({ cluster }) => withMethod(cluster, "note", async ({ text }) => {
      await gate;
      written.push(text);
    }));
    for (let n = 0; n < MAX_WAITING_NOTES + 11; n++) decided(act({ why: `${n}` }));
    // One is being written, and 256 wait.
    expect(notes.dropped()).toBe(10);
    open();
    await notes.idle();
    expect(written).toHaveLength(MAX_WAITING_NOTES + 1);
    expect(written.at(-1)).toContain(`: ${MAX_WAITING_NOTES + 10}`);
  });

  test("a missing right is told once, and again after a note was written", async () => {
    const right = [{ verb: "create", group: "events.k8s.io", resource: "events" }];
    const { notes, cluster, decided, troubles } = bench();
    const say = async (): Promise<void> => {
      decided(act());
      await notes.idle();
    };
    cluster.forbid(right);
    await say();
    await say();
    cluster.forbid([]);
    await say();
    cluster.forbid(right);
    await say();
    expect(troubles).toEqual([1, 2].map(() => "cluster: a note could not be left: create events: no such right"));
    expect(cluster.notes()).toHaveLength(1);
  });

  test("after it was stopped nothing more is written or told", async () => {
    const { notes, cluster, decided, troubles } = bench(({ cluster: whole }) => withMethod(whole, "note", (_note, signal) => new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new ClusterError("UNAVAILABLE", "gave up")));
    })));
    decided(act());
    decided(act());
    await settle();
    await notes.stop();
    decided(act());
    await settle();
    expect([cluster.notes(), troubles]).toEqual([[], []]);
  });
});
