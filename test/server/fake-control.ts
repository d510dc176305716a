/** A daemon as its listeners see it: a state that stands, and orders that are remembered. */
import type { BreakerView } from "../../src/core/breaker.ts";
import type { NewLedgerEntry } from "../../src/core/ledger-entry.ts";
import type { LookView, Snapshot, WhyView } from "../../src/core/snapshot.ts";
import type { Control, OrderResult } from "../../src/ports/control.ts";

/** 2026-11-22 20:00:00 UTC. */
export const NOW = Date.UTC(2026, 10, 22, 20, 0, 0);

export type GivenOrder = { readonly command: "ack" | "pause" | "resume" | "restart" } & Readonly<Record<string, unknown>>;

export type FakeControl = Control & {
  readonly orders: GivenOrder[];
  /** What the next orders are answered with. */
  answer: OrderResult;
  state: Snapshot;
};

export function fakeControl(state: Snapshot = outage()): FakeControl {
  const orders: GivenOrder[] = [];
  const take = (command: GivenOrder["command"], order: object & { readonly dryRun: boolean }): Promise<OrderResult> => {
    orders.push({ command, ...order });
    return Promise.resolve(order.dryRun && fake.answer.kind === "done" ? { kind: "would", text: `would ${command}` } : fake.answer);
  };
  const fake: FakeControl = {
    orders,
    answer: { kind: "done", text: "it was done", actionId: "a-1" },
    state,
    snapshot: () => fake.state,
    why: (target) => whyOf(fake.state, target),
    acknowledge: (order) => take("ack", order),
    pause: (order) => take("pause", order),
    resume: (order) => take("resume", order),
    restart: (order) => take("restart", order),
  };
  return fake;
}

function whyOf(state: Snapshot, target: string): WhyView | null {
  if (target !== "site" && !state.targets.some((one) => one.id === target)) return null;
  const looks = state.looks.filter((look) => target === "site" || look.target === target);
  const lines = [`${target} is ${state.status}`, "application is unhealthy since 3m ago; the last look 2s ago failed (refused): connect ECONNREFUSED", "pod_restart holds (cooldown): restarted 40s ago; asked again in 20s"];
  const { openIntents, pauses, acknowledgements, episodes } = state;
  return { target, at: state.at, status: state.status, looks, holds: [], openIntents, pauses, acknowledgements, episodes, lines };
}

export function lookOf(check: string, target: string, over: Partial<LookView> = {}): LookView {
  return {
    key: `${check}@${target}`, check, target, verdict: "healthy", since: NOW - 3_600_000, run: { level: "pass", count: 12, since: NOW - 3_600_000 }, unknowns: 0,
    last: { kind: "pass", at: NOW - 4_000, tookMs: 12.4, findings: [], facts: {} },
    nextLookAt: NOW + 6_000, critical: true, suppressedBy: null, inactive: null, flapping: { flapping: false, percent: 0, since: null }, ...over,
  };
}

export function breakerOf(over: Partial<BreakerView> = {}): BreakerView {
  return { name: "ingress:app", effective: "closed", own: "closed", since: NOW - 3_600_000, hold: null, ...over };
}

/** All is well. */
export function wellbeing(over: Partial<Snapshot> = {}): Snapshot {
  return {
    site: "my-shop", at: NOW, startedAt: NOW - 86_400_000, status: "healthy", statusSince: NOW - 7_200_000, causes: [], networkLostSince: null,
    targets: [{ id: "app", kind: "process", workload: "app" }],
    looks: [lookOf("application", "app"), lookOf("shopify_api", "site", { critical: false })],
    breakers: [breakerOf(), breakerOf({ name: "egress:storefront" })],
    gateway: { quarantined: [], workersLost: [] },
    openIntents: [], pauses: [], acknowledgements: [], episodes: [], policies: [], ...over,
  };
}

/** The application refuses connections for three minutes; one restart failed, the next waits. */
export function outage(): Snapshot {
  const since = NOW - 180_000;
  const refused = { kind: "fail", at: NOW - 2_000, tookMs: 3, findings: [], facts: {}, cause: "refused", detail: "connect ECONNREFUSED 127.0.0.1:3000" } as const;
  const lastHold = { policy: "pod_restart", target: "app", guard: "cooldown", reason: "restarted 40s ago", at: NOW - 1_000, until: NOW + 20_000 } as const;
  return wellbeing({
    status: "unhealthy", statusSince: since,
    causes: [{ key: "application@app", check: "application", target: "app", verdict: "unhealthy", since }],
    looks: [
      lookOf("application", "app", { verdict: "unhealthy", since, last: refused, nextLookAt: NOW + 3_000 }),
      lookOf("page", "app", { verdict: "unhealthy", since, last: refused, suppressedBy: "shopify_api@site" }),
      lookOf("shopify_api", "site", { critical: false, verdict: "degraded", since: NOW - 60_000, last: { ...refused, kind: "warn", cause: "assertion", detail: "api_latency 612ms, expected < 200ms" } }),
      lookOf("dependencies", "site", { inactive: "no redis: in shopkeeper.yaml", last: null, nextLookAt: null }),
    ],
    breakers: [breakerOf({ effective: "open", since, hold: { breaker: "ingress:app", position: "open", until: NOW + 2_500, by: "pulse", why: "no pulse of app" } }), breakerOf({ name: "egress:storefront" })],
    gateway: {
      quarantined: [{ requestClass: "GET product cart", since: NOW - 90_000, until: null }, { requestClass: "POST other", since: NOW - 60_000, until: NOW + 540_000 }],
      workersLost: [{ loss: "crashed", count: 2, lastAt: NOW - 45_000, lastDetail: "RangeError: out of luck\n    at somewhere" }],
    },
    openIntents: [{ id: "a-1", policy: "pod_restart", action: "restart_pod", remedy: "restart_process", target: "app", cause: "application", attempt: 2, who: "shopkeeper", recordedAt: NOW - 40_000, phase: "awaiting_verification", verifyBy: NOW + 20_000 }],
    pauses: [{ scope: { kind: "policy", policy: "failover" }, until: NOW + 1_800_000, by: "ada", why: "moving DNS" }],
    acknowledgements: [{ workload: "app", target: "app", check: "page", at: NOW - 30_000, by: "ada", why: "looking at it", until: null }],
    episodes: [{ workload: "app", cause: "application", attempts: 2, failed: 1, startedAt: since, lastAttemptAt: NOW - 40_000, escalatedAt: null }],
    policies: [
      { name: "pod_restart", action: "restart_pod", trigger: "application fails 3 consecutive times", mode: "act", unavailable: null, lastHold },
      { name: "failover", action: "failover_dns", trigger: "region primary is unhealthy", mode: "observe", unavailable: "failover needs a DNS provider", lastHold: null },
    ],
  });
}

export function entryOf(over: Partial<NewLedgerEntry> = {}): NewLedgerEntry {
  return { at: NOW - 60_000, kind: "hold", target: "app", subject: "pod_restart", text: "restart_process of app held by cooldown: restarted 40s ago", who: "shopkeeper", actionId: "", details: {}, foldKey: "", ...over };
}
