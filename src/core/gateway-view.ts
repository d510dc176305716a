/**
 * How the gateway itself is, apart from its breakers: what it does not forward, and what became of
 * its workers. JSON-safe.
 */
import type { Instant } from "./time.ts";

/** How a worker was lost: it ended by itself, its loop stood still, or it never came to listen. Closed: metrics label by it. */
export const WORKER_LOSSES = ["crashed", "stuck", "not_ready"] as const;
export type WorkerLoss = (typeof WORKER_LOSSES)[number];

/** What a lost worker did, for people: "a worker crashed". */
export function describeLoss(loss: WorkerLoss): string {
  switch (loss) {
    case "crashed":
      return "crashed";
    case "stuck":
      return "stood still";
    case "not_ready":
      return "cannot start";
  }
}

/** A class of requests that is not forwarded, since it was in flight at two deaths of the application. */
export type QuarantinedClass = {
  /** As `requestClass` names it: "GET product cart". */
  readonly requestClass: string;
  readonly since: Instant;
  /** Released by itself at the latest then; null: when the Storefront API is healthy. */
  readonly until: Instant | null;
};

/** Workers lost in one way since the gateway started. */
export type WorkerLosses = {
  readonly loss: WorkerLoss;
  readonly count: number;
  readonly lastAt: Instant;
  /** Why the last one was lost, in the system's words; at most 500 characters. */
  readonly lastDetail: string;
};

export type GatewayView = {
  readonly quarantined: readonly QuarantinedClass[];
  /** Ways in which none was lost are left out. */
  readonly workersLost: readonly WorkerLosses[];
};
