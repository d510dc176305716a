/** A world an engine can watch and recover, which survives the engine's death. What a look sees is told in the notation, or by a function. */
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import type { Alert } from "../../src/core/alert.ts";
import type { CheckSpec } from "../../src/core/check.ts";
import type { Observation } from "../../src/core/observation.ts";
import type { PolicySpec } from "../../src/core/policy.ts";
import { DEFAULT_GUARD_SETTINGS } from "../../src/core/scene.ts";
import type { Target } from "../../src/core/target.ts";
import { alwaysClear } from "../../src/engine/act.ts";
import type { Engine, EngineParts } from "../../src/engine/engine.ts";
import { createEngine } from "../../src/engine/engine.ts";
import type { EngineEvent } from "../../src/ports/events.ts";
import { eventsTo } from "../../src/ports/events.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { Look, PreparedProbe } from "../../src/ports/probe.ts";
import type { Stored } from "../../src/ports/state-store.ts";
import type { Units } from "../../src/ports/units.ts";
import { makeRemedies } from "../../src/remedies/index.ts";
import { FakeProcesses } from "./fake-processes.ts";
import { ManualClock } from "./manual-clock.ts";
import type { Sign } from "./notation.ts";
import { look as lookAt } from "./notation.ts";

export const APP: Target = { id: "app", kind: "process", workload: "storefront" };
export const MARKER = "shop/app";

export function checkOf(name: string, over: Partial<CheckSpec> = {}): CheckSpec {
  return {
    name, targets: ["app"], cadence: { interval: 10_000, fast: 2_000, down: 5_000, timeout: 1_000 }, thresholds: { fall: 3, rise: 2 },
    critical: true, dependsOn: [], inactive: null, remote: false, ...over,
  };
}

export const RESTART: PolicySpec = {
  name: "pod_restart", trigger: { kind: "fails", check: "application", times: 3 }, triggerText: "application fails 3 consecutive times", action: "restart_pod", mode: "act",
  unavailable: null, cooldown: 60_000, escalation: { afterFailed: 5, within: 3_600_000, alert: "on_call" }, verifyWithin: 60_000, params: {}, windows: [],
};

/** A probe that sees what the function says, 20 ms after it was asked. */
export function probeOf(clock: ManualClock, sees: (look: Look) => Sign | Observation): PreparedProbe {
  return {
    run: (look) =>
      new Promise((resolve) => {
        clock.after(20, () => {
          const seen = sees(look);
          resolve(typeof seen === "string" ? lookAt(seen, clock.now()) : seen);
        });
      }),
    close: async () => undefined,
  };
}

export type WatchedWorld = {
  readonly clock: ManualClock;
  readonly rows: Map<string, Stored>;
  readonly ledger: Ledger;
  readonly processes: FakeProcesses;
  readonly told: { readonly route: string; readonly alert: Alert }[];
  readonly events: EngineEvent[];
  nextId: number;
};

export function createWatchedWorld(): WatchedWorld {
  const clock = new ManualClock();
  const ledger = createMemoryLedger(clock, { maxAgeMs: 86_400_000, maxBytes: 1e7 });
  return { clock, rows: new Map(), ledger, processes: new FakeProcesses(clock), told: [], events: [], nextId: 1 };
}

/** An engine on the world; everything is as shipped but for `over`. */
export function createWatch(world: WatchedWorld, sees: Readonly<Record<string, (look: Look) => Sign | Observation>>, over: Partial<EngineParts> = {}): Engine {
  const { clock, processes, ledger } = world;
  const outbox = { enqueue: async (route: string, alert: Alert): Promise<void> => void world.told.push({ route, alert }) };
  const store = createMemoryStateStore(world.rows);
  const remedies = makeRemedies({
    cluster: null, claims: null,
    site: "shop", folder: "/", runbooks: "docs/runbooks", clock, processes, units: NO_UNITS, outbox,
    breakers: { hold: async () => undefined, release: async () => undefined, views: () => [] },
    supervised: (target) => (target === APP.id ? { kind: "child", stopGrace: 5_000, spec: { command: ["stays"], cwd: "/", env: {}, marker: MARKER, logFile: null } } : null),
  });
  return createEngine({
    site: "shop",
    checks: Object.keys(sees).map((name) => checkOf(name)),
    probes: new Map(Object.entries(sees).map(([name, see]) => [name, probeOf(clock, see)])),
    targets: [APP],
    startupGrace: new Map([[APP.id, 30_000]]),
    policies: [RESTART],
    settings: DEFAULT_GUARD_SETTINGS,
    timeZone: "UTC",
    actionsPerMinute: 10, watchFirst: 0,
    references: [],
    remedies,
    supervised: { processes, markers: new Map([[APP.id, MARKER]]) },
    fence: alwaysClear,
    alertRoutes: { page: "on_call", notify: "team" },
    runbooks: "docs/runbooks",
    clock,
    random: { next: () => 0.5, id: () => `id-${world.nextId++}` },
    ledger,
    store,
    outbox,
    events: eventsTo((event) => world.events.push(event)),
    ...over,
  });
}

const NO_UNITS: Units = {
  state: () => Promise.reject(new Error("no units here")),
  restart: () => Promise.reject(new Error("no units here")),
};
