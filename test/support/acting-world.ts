/** A world an actor can act on, which survives its death: stores, processes, receivers, breakers. */
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import type { Alert } from "../../src/core/alert.ts";
import type { BreakerHold } from "../../src/core/breaker.ts";
import type { Intent } from "../../src/core/intent.ts";
import type { Proposal } from "../../src/core/proposal.ts";
import type { Target } from "../../src/core/target.ts";
import { alwaysClear, createActor } from "../../src/engine/act.ts";
import type { ActDecision, Actor, ActorParts, JudgedCheck } from "../../src/engine/act.ts";
import { createOutbox } from "../../src/engine/outbox.ts";
import type { Outbox } from "../../src/engine/outbox.ts";
import type { Alerts } from "../../src/ports/alerts.ts";
import type { BreakerControl } from "../../src/ports/breaker-control.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { Remedy } from "../../src/ports/remedy.ts";
import type { StateStore, Stored } from "../../src/ports/state-store.ts";
import type { Units } from "../../src/ports/units.ts";
import { makeRemedies } from "../../src/remedies/index.ts";
import { CrashPoint } from "./crash-point.ts";
import { FakeProcesses } from "./fake-processes.ts";
import { ManualClock } from "./manual-clock.ts";

export const APP: Target = { id: "app", kind: "process", workload: "storefront" };
export const MARKER = "shop/app";

export type World = {
  readonly clock: ManualClock;
  readonly rows: Map<string, Stored>;
  readonly ledger: Ledger;
  readonly processes: FakeProcesses;
  /** What the receiver got, in order. */
  readonly delivered: { readonly route: string; readonly alert: Alert }[];
  readonly holds: BreakerHold[];
  nextId: number;
};

export function createWorld(): World {
  const clock = new ManualClock();
  const ledger = createMemoryLedger(clock, { maxAgeMs: 86_400_000, maxBytes: 1e7 });
  return { clock, rows: new Map(), ledger, processes: new FakeProcesses(clock), delivered: [], holds: [], nextId: 1 };
}

export type Daemon = { readonly actor: Actor; readonly outbox: Outbox; readonly restart: Remedy; readonly store: StateStore; readonly problems: string[] };

/** A new instance on the same world; it dies at the crash point. */
export function createDaemon(world: World, crash = new CrashPoint(0, "before"), over: Partial<ActorParts> = {}): Daemon {
  const { clock } = world;
  const problems: string[] = [];
  const problem = (text: string): number => problems.push(text);
  const store = crash.wrap<StateStore>(createMemoryStateStore(world.rows), ["get", "list", "put", "delete"]);
  const ledger = crash.wrap<Ledger>(world.ledger, ["append", "query"]);
  const processes = crash.wrap(world.processes, ["start", "find", "stop", "run", "alive"]);
  const alerts = crash.wrap<Alerts>(receiver(world), ["send"]);
  const breakers = crash.wrap<BreakerControl>(breakerControl(world), ["hold", "release"]);
  const outbox = createOutbox({ store, alerts, ledger, clock, problem });
  const remedies = makeRemedies({
    cluster: null, claims: null,
    site: "shop", folder: "/", runbooks: "docs/runbooks", clock, processes, units: NO_UNITS, outbox, breakers,
    supervised: (target) => (target === APP.id ? { kind: "child", stopGrace: 5_000, spec: { command: ["stays"], cwd: "/", env: {}, marker: MARKER, logFile: null } } : null),
  });
  const random = { next: () => 0.5, id: () => `id-${world.nextId++}` };
  const actor = createActor({
    site: "shop", store, ledger, outbox, clock, random, remedies, target: (id) => (id === APP.id ? APP : null), fence: alwaysClear, alertRoute: "on_call", runbooks: "docs/runbooks", problem, ...over,
  });
  const restart = remedies.get("restart_process");
  if (restart === undefined) throw new Error("no restart_process in the catalogue");
  return { actor, outbox, restart, store, problems };
}

export function proposalOf(over: Partial<Proposal> = {}): Proposal {
  return {
    policy: "pod_restart", action: "restart_pod", remedy: "restart_process", target: APP.id, workload: APP.workload, cause: "application", evidence: ["application"],
    since: 990_000, why: "application failed 3 times", destructive: true, gone: false, precondition: { kind: "none" }, params: {}, ...over,
  };
}

export function decisionOf(over: Partial<Proposal> = {}, attempt = 1): ActDecision {
  return { kind: "act", proposal: proposalOf(over), attempt, verifyWithin: 60_000 };
}

/** The application check as judged now. */
export function judged(verdict: JudgedCheck["verdict"], since: number, seenAt = since): JudgedCheck {
  const level = verdict === "healthy" ? "pass" : verdict === "degraded" ? "warn" : "fail";
  return { check: "application", target: APP.id, workload: APP.workload, bornAt: null, verdict, since, lastSeen: verdict === "unknown" ? null : { at: seenAt, level } };
}

/** The intents as they stand in the store, whoever wrote them. */
export function storedIntents(world: World): readonly Intent[] {
  return [...world.rows.values()].filter((row) => row.key.startsWith("intent/")).map((row) => JSON.parse(row.value) as Intent);
}

function receiver(world: World): Alerts {
  return {
    send: async (route, alert) => {
      world.delivered.push({ route, alert });
      return { kind: "delivered" };
    },
    close: async () => undefined,
  };
}

function breakerControl(world: World): BreakerControl {
  return {
    hold: async (hold) => {
      if (!world.holds.some((there) => there.by === hold.by && there.until === hold.until)) world.holds.push(hold);
    },
    release: async (breaker, by) => {
      world.holds.splice(0, world.holds.length, ...world.holds.filter((hold) => hold.breaker !== breaker || hold.by !== by));
    },
    views: () => world.holds.map((hold) => ({ name: hold.breaker, effective: hold.position, own: "closed", since: 0, hold })),
  };
}

const NO_UNITS: Units = {
  state: () => Promise.reject(new Error("no units here")),
  restart: () => Promise.reject(new Error("no units here")),
};
