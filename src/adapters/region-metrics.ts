/**
 * What a site with regions exports beside the engine's metrics, on the registry it is given. Regions and observers are
 * those of the configuration; every other label value comes from a closed set.
 */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { OutsideVerdict } from "../core/region/outside.ts";
import { FLIP_CAUSES, type FlipCause } from "../core/region/scene.ts";
import type { RegionsView } from "../core/region/view.ts";
import type { Instant, Ms } from "../core/time.ts";

/** Name, help and labels of every one; the README's table is compared with it. */
export const REGION_METRICS = {
  shopkeeper_region_status: { help: "What a region looks like from here: 0 up, 1 copies only, 2 down, 3 unknown.", labels: ["region"] },
  shopkeeper_region_serving: { help: "1 for the region that buyers are led to, else 0; 0 for all: to several, or it is not known.", labels: ["region"] },
  shopkeeper_region_epoch: { help: "Epoch of the mark that is right; it grows with each failover. 0: not read yet, or the records are not ours.", labels: [] },
  shopkeeper_region_block_seconds: { help: "What is left of the pause after the last failover. 0: the next one may follow.", labels: [] },
  shopkeeper_region_observer_able: { help: "1 where an observer could have spoken in an incident when it was asked last, else 0.", labels: ["observer"] },
  shopkeeper_region_failovers_total: { help: "Failovers to this region by what became of them; one that was uncertain counts again once it is known.", labels: ["cause", "outcome"] },
  shopkeeper_region_late_writes_repaired_total: { help: "Late writes that were pushed aside.", labels: [] },
  shopkeeper_region_failover_duration_seconds: { help: "Time from the first look that failed until the provider was changed and read back.", labels: ["cause"] },
} as const;

export type ActOutcome = "done" | "partly" | "refused" | "uncertain";

/** An act on the records, as far as it is counted. */
export type CountedAct = { readonly kind: "flip" | "repair" | "complete"; readonly cause: string; readonly outcome: ActOutcome; /** null: nothing was wrong before it, or nobody knows since when. */ readonly sinceFaultMs: Ms | null };

const STATUS: Readonly<Record<OutsideVerdict, number>> = { up: 0, "copies-only": 1, down: 2, unknown: 3 };
const OUTCOMES: readonly ActOutcome[] = ["done", "partly", "refused", "uncertain"];
/** Promised are 60 s to the first good page, 15 s of them to the provider. */
const DURATION_BUCKETS = [2, 4, 6, 8, 10, 12, 15, 20, 30, 60, 90, 120, 300];

/** Of one that only looks: a standby, or a witness. */
export function createRegionSight(registry: Registry): (verdicts: ReadonlyMap<string, OutsideVerdict>) => void {
  const status = gaugeOf(registry, "shopkeeper_region_status");
  return (verdicts) => verdicts.forEach((verdict, region) => status.set({ region }, STATUS[verdict]));
}

export type RegionMetrics = {
  /** Levels, as they are now. */
  stand(view: RegionsView, now: Instant): void;
  acted(act: CountedAct): void;
};

/** Of the daemon that leads. */
export function createRegionMetrics(registry: Registry): RegionMetrics {
  const see = createRegionSight(registry);
  const serving = gaugeOf(registry, "shopkeeper_region_serving");
  const epoch = gaugeOf(registry, "shopkeeper_region_epoch");
  const block = gaugeOf(registry, "shopkeeper_region_block_seconds");
  const able = gaugeOf(registry, "shopkeeper_region_observer_able");
  const failovers = counterOf(registry, "shopkeeper_region_failovers_total");
  const repaired = counterOf(registry, "shopkeeper_region_late_writes_repaired_total");
  const { help, labels } = REGION_METRICS.shopkeeper_region_failover_duration_seconds;
  const took = new Histogram({ name: "shopkeeper_region_failover_duration_seconds", help, labelNames: [...labels], buckets: DURATION_BUCKETS, registers: [registry] });
  // From the start, so that the first one is an increase.
  for (const cause of FLIP_CAUSES) for (const outcome of OUTCOMES) failovers.inc({ cause, outcome }, 0);
  return {
    stand: (view, now) => {
      see(new Map(view.regions.map(({ name, sees }) => [name, sees])));
      for (const { name } of view.regions) serving.set({ region: name }, name === view.leadsTo ? 1 : 0);
      epoch.set(view.epoch ?? 0);
      block.set(view.blockedUntil === null ? 0 : Math.max(0, view.blockedUntil - now) / 1_000);
      for (const { observer, askedAt, why } of view.observers) if (askedAt !== null) able.set({ observer }, why === null ? 1 : 0);
    },
    acted: ({ kind, cause, outcome, sinceFaultMs }) => {
      if (kind === "repair") return outcome === "done" ? repaired.inc() : undefined;
      // The flip that it completes has been counted.
      if (kind === "complete") return undefined;
      const known = causeOf(cause);
      failovers.inc({ cause: known, outcome });
      if (outcome === "done" && sinceFaultMs !== null) took.observe({ cause: known }, sinceFaultMs / 1_000);
    },
  };
}

/** What an earlier version left open may have a cause of another name. */
function causeOf(cause: string): FlipCause | "other" {
  return FLIP_CAUSES.find((one) => one === cause) ?? "other";
}

type Name = keyof typeof REGION_METRICS;

function gaugeOf<One extends Name>(registry: Registry, name: One): Gauge<(typeof REGION_METRICS)[One]["labels"][number]> {
  return new Gauge({ name, help: REGION_METRICS[name].help, labelNames: [...REGION_METRICS[name].labels], registers: [registry] });
}

function counterOf<One extends Name>(registry: Registry, name: One): Counter<(typeof REGION_METRICS)[One]["labels"][number]> {
  return new Counter({ name, help: REGION_METRICS[name].help, labelNames: [...REGION_METRICS[name].labels], registers: [registry] });
}
