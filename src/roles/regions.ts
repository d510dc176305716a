/**
 * The regions' part of a shift: goes on looking at all of them, answers what others ask, and leads buyers here where the rules say so.
 */
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { createRegionMetrics, type RegionMetrics } from "../adapters/region-metrics.ts";
import { createSystemRandom } from "../adapters/system-random.ts";
import type { ProviderConfig, RegionsConfig } from "../config/regions-config.ts";
import type { OwnState } from "../core/region/fitness.ts";
import { onlyRecords } from "../core/region/only-records.ts";
import { ownStateOf } from "../core/region/own-state.ts";
import { specOf } from "../core/region/region.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { Instant, Ms } from "../core/time.ts";
import { RegionLoop, type RegionLoopParts } from "../engine/region/region-loop.ts";
import { textOf, type RegionEvent } from "../engine/region/region-told.ts";
import type { AlertOutbox } from "../ports/alert-outbox.ts";
import type { Clock } from "../ports/clock.ts";
import type { Http } from "../ports/http.ts";
import type { ClusterSide } from "./cluster-side.ts";
import { routeFor, RUNBOOKS, type DaemonParts } from "./ground.ts";
import type { RegionLookout } from "./region-lookout.ts";
import { regionControl } from "./region-orders.ts";
import type { RegionSeat } from "./region-seat.ts";
import { watchProvider } from "./provider-watch.ts";
import type { Stores } from "./stores.ts";
import { openTraffic } from "./traffic.ts";

export type Regions = { readonly seat: RegionSeat; /** Brings the levels of its metrics up to date. */ measure(): void; stop(): Promise<void> };

export type RegionParts = {
  readonly daemon: DaemonParts;
  readonly regions: RegionsConfig & { readonly here: string; readonly provider: ProviderConfig };
  readonly http: Http;
  /** Looks already. */
  readonly lookout: RegionLookout;
  readonly outbox: AlertOutbox;
  readonly registry: Registry;
  readonly stores: Stores;
  readonly side: ClusterSide | null;
  readonly snapshot: () => Snapshot;
};

/** A picture of 2,000 pods costs 50 ms; within a step of the loop it is the same. */
const SNAPSHOT_FOR: Ms = 1_000;

/** Begins to decide. What stands at the provider is read in the course of it. */
export async function startRegions(parts: RegionParts): Promise<Regions> {
  const { daemon, regions, http, lookout, outbox, stores, side } = parts;
  const { config, clock, log } = daemon;
  const opened = await openTraffic(config.site, regions.provider, http, clock);
  const stopping = new AbortController();
  const snapshot = lasting(parts.snapshot, clock);
  const metrics = createRegionMetrics(parts.registry);
  const own = ownState({ ...parts, snapshot });
  const alertRoute = routeFor(config.alerts, "page");
  const loopParts: RegionLoopParts = {
    plan: regions.plan, me: regions.here, eyes: lookout.eyes, watch: lookout.watch, traffic: opened.traffic, outbox, clock, random: createSystemRandom(),
    mayAct: () => side === null || side.mayAct().kind === "clear",
    onlyRecords: () => whyOnlyRecorded(daemon, snapshot()),
    alertRoute, runbooks: RUNBOOKS, ledger: stores.ledger, own, told: (event) => tell(log, metrics, event),
  };
  const loop = new RegionLoop(loopParts);
  loop.begin(stores.state);
  const provider = watchProvider({ traffic: opened.traffic, clock, log, outbox, store: stores.state, alertRoute, site: config.site, here: regions.here, runbooks: RUNBOOKS });
  const giveBack = lookout.follow(loop, stopping.signal);
  return {
    seat: {
      control: regionControl({ loop, opened, plan: regions.plan, here: regions.here, ledger: stores.ledger, clock, problem: (text) => log.error({ event: "trouble", where: "regions: ledger" }, text) }),
      answer: ({ nonce, about }) => ({ nonce, observer: regions.me, votes: loop.answer({ nonce, about }), report: loop.report() }),
      lost: () => {
        const { status, givesUp } = own();
        return givesUp ?? (status === "unhealthy" ? "too few of its instances are well, or what they share is not" : null);
      },
    },
    measure: () => metrics.stand(loop.view(), clock.now()),
    stop: async () => {
      giveBack();
      provider.stop();
      stopping.abort(new Error("shopkeeper is stopping"));
      // What became of an act under way is written into the state that it was recorded in.
      await loop.settled();
      loop.end();
      await Promise.all([opened.traffic.close(), opened.shadow?.close()]);
    },
  };
}

function ownState({ daemon: { config, clock }, regions, side, snapshot }: RegionParts): () => OwnState {
  let emptySince: Instant | null = null;
  const floor = specOf(regions.plan, regions.here)?.floor ?? 1;
  const ofPods = config.targets.some((target) => target.pods !== null);
  return () => {
    const now = clock.now();
    const seen = snapshot();
    // What cannot be seen is not gone.
    const isEmpty = ofPods && side?.pods != null && side.pods.blindness() === null && seen.targets.every(({ kind }) => kind === "workload");
    emptySince = isEmpty ? (emptySince ?? now) : null;
    return ownStateOf(seen, floor, "not_measured", emptySince, now);
  };
}

function lasting(take: () => Snapshot, clock: Clock): () => Snapshot {
  let taken: { readonly at: Instant; readonly value: Snapshot } | null = null;
  return () => {
    const now = clock.now();
    if (taken === null || now - taken.at >= SNAPSHOT_FOR) taken = { at: now, value: take() };
    return taken.value;
  };
}

/** With the mode in force, which a promotion may have changed. */
function whyOnlyRecorded({ config, clock }: DaemonParts, { policies, pauses }: Snapshot): string | null {
  const spec = config.policies.find(({ action }) => action === "failover_dns");
  const inForce = policies.find(({ name }) => name === spec?.name);
  return onlyRecords(spec === undefined ? null : { ...spec, mode: inForce?.mode ?? spec.mode }, pauses, clock.now(), clock.wall());
}

function tell(log: Logger, metrics: RegionMetrics, event: RegionEvent): void {
  switch (event.kind) {
    case "decided":
      if (!event.repeated && event.decision.kind !== "stay") log.warn({ event: "region", decision: event.decision }, textOf(event.decision));
      return;
    case "intended":
      log.warn({ event: "region", intent: event.intent }, `${event.intent.kind} to ${event.intent.to}, epoch ${event.intent.epoch} (${event.intent.cause})`);
      return;
    case "ended":
      metrics.acted({ ...event.intent, outcome: event.outcome, sinceFaultMs: event.sinceFaultMs });
      log.warn({ event: "region", intent: event.intent.id, outcome: event.outcome }, event.text);
      return;
    case "stands":
      log.info({ event: "region" }, event.text);
      return;
    case "called":
      log[event.lacking.length === 0 ? "info" : "warn"]({ event: "region", lacking: event.lacking }, event.text);
      return;
    case "troubled":
      log.error({ event: "trouble", where: `regions: ${event.where}` }, event.detail);
  }
}
