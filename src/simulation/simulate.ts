/**
 * Runs a scenario: the real configuration, probes, judging, deciding and acting, in
 * virtual time, against a world that is only simulated.
 *
 * The same scenario with the same seed gives the same transcript, byte for byte.
 */
import type { Catalogues } from "../config/catalogue.ts";
import type { CheckConfig, Config } from "../config/config.ts";
import type { Problem } from "../config/problem.ts";
import type { SiteStatus } from "../core/status.ts";
import type { TargetId } from "../core/target.ts";
import type { Ms } from "../core/time.ts";
import { alwaysClear } from "../engine/act.ts";
import type { Engine } from "../engine/engine.ts";
import { createEngine } from "../engine/engine.ts";
import type { AlertOutbox } from "../ports/alert-outbox.ts";
import type { BreakerControl } from "../ports/breaker-control.ts";
import type { Clock } from "../ports/clock.ts";
import { eventsTo } from "../ports/events.ts";
import type { Http } from "../ports/http.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { OwnLoad } from "../ports/own-load.ts";
import type { PreparedProbe } from "../ports/probe.ts";
import type { Processes } from "../ports/processes.ts";
import type { RedisPinger } from "../ports/redis-pinger.ts";
import type { Remedy } from "../ports/remedy.ts";
import type { StateStore } from "../ports/state-store.ts";
import type { TargetUsage } from "../ports/target-usage.ts";
import type { Tcp } from "../ports/tcp.ts";
import type { Units } from "../ports/units.ts";
import type { Judged } from "./expectations.ts";
import { judgeExpectations } from "./expectations.ts";
import { scenarioConfig } from "./overlay.ts";
import type { Scenario } from "./scenario.ts";
import { seededRandom } from "./seeded-random.ts";
import { Buyers, SimulatedBreakers } from "./simulated-gateway.ts";
import { idleLoop, noUnits, noUsage, SimulatedProcesses, simulatedHttp, simulatedRedis, simulatedTcp } from "./simulated-ports.ts";
import { playTimeline } from "./timeline.ts";
import { Transcript } from "./transcript.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { World } from "./world.ts";

/** The ports that stand before the simulated world. */
export type SimulatedPorts = {
  readonly clock: Clock;
  readonly http: Http;
  readonly tcp: Tcp;
  readonly redis: RedisPinger | null;
  readonly usage: TargetUsage;
  readonly load: OwnLoad;
  readonly processes: Processes;
  readonly units: Units;
  readonly outbox: AlertOutbox;
  readonly breakers: BreakerControl;
};

/** What a floor above composes: the catalogues, bound to simulated ports, and stores in memory. */
export type SimulationParts = {
  readonly catalogues: Catalogues;
  /** Binds a configured check to ports. */
  readonly probe: (check: CheckConfig, config: Config, ports: SimulatedPorts) => PreparedProbe;
  /** Reference looks of the connectivity guard. */
  readonly references: (config: Config, ports: SimulatedPorts) => readonly PreparedProbe[];
  readonly remedies: (config: Config, ports: SimulatedPorts) => ReadonlyMap<string, Remedy>;
  readonly ledger: (clock: Clock) => Ledger;
  readonly store: () => StateStore;
  /** Marker of a target's process. */
  readonly marker: (config: Config, target: TargetId) => string;
};

export type Summary = {
  readonly scenario: string;
  readonly seed: number;
  readonly duration: Ms;
  /** Decisions, repeated holds not counted. */
  readonly acted: number;
  readonly held: number;
  readonly escalated: number;
  readonly alerts: number;
  /** Status at the end, and time spent in each. */
  readonly status: SiteStatus;
  readonly spent: Readonly<Record<SiteStatus, Ms>>;
};

export type Simulated =
  | { readonly ok: true; readonly transcript: readonly string[]; readonly expectations: readonly Judged[]; readonly summary: Summary }
  /** The scenario's own settings are wrong. */
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Runs a scenario to its end. `seed` replaces the scenario's own. */
export async function runScenario(scenario: Scenario, options: { readonly seed?: number }, parts: SimulationParts): Promise<Simulated> {
  const loaded = await scenarioConfig(scenario, parts.catalogues);
  if (!loaded.ok) return { ok: false, problems: loaded.errors };
  const seed = options.seed ?? scenario.seed;
  const clock = new VirtualClock(Date.parse(scenario.starts));
  const start = clock.now();
  const transcript = new Transcript(clock.now);
  const run = compose(scenario, loaded.config, seed, clock, transcript, parts);
  run.engine.subscribe(transcript.heard);
  run.world.begin();
  const started = run.engine.start();
  if (scenario.buyers) run.buyers.begin();
  playTimeline(scenario, { ...run, clock, transcript });
  await clock.runUntil(start + scenario.duration);
  await started;
  const expectations = judgeExpectations(scenario.expect, transcript.record(), scenario.duration);
  const summary = summarize(scenario, seed, transcript);
  // Nothing that ends now belongs to the run; time still has to pass for it to end.
  const stopped = run.engine.stop();
  const transcriptLines = [...transcript.lines()];
  await clock.runUntil(clock.now() + STOP_MS);
  await stopped;
  return { ok: true, transcript: transcriptLines, expectations, summary };
}

const STOP_MS: Ms = 300_000;

type Run = { readonly world: World; readonly engine: Engine; readonly buyers: Buyers };

function compose(scenario: Scenario, config: Config, seed: number, clock: VirtualClock, transcript: Transcript, parts: SimulationParts): Run {
  const page = parts.catalogues.presets[config.gateway?.preset ?? ""]?.page;
  const world = new World({
    clock,
    random: seededRandom(seed),
    targets: config.targets.map((target) => target.id),
    bootMs: scenario.boot,
    pageTexts: page?.mustContain ?? [],
    apiVersion: config.storefront?.apiVersion ?? "",
    exited: (_target, ref) => processes.gone(ref),
    started: (target, process) => transcript.world(`process ${process.ref.pid} of ${target} starts`),
  });
  const markers = new Map(config.targets.map((target) => [target.id, parts.marker(config, target.id)]));
  const processes = new SimulatedProcesses(world, clock, new Map([...markers].map(([target, marker]) => [marker, target])));
  const breakers = new SimulatedBreakers(clock, (view, why) => engine.breakerChanged(view, why));
  const outbox: AlertOutbox = { enqueue: async (route, alert) => transcript.alerted(route, alert) };
  const places = { targets: new Map(config.targets.map((target) => [target.id, target.url])), storefront: config.storefront?.origin ?? "https://shop.example" };
  const ports: SimulatedPorts = {
    clock, processes, breakers, outbox, http: simulatedHttp(world, clock, places), tcp: simulatedTcp(world, clock), redis: config.redis === null ? null : simulatedRedis(clock),
    usage: noUsage, load: idleLoop, units: noUnits,
  };
  const route = config.alerts[0]?.name ?? null;
  const active = config.checks.filter((check) => check.inactive === null);
  const engine = createEngine({
    site: config.site, checks: config.checks, targets: config.targets, policies: config.policies, settings: config.guards,
    timeZone: config.timeZone, actionsPerMinute: config.budget.actionsPerMinute, watchFirst: 0, fence: alwaysClear, runbooks: "docs/runbooks", clock, outbox,
    probes: new Map(active.map((check) => [check.name, parts.probe(check, config, ports)])),
    startupGrace: new Map(config.targets.map((target) => [target.id, target.startupGrace])),
    references: active.some((check) => check.remote) ? parts.references(config, ports) : [],
    remedies: parts.remedies(config, ports),
    supervised: { processes, markers },
    alertRoutes: { page: route, notify: route },
    random: seededRandom(seed ^ ENGINE_SEED), ledger: parts.ledger(clock), store: parts.store(), events: eventsTo(() => undefined),
  });
  const buyers = new Buyers(world, clock, (target, cause) => engine.gatewayTrouble(target, cause));
  if (scenario.buyers) for (const target of config.targets) engine.evidenceFrom(target.id, () => buyers.evidence(target.id));
  engine.breakersFrom(() => breakers.views());
  return { world, engine, buyers };
}

/** The engine draws its own chance, so that a fault that draws more does not move its looks. */
const ENGINE_SEED = 0x5eed;

function summarize(scenario: Scenario, seed: number, transcript: Transcript): Summary {
  const { decisions, alerts, statuses } = transcript.record();
  const made = decisions.filter((one) => !one.repeated);
  const count = (kind: "act" | "hold" | "escalate"): number => made.filter(({ decision }) => decision.kind === kind).length;
  const spent: Record<SiteStatus, Ms> = { unknown: statuses[0]?.at ?? scenario.duration, healthy: 0, degraded: 0, unhealthy: 0 };
  for (const [index, { at, status }] of statuses.entries()) spent[status] += (statuses[index + 1]?.at ?? scenario.duration) - at;
  return {
    scenario: scenario.name, seed, duration: scenario.duration, acted: count("act"), held: count("hold"), escalated: count("escalate"),
    alerts: alerts.length, status: statuses.at(-1)?.status ?? "unknown", spent,
  };
}
