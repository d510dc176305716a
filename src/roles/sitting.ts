/**
 * Who answers the listeners. Of a daemon that leads now and then it changes, while the listeners stay.
 */
import type { Registry } from "prom-client";
import type { EngineMetrics } from "../adapters/metrics.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { Instant } from "../core/time.ts";
import type { Control, OrderResult } from "../ports/control.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { RegionSeat } from "./region-seat.ts";

export type Sitting = {
  readonly control: Control;
  readonly ledger: Pick<Ledger, "query">;
  readonly registry: Registry;
  readonly metrics: EngineMetrics;
  /** Of a site with regions, while this one acts; null: it answers nobody about them. */
  readonly regions: RegionSeat | null;
  /** Brings up to date what is only measured when somebody reads it. */
  readonly measure: () => void;
};

/** Each call goes to whoever is there at that moment. */
export function currentControl(current: () => Control): Control {
  return {
    snapshot: () => current().snapshot(),
    why: (target) => current().why(target),
    acknowledge: (order) => current().acknowledge(order),
    pause: (order) => current().pause(order),
    resume: (order) => current().resume(order),
    restart: (order) => current().restart(order),
  };
}

/** What can be said and done by one that does not lead. */
export function standbyControl(site: string, startedAt: Instant, now: () => Instant): Control {
  const refused = async (): Promise<OrderResult> => ({ kind: "refused", code: "FAILED", text: "this one does not lead: nothing is known or done here" });
  const snapshot = (): Snapshot => ({
    site, at: now(), startedAt, status: "unknown", statusSince: startedAt, causes: [], networkLostSince: null, targets: [], looks: [], breakers: [],
    gateway: null, openIntents: [], pauses: [], acknowledgements: [], episodes: [], policies: [],
  });
  return { snapshot, why: () => null, acknowledge: refused, pause: refused, resume: refused, restart: refused };
}
