/**
 * What a daemon stands on before it watches anything: ways out, probes, metrics.
 */
import { Registry } from "prom-client";
import type { Logger } from "pino";
import { createCloudEventsAlerts } from "../adapters/cloudevents-alerts.ts";
import { eventRecorder } from "../adapters/event-recorder.ts";
import { createLocalProcesses, type LocalProcesses } from "../adapters/local-processes.ts";
import { createEngineMetrics, type EngineMetrics } from "../adapters/metrics.ts";
import { createSystemRandom } from "../adapters/system-random.ts";
import { createSystemdUnits } from "../adapters/systemd-units.ts";
import { createLeanHttp } from "../adapters/lean-http.ts";
import type { AlertRoute, Config } from "../config/config.ts";
import type { RegionHealth } from "../core/scene.ts";
import { alwaysClear } from "../engine/act.ts";
import { createEngine, type Engine } from "../engine/engine.ts";
import { createOutbox, type Outbox } from "../engine/outbox.ts";
import type { GatewayHost } from "../gateway/worker-host.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http } from "../ports/http.ts";
import type { Resolver } from "../ports/resolver.ts";
import { makeRemedies } from "../remedies/index.ts";
import type { ClusterSide } from "./cluster-side.ts";
import { breakerControl } from "./gateway.ts";
import type { RoleParts } from "./parts.ts";
import type { Spare } from "./spare-thread.ts";
import { rosterOf } from "./pod-watch.ts";
import { prepareProbes, type Probing } from "./probing.ts";
import type { Stores } from "./stores.ts";
import { markersOf, supervisedBy } from "./supervision.ts";

export type AtStop = (step: () => Promise<void> | void) => void;

export type DaemonParts = {
  readonly config: Config;
  readonly parts: RoleParts;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
  /** A thread started ahead of time, for the first gateway. */
  readonly spare?: Spare["take"];
  /** Finds the siblings; default: as the system resolves names. */
  readonly resolver?: Resolver;
};

export type Ground = {
  readonly http: Http;
  readonly processes: LocalProcesses;
  readonly outbox: Outbox;
  readonly probing: Probing;
  readonly registry: Registry;
  readonly metrics: EngineMetrics;
};

/** Where runbooks stand; alerts link to them. */
export const RUNBOOKS = "docs/runbooks";

export async function layGround({ config, env, clock, log }: DaemonParts, stores: Stores, side: ClusterSide | null, atStop: AtStop): Promise<Ground> {
  const problem = (text: string): void => log.error({ event: "trouble" }, text);
  const http = createLeanHttp({ clock });
  atStop(() => http.close());
  const processes = createLocalProcesses({ clock, env, logFiles: config.targets.flatMap((target) => target.process?.logFile ?? []) });
  atStop(() => processes.close());
  const alerts = createCloudEventsAlerts({ clock, http, destinations: config.alerts });
  atStop(() => alerts.close());
  const outbox = createOutbox({ store: stores.state, alerts, ledger: stores.ledger, clock, problem });
  atStop(() => outbox.close());
  const probing = await prepareProbes(config, clock, http, processes, side?.pods == null ? null : { cluster: side.cluster, pods: side.pods });
  atStop(() => probing.close());
  const registry = new Registry();
  const metrics = createEngineMetrics(registry);
  metrics.leader(true);
  return { http, processes, outbox, probing, registry, metrics };
}

export function composeEngine(ground: Ground, stores: Stores, { config, parts, clock, log }: DaemonParts, host: GatewayHost | null, side: ClusterSide | null, regions: (() => ReadonlyMap<string, RegionHealth>) | null): Engine {
  const { processes, outbox, probing, metrics } = ground;
  const remedies = makeRemedies({
    site: config.site,
    folder: config.folder,
    clock,
    processes,
    units: createSystemdUnits({ processes }),
    outbox,
    breakers: breakerControl(host),
    cluster: side?.cluster ?? null,
    claims: side?.claims ?? null,
    runbooks: RUNBOOKS,
    supervised: parts.supervises ? supervisedBy(config) : () => null,
  });
  return createEngine({
    site: config.site,
    ...(side?.pods?.roster() ?? rosterOf(config)),
    probes: probing.probes,
    policies: config.policies,
    ...(side === null ? {} : { unavailable: side.missing }),
    settings: config.guards,
    ...(regions === null ? {} : { regions }),
    timeZone: config.timeZone,
    actionsPerMinute: config.budget.actionsPerMinute,
    references: probing.references,
    remedies,
    supervised: parts.supervises ? { processes, markers: markersOf(config) } : null,
    fence: side === null ? alwaysClear : async () => side.mayAct(),
    watchFirst: side?.watchFirst ?? 0,
    alertRoutes: { page: routeFor(config.alerts, "page"), notify: routeFor(config.alerts, "notify") },
    runbooks: RUNBOOKS,
    clock,
    random: createSystemRandom(),
    ledger: stores.ledger,
    store: stores.state,
    outbox,
    events: eventRecorder(log, metrics),
  });
}

/** The route of that severity; "on_call" before others for pages. null: nobody is told, the ledger says so. */
export function routeFor(routes: readonly AlertRoute[], severity: "page" | "notify"): string | null {
  const fitting = routes.filter((route) => route.severity === severity).map((route) => route.name);
  return fitting.find((name) => name === "on_call") ?? fitting[0] ?? null;
}
