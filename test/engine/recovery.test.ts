/**
 * The recovery loop over stored state: what is told, remembered and repeated. The
 * scenarios show it whole; here is what they cannot see.
 */
import { describe, expect, test } from "vitest";
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import type { Alert } from "../../src/core/alert.ts";
import type { CheckState } from "../../src/core/check-state.ts";
import type { PolicySpec } from "../../src/core/policy.ts";
import type { Decision } from "../../src/core/proposal.ts";
import type { Acknowledgement, Pause, RegionHealth } from "../../src/core/scene.ts";
import { DEFAULT_GUARD_SETTINGS } from "../../src/core/scene.ts";
import { alwaysClear, createActor } from "../../src/engine/act.ts";
import { createRecovery } from "../../src/engine/recovery.ts";
import { Roll } from "../../src/engine/roll.ts";
import type { Prepared, Remedy } from "../../src/ports/remedy.ts";
import { ActionError } from "../../src/ports/remedy.ts";
import type { Stored } from "../../src/ports/state-store.ts";
import { seededRandom } from "../../src/simulation/seeded-random.ts";
import { VirtualClock } from "../../src/simulation/virtual-clock.ts";
import { look } from "../support/notation.ts";
import { ack, after, checkSpec, NOW, RESTART, web } from "../support/scene.ts";

type Bench = { readonly policy?: Partial<PolicySpec>; readonly remedy?: Partial<Remedy>; readonly rows?: Map<string, Stored>; readonly clock?: VirtualClock; readonly regions?: ReadonlyMap<string, RegionHealth> };

const LIVING: Prepared = { precondition: { kind: "process", pid: 7, startTime: "1" }, destructive: true, gone: false };

/** A recovery loop of one target whose `page` fails, on real stores and a real actor. */
async function bench({ policy = {}, remedy = {}, rows = new Map(), clock = new VirtualClock(NOW), regions = new Map() }: Bench = {}) {
  const store = createMemoryStateStore(rows);
  const ledger = createMemoryLedger(clock, { maxAgeMs: 1e10, maxBytes: 1e7 });
  const alerts: Alert[] = [];
  const decisions: { readonly decision: Decision; readonly repeated: boolean }[] = [];
  const troubles: string[] = [];
  const executed: string[] = [];
  const checks = new Map<string, CheckState>([["page@web-1", after("xxx")]]);
  const pauses: Pause[] = [];
  const acknowledged: Acknowledgement[] = [];
  const whole: Remedy = {
    prepare: async () => LIVING,
    execute: async (intent) => {
      executed.push(intent.id);
      return {};
    },
    readBack: async () => ({ kind: "not_landed" }),
    ...remedy,
  };
  const targets = web(1);
  const remedies = new Map([["restart_process", whole]]);
  const outbox = { enqueue: async (_route: string, alert: Alert) => void alerts.push(alert) };
  const actor = createActor({
    site: "shop", store, ledger, outbox, random: seededRandom(1), clock, remedies, fence: alwaysClear, alertRoute: null, runbooks: "docs/runbooks",
    target: (id) => targets.find((target) => target.id === id) ?? null, problem: (text) => troubles.push(text),
  });
  const recovery = createRecovery({
    site: "shop", roll: new Roll({ checks: [checkSpec("page", ["web-1"])], targets, startupGrace: new Map() }), settings: DEFAULT_GUARD_SETTINGS, regions: () => regions, timeZone: "UTC", actionsPerMinute: 10, actFrom: () => Number.NEGATIVE_INFINITY,
    clock, store, ledger, outbox, actor, remedies, runbooks: "docs/runbooks",
    policies: () => [{ ...RESTART, ...policy }],
    view: { checks: () => checks, flapping: () => new Set(), evidence: () => new Map(), breakers: () => [], pauses: () => pauses, acknowledgements: () => acknowledged, startedAt: () => new Map() },
    decided: ({ decision, repeated }) => decisions.push({ decision, repeated }),
    acted: () => undefined,
    verified: () => undefined,
    lifted: () => undefined,
    troubled: (_where, detail) => troubles.push(detail),
  });
  await actor.resume();
  await recovery.start();
  await recovery.idle();
  const looks = async (): Promise<void> => {
    recovery.observed("page@web-1", look("x", clock.now()));
    await recovery.idle();
  };
  const pass = async (ms: number): Promise<void> => {
    await clock.runUntil(clock.now() + ms);
    await recovery.idle();
  };
  return { recovery, ledger, alerts, decisions, troubles, executed, checks, pauses, acknowledged, rows, clock, looks, pass };
}

const kinds = (decisions: readonly { readonly decision: Decision }[]): readonly string[] => decisions.map(({ decision }) => (decision.kind === "hold" ? decision.guard : decision.kind));

describe("decisions", () => {
  test("a failing target is restarted once, and a look meanwhile is no new question", async () => {
    const { executed, ledger, looks } = await bench();
    await looks();
    await looks();
    expect(executed).toHaveLength(1);
    expect((await ledger.query({ kinds: ["decision", "hold"] })).map((entry) => entry.kind)).toEqual(["decision"]);
  });

  test("a repeated hold is one entry with a count", async () => {
    const { decisions, ledger, looks, recovery, executed } = await bench({ policy: { mode: "observe", modeGiven: true } });
    await looks();
    await looks();
    expect(executed).toEqual([]);
    expect(decisions.map((one) => one.repeated)).toEqual([false, true, true]);
    expect((await ledger.query({ kinds: ["hold"] })).map(({ count, text }) => ({ count, text }))).toEqual([{ count: 3, text: "restart_pod held (mode): observe mode: would restart_pod web-1" }]);
    expect(recovery.holds()).toMatchObject([{ policy: "pod_restart", target: "web-1", guard: "mode", at: NOW }]);
  });

  test("a remedy that this kind of target does not have is said, not tried", async () => {
    const { decisions } = await bench({ policy: { action: "scale_up" } });
    expect(kinds(decisions)).toEqual(["unavailable"]);
  });

  test("a region that is lost fires what asks for it, and a failover is left to the watch of the regions", async () => {
    const regions = new Map<string, RegionHealth>([["primary", { health: "unhealthy", since: NOW - 9_000 }]]);
    const trigger = { kind: "region", region: "primary" } as const;
    const warmed = await bench({ regions, policy: { trigger, action: "pre_scale", unavailable: "no cluster" } });
    expect(warmed.decisions.map(({ decision }) => [decision.proposal.policy, decision.proposal.target, decision.proposal.why, decision.proposal.since])).toEqual([["pod_restart", "site", "region primary is unhealthy", NOW - 9_000]]);
    expect((await bench({ regions, policy: { trigger, action: "failover_dns", unavailable: null } })).decisions).toEqual([]);
    expect((await bench({ policy: { trigger, action: "pre_scale" } })).decisions).toEqual([]);
  });

  test("what is only held by time is asked again when the time is over", async () => {
    const { pauses, executed, recovery, pass, looks } = await bench({ policy: { unavailable: null }, remedy: {} });
    expect(executed).toHaveLength(1);
    pauses.push({ scope: { kind: "all" }, until: NOW + 90_000, by: "ann", why: "" });
    await looks();
    await pass(89_000);
    expect(executed).toHaveLength(1);
    await pass(1_000);
    expect(executed).toHaveLength(2);
    await recovery.stop();
  });
});

describe("what goes wrong", () => {
  test("a remedy that cannot look at the world is told, and nothing is done", async () => {
    const { executed, troubles } = await bench({ remedy: { prepare: () => Promise.reject(new Error("no right")) } });
    expect(executed).toEqual([]);
    expect(troubles).toEqual(["pod_restart could not look at web-1 before acting: no right"]);
  });

  test("a refused action does not spin", async () => {
    const refuse = (): Promise<never> => Promise.reject(new ActionError("REFUSED", "no such file"));
    const { decisions, pass } = await bench({ remedy: { execute: refuse } });
    expect(kinds(decisions)).toEqual(["act", "cooldown"]);
    await pass(10_000);
    expect(kinds(decisions).filter((kind) => kind === "act")).toHaveLength(2);
  });
});

describe("the ladder over a restart of ours", () => {
  test("a person is called once, even by the next process, until they act", async () => {
    const policy = { escalation: { afterFailed: 1, within: 3_600_000, alert: "on_call" } };
    const first = await bench({ policy });
    await first.pass(60_000);
    expect(first.alerts.map(({ reason, state }) => ({ reason, state }))).toEqual([{ reason: "restart_escalated", state: "firing" }]);
    await first.recovery.stop();

    const second = await bench({ policy, rows: first.rows, clock: first.clock });
    await second.looks();
    expect(second.alerts).toEqual([]);
    expect(new Set(kinds(second.decisions))).toEqual(new Set(["ladder"]));

    second.clock.after(1, () => second.acknowledged.push(ack("web-1", { at: second.clock.now() })));
    await second.pass(1);
    await second.looks();
    expect(second.executed).toHaveLength(1);
    await second.recovery.stop();
  });

  test("it is told that it is over once nothing has failed for the relapse time", async () => {
    const { alerts, checks, pass, recovery, rows } = await bench({ policy: { escalation: { afterFailed: 1, within: 3_600_000, alert: "on_call" } } });
    await pass(60_000);
    checks.set("page@web-1", after("..."));
    await pass(3_600_000);
    expect(alerts.map((alert) => alert.state)).toEqual(["firing", "resolved"]);
    expect(alerts[1]?.key).toBe(alerts[0]?.key);
    expect([...rows.keys()].filter((key) => key.startsWith("episode/"))).toEqual([]);
    expect(recovery.episodes()).toEqual([]);
  });

  test("every call of it has its own end, also one that a person has answered meanwhile", async () => {
    const { alerts, acknowledged, checks, clock, pass, looks } = await bench({ policy: { escalation: { afterFailed: 1, within: 3_600_000, alert: "on_call" } } });
    await pass(60_000);
    acknowledged.push(ack("web-1", { at: clock.now() + 1 }));
    await pass(1);
    await looks();
    await pass(120_000);
    const firing = alerts.map((alert) => alert.key);
    expect(new Set(firing).size).toBe(2);
    checks.set("page@web-1", after("..."));
    await pass(3_600_000);
    expect(alerts.map((alert) => alert.state)).toEqual(["firing", "firing", "resolved", "resolved"]);
    expect(alerts.slice(2).map((alert) => alert.key)).toEqual(firing);
  });

  test("a call that an older version has stored ends under the key it was made with", async () => {
    const first = await bench({ policy: { escalation: { afterFailed: 1, within: 3_600_000, alert: "on_call" } } });
    await first.pass(60_000);
    await first.recovery.stop();
    for (const [key, row] of first.rows) {
      if (!key.startsWith("episode/")) continue;
      const stored = JSON.parse(row.value) as { alerts: { beganAt?: number }[] };
      first.rows.set(key, { ...row, value: JSON.stringify({ ...stored, alerts: stored.alerts.map(({ beganAt: _began, ...call }) => call) }) });
    }
    const second = await bench({ rows: first.rows, clock: first.clock });
    second.checks.set("page@web-1", after("..."));
    await second.pass(3_600_000);
    expect(second.alerts.map((alert) => [alert.state, alert.key])).toEqual([["resolved", first.alerts[0]?.key]]);
    await second.recovery.stop();
  });

  test("a stored episode that cannot be read is told and left alone", async () => {
    const rows = new Map<string, Stored>([["episode/x", { key: "episode/x", value: "{}", revision: 1 }]]);
    const { troubles } = await bench({ rows });
    expect(troubles).toEqual(["stored episode episode/x cannot be understood; it is left where it is"]);
    expect(rows.has("episode/x")).toBe(true);
  });
});

describe("a person's restart", () => {
  const order = { target: "web-1", who: "ann", why: "release", dryRun: false };

  test("is done in a pause, and recorded with who and why", async () => {
    const { recovery, pauses, executed, ledger } = await bench({ policy: { mode: "observe", modeGiven: true } });
    pauses.push({ scope: { kind: "all" }, until: null, by: "ann", why: "" });
    expect(await recovery.restart(order)).toMatchObject({ kind: "acted", intent: { who: "ann", state: { phase: "awaiting_verification" } } });
    expect(executed).toHaveLength(1);
    expect((await ledger.query({ kinds: ["intent"] }))[0]).toMatchObject({ who: "ann", text: expect.stringContaining("ann: release") });
  });

  test("waits for nothing but safety", async () => {
    const { recovery } = await bench();
    expect(await recovery.restart(order)).toMatchObject({ kind: "held", guard: "in_flight" });
  });

  test("a dry run changes nothing", async () => {
    const { recovery, executed } = await bench({ policy: { mode: "observe", modeGiven: true } });
    expect(await recovery.restart({ ...order, dryRun: true })).toMatchObject({ kind: "would" });
    expect(executed).toEqual([]);
    expect(await recovery.restart({ ...order, target: "web-9" })).toEqual({ kind: "failed", reason: "there is no target web-9" });
  });
});
