/** A shop in a simulated cluster, and the remedies, claims and actor that work on it. */
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import type { Autoscaler, Budget, Condition, Deployment, Pod } from "../../src/core/cluster.ts";
import type { Intent } from "../../src/core/intent.ts";
import type { Precondition } from "../../src/core/proposal.ts";
import type { Target } from "../../src/core/target.ts";
import { SITE } from "../../src/core/target.ts";
import { createClaimBook } from "../../src/engine/claim-book.ts";
import type { StoredClaims } from "../../src/engine/claim-book.ts";
import type { Cluster } from "../../src/ports/cluster.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { Remedy } from "../../src/ports/remedy.ts";
import type { StateStore, Stored } from "../../src/ports/state-store.ts";
import { makeRemedies, REMEDIES } from "../../src/remedies/index.ts";
import { SimulatedCluster } from "../../src/simulation/simulated-cluster.ts";
import { proposalOf } from "./acting-world.ts";
import { FakeProcesses } from "./fake-processes.ts";
import { ManualClock } from "./manual-clock.ts";

export const signal = new AbortController().signal;
export const POD: Target = { id: "pod/web-1", kind: "pod", workload: "web" };
export const WEB: Target = { id: "web", kind: "workload", workload: "web" };
export const SHARED: Target = { id: SITE, kind: "origin", workload: SITE };

export function pod(name: string, more: Partial<Pod> = {}): Pod {
  return {
    name, uid: `uid-${name}`, version: "", labels: { "app.kubernetes.io/name": "web" }, node: "node-1", zone: null, ip: "10.87.0.1", phase: "Running", ready: true,
    workload: { kind: "Deployment", name: "web" }, startedAt: 1_000, deletingAt: null, containers: [], ...more,
  };
}

export function budget(allowed: number): Budget {
  return { name: "web", selector: [{ key: "app.kubernetes.io/name", operator: "In", values: ["web"] }], disruptionsAllowed: allowed, healthy: 2, wanted: 2, expected: 2, counted: true };
}

export function deployment(wanted: number, more: Partial<Deployment> = {}): Deployment {
  return { name: "web", uid: "uid-web", version: "", generation: 1, observedGeneration: 1, selector: [], wanted, replicas: wanted, updated: wanted, ready: wanted, available: wanted, paused: false, conditions: [], ...more };
}

export function scaling(status: Condition["status"]): readonly Condition[] {
  return [{ type: "ScalingActive", status, reason: "", message: "" }];
}

export function autoscaler(min: number, more: Partial<Autoscaler> = {}): Autoscaler {
  return { name: "web-hpa", uid: "uid-hpa", version: "", target: { kind: "Deployment", name: "web" }, min, max: 10, current: 4, desired: 4, cpuTargetPercent: 70, conditions: scaling("False"), ...more };
}

export type ClusterWorld = {
  readonly clock: ManualClock;
  readonly cluster: SimulatedCluster;
  readonly rows: Map<string, Stored>;
  readonly store: StateStore;
  readonly ledger: Ledger;
  readonly claims: StoredClaims;
  remedies(over?: { readonly cluster?: Cluster | null }): ReadonlyMap<string, Remedy>;
  remedy(name: string, over?: { readonly cluster?: Cluster }): Remedy;
};

export function createClusterWorld(): ClusterWorld {
  const clock = new ManualClock();
  const cluster = new SimulatedCluster(clock);
  const rows = new Map<string, Stored>();
  const store = createMemoryStateStore(rows);
  const claims = createClaimBook(store);
  const nothing = (): Promise<never> => Promise.reject(new Error("none here"));
  const remedies: ClusterWorld["remedies"] = (over = {}) =>
    makeRemedies({
      site: "shop", folder: "/", runbooks: "docs/runbooks", clock, processes: new FakeProcesses(clock), units: { state: nothing, restart: nothing },
      outbox: { enqueue: async () => undefined }, breakers: { hold: async () => undefined, release: async () => undefined, views: () => [] },
      cluster, claims, supervised: () => null, ...over,
    });
  return {
    clock, cluster, rows, store, claims, remedies,
    ledger: createMemoryLedger(clock, { maxAgeMs: 1e10, maxBytes: 1e7 }),
    remedy: (name, over) => {
      const found = remedies(over).get(name);
      if (found === undefined) throw new Error(`no remedy ${name}`);
      return found;
    },
  };
}

/** Parameters as a policy's file would give them, defaults filled in. */
export function paramsOf(remedy: string, written: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return REMEDIES[remedy]?.schema.parse(written) ?? {};
}

export function intentOn(target: Target, remedy: string, precondition: Precondition, params: Readonly<Record<string, unknown>> = paramsOf(remedy), recordedAt = 1_000_000): Intent {
  const proposal = proposalOf({ policy: "web_policy", action: remedy, remedy, target: target.id, workload: target.workload, precondition, params });
  return { id: "intent-7", proposal, attempt: 1, recordedAt, verifyWithin: 60_000, who: "shopkeeper", state: { phase: "intended" } };
}

/** The cluster with one method in other hands. */
export function withMethod<K extends keyof Cluster>(cluster: Cluster, name: K, method: Cluster[K]): Cluster {
  return new Proxy(cluster, {
    get: (whole, key) => {
      if (key === name) return method;
      const value: unknown = Reflect.get(whole, key, whole);
      return typeof value === "function" ? (value.bind(whole) as unknown) : value;
    },
  });
}
