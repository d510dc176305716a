/** What a leader does in its cluster beside recovery: workloads are held at their claimed size, and what was done or held is noted at its object. */
import type { Instant } from "../core/time.ts";
import { createClusterNotes } from "../engine/cluster-notes.ts";
import type { Engine } from "../engine/engine.ts";
import { OutageClaims } from "../engine/outage-claims.ts";
import { createSizeKeeper } from "../engine/size-keeper.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { ClusterSide } from "./cluster-side.ts";
import type { DaemonParts } from "./ground.ts";

/** Begins; returns the steps that end it. */
export function tendCluster({ cluster, claims, mayAct }: ClusterSide, engine: Engine, ledger: Ledger, { config, clock, log }: DaemonParts): readonly (() => Promise<void> | void)[] {
  const troubled = (where: string, detail: string): void => log.error({ event: "trouble", where }, detail);
  const keeper = createSizeKeeper({ cluster, claims, clock, ledger, mayAct: async () => mayAct(), troubled });
  const notes = createClusterNotes({ cluster, clock, troubled });
  const workloads = [...new Set(config.targets.flatMap((target) => (target.pods === null ? [] : [target.workload])))];
  const outages = new OutageClaims({ cluster, claims, clock, workloads, mayAct, troubled });
  const down = followStorefrontApi(engine, config.checks, (since) => outages.outage(since));
  const unsubscribe = engine.subscribe(notes.listener);
  keeper.start();
  return [() => keeper.stop(), () => notes.stop(), () => outages.stop(), down, unsubscribe];
}

/** Tells since when a check of the Storefront API is unhealthy, whichever it is; null: none is. */
function followStorefrontApi(engine: Engine, checks: DaemonParts["config"]["checks"], tell: (since: Instant | null) => void): () => void {
  const names = new Set(checks.filter((check) => check.probe === "storefront_api" && check.inactive === null).map((check) => check.name));
  const ill = new Map<string, Instant>();
  return engine.subscribe((event) => {
    if (event.kind !== "verdict" || !names.has(event.check)) return;
    if (event.to === "unhealthy") ill.set(event.key, event.since);
    else ill.delete(event.key);
    tell(ill.size === 0 ? null : Math.min(...ill.values()));
  });
}
