/** The whole loop on a simulated cluster: from a failing pod to its eviction, or to why not. */
import { afterEach, describe, expect, test } from "vitest";
import type { CheckState } from "../../src/core/check-state.ts";
import type { PolicySpec } from "../../src/core/policy.ts";
import type { GuardName } from "../../src/core/proposal.ts";
import { DEFAULT_GUARD_SETTINGS } from "../../src/core/scene.ts";
import type { Target } from "../../src/core/target.ts";
import { alwaysClear, createActor } from "../../src/engine/act.ts";
import { createClusterNotes } from "../../src/engine/cluster-notes.ts";
import { createRecovery } from "../../src/engine/recovery.ts";
import type { Recovery } from "../../src/engine/recovery.ts";
import { Roll } from "../../src/engine/roll.ts";
import { seededRandom } from "../../src/simulation/seeded-random.ts";
import { budget, createClusterWorld, deployment, paramsOf, pod, signal } from "../support/cluster-world.ts";
import { settle } from "../support/manual-clock.ts";
import { replay } from "../support/notation.ts";
import { checkSpec, RESTART } from "../support/scene.ts";

const TARGETS: readonly Target[] = [1, 2, 3].map((n) => ({ id: `pod/web-${n}`, kind: "pod", workload: "web" }));

let running: Recovery | null = null;
afterEach(async () => {
  await running?.stop();
});

const SPEC = checkSpec("page", TARGETS.map(({ id }) => id));
/** It has failed for so long that its siblings have had their time. */
const LONG_AGO = -60_000;

function aged(state: CheckState): CheckState {
  return { ...state, failing: { ...state.failing, since: LONG_AGO } };
}

/** Three pods of which the first fails `page` by wrong answers. */
async function bench(policy: Partial<PolicySpec> = {}, setUp: (world: ReturnType<typeof createClusterWorld>) => void = () => undefined) {
  const world = createClusterWorld();
  for (const { id } of TARGETS) world.cluster.placePod(pod(id.slice("pod/".length)));
  world.cluster.placeDeployment(deployment(3));
  setUp(world);
  const { clock, store, ledger, cluster } = world;
  const remedies = world.remedies();
  const checks = new Map<string, CheckState>(TARGETS.map(({ id }, index) => [`page@${id}`, aged(replay(index === 0 ? "xxx" : "..."))]));
  const troubles: string[] = [];
  const held: GuardName[] = [];
  const notes = createClusterNotes({ cluster, clock, troubled: (_where, detail) => void troubles.push(detail) });
  const outbox = { enqueue: async () => undefined };
  const actor = createActor({
    site: "shop", store, ledger, outbox, random: seededRandom(1), clock, remedies, fence: alwaysClear, alertRoute: null, runbooks: "docs/runbooks",
    target: (id) => TARGETS.find((target) => target.id === id) ?? null, problem: (text) => troubles.push(text),
  });
  const recovery = createRecovery({
    site: "shop", roll: new Roll({ checks: [SPEC], targets: TARGETS, startupGrace: new Map() }), settings: DEFAULT_GUARD_SETTINGS, timeZone: "UTC", actionsPerMinute: 10, actFrom: () => Number.NEGATIVE_INFINITY,
    clock, store, ledger, outbox, actor, remedies, runbooks: "docs/runbooks", policies: () => [{ ...RESTART, params: paramsOf("restart_pod"), ...policy }],
    view: { checks: () => checks, flapping: () => new Set(), evidence: () => new Map(), breakers: () => [], pauses: () => [], acknowledgements: () => [], startedAt: () => new Map() },
    decided: (event) => {
      notes.listener({ kind: "decided", ...event });
      if (event.decision.kind === "hold") held.push(event.decision.guard);
    },
    acted: (intent, tookMs) => notes.listener({ kind: "acted", at: clock.now(), intent, tookMs }),
    verified: () => undefined,
    lifted: () => undefined,
    troubled: (_where, detail) => troubles.push(detail),
  });
  running = recovery;
  await actor.resume();
  await recovery.start();
  const idle = async (): Promise<void> => {
    await settle();
    await recovery.idle();
    await notes.idle();
  };
  await idle();
  const noted = () => cluster.notes().map(({ about, reason }) => `${about.kind} ${about.name}: ${reason}`);
  return { ...world, recovery, actor, troubles, held, noted, idle };
}

describe("a failing pod", () => {
  test("is evicted, and its page in the cluster says so", async () => {
    const { cluster, noted, troubles, actor } = await bench();
    expect(await cluster.pod("web-1", signal)).toMatchObject({ deletingAt: expect.any(Number) });
    expect(await cluster.pod("web-2", signal)).toMatchObject({ deletingAt: null });
    expect(actor.open()).toMatchObject([{ proposal: { target: "pod/web-1", remedy: "restart_pod" }, state: { phase: "awaiting_verification" } }]);
    expect(noted().slice(0, 2)).toEqual(["Pod web-1: ActionBegun", "Pod web-1: ActionDone"]);
    expect(troubles).toEqual([]);
  });

  test("waits for its disruption budget, without an attempt, and goes when that allows it", async () => {
    const { cluster, clock, held, actor, idle, noted } = await bench({}, (world) => world.cluster.placeBudget(budget(0)));
    expect(held).toEqual(["disruption"]);
    await clock.advance(10_000);
    await idle();
    expect([held, actor.recentActions(), noted()]).toEqual([["disruption", "disruption"], [], ["Pod web-1: ActionHeld"]]);
    cluster.placeBudget(budget(1));
    await clock.advance(10_000);
    await idle();
    expect(await cluster.pod("web-1", signal)).toMatchObject({ deletingAt: expect.any(Number) });
    expect(actor.recentActions()).toHaveLength(1);
  });

  test("gives its workload another size, once, and the claim is what stays of it", async () => {
    const { cluster, claims, actor, ledger } = await bench({ action: "scale_up", params: paramsOf("scale_up") });
    expect(await cluster.deployment("web", signal)).toMatchObject({ wanted: 4 });
    expect(claims.get("web")?.claims.map(({ holder, size }) => [holder, size])).toEqual([["base", 3], ["scale_up:pod_restart", 4]]);
    expect(actor.recentActions()).toMatchObject([{ phase: "verified", target: "pod/web-1" }]);
    expect(await ledger.query({ kinds: ["verified"] })).toMatchObject([{ details: { effect: { from: 3, to: 4 } } }]);
  });

  test("is only recorded where nothing of the region is at hand", async () => {
    const { held, troubles } = await bench({ action: "failover_dns", unavailable: "failover needs regions" });
    expect([held, troubles]).toEqual([["unavailable"], []]);
  });
});
