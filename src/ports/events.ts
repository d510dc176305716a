/**
 * What happened, for logs, metrics and live views. One method per business event; an
 * implementation writes the log line and the metric together, synchronously, and
 * never throws. The ledger is written beside it, by the engine's recorder.
 */
import type { Alert } from "../core/alert.ts";
import type { CheckVerdict } from "../core/check-state.ts";
import type { Intent } from "../core/intent.ts";
import type { Observation } from "../core/observation.ts";
import type { Decision } from "../core/proposal.ts";
import type { SiteStatus, StatusCause } from "../core/status.ts";
import type { LookKey, TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { BreakerView } from "../core/breaker.ts";
import type { WorkerLoss } from "../core/gateway-view.ts";
import type { Delivery } from "./alerts.ts";

/** One look was made. Happens many times a second: for metrics, never for the log. */
export type Observed = { readonly key: LookKey; readonly check: string; readonly target: TargetId; readonly seen: Observation; readonly verdict: CheckVerdict };

export type VerdictChanged = {
  readonly at: Instant;
  readonly key: LookKey;
  readonly check: string;
  readonly target: TargetId;
  readonly from: CheckVerdict;
  readonly to: CheckVerdict;
  /** First observation of the run that turned it. */
  readonly since: Instant;
  readonly seen: Observation;
  readonly suppressedBy: LookKey | null;
};

export type StatusChanged = { readonly at: Instant; readonly from: SiteStatus; readonly to: SiteStatus; readonly causes: readonly StatusCause[] };

export type FlappingChanged = { readonly at: Instant; readonly key: LookKey; readonly check: string; readonly target: TargetId; readonly flapping: boolean; readonly percent: number };

export type Decided = {
  readonly at: Instant;
  readonly decision: Decision;
  /** The same answer to the same proposal as last time: counted, not said again. */
  readonly repeated: boolean;
};

/** An intent was recorded, or its phase changed to awaiting_verification, refused or uncertain. */
export type Acted = { readonly at: Instant; readonly intent: Intent; readonly tookMs: Ms };

/** An intent ended: verified or not_verified. */
export type Verified = { readonly at: Instant; readonly intent: Intent };

/** An alert was handed to the outbox (`queued`), or the outbox is done with it. */
export type Alerted = { readonly at: Instant; readonly route: string; readonly alert: Alert; readonly delivery: Delivery | { readonly kind: "queued" } };

export type BreakerChanged = { readonly at: Instant; readonly breaker: BreakerView; readonly why: string };

/** A class of requests is not forwarded to a target any more, or again. */
export type QuarantineChanged = {
  readonly at: Instant;
  readonly target: TargetId;
  /** "GET product cart"; made of names that are configured. */
  readonly requestClass: string;
  readonly quarantined: boolean;
  readonly why: string;
  /** Classes not forwarded from now on. */
  readonly total: number;
};

/** A worker of the gateway was lost; another one takes its place. */
export type WorkerLost = { readonly at: Instant; readonly worker: number; readonly loss: WorkerLoss; readonly detail: string };

/** A person's command. */
export type Commanded = { readonly at: Instant; readonly who: string; readonly command: string; readonly target: TargetId; readonly text: string };

/** Our own network went or came back. */
export type ConnectivityChanged = { readonly at: Instant; readonly lostSince: Instant | null };

/** The engine's own troubles: what could not be done beside the recovery path, such as a ledger write. */
export type Troubled = { readonly at: Instant; readonly where: "ledger" | "state" | "alerts" | "loop" | "evidence" | "listener" | "cluster"; readonly detail: string };

export interface Events {
  observed(event: Observed): void;
  verdictChanged(event: VerdictChanged): void;
  statusChanged(event: StatusChanged): void;
  flappingChanged(event: FlappingChanged): void;
  decided(event: Decided): void;
  acted(event: Acted): void;
  verified(event: Verified): void;
  alerted(event: Alerted): void;
  breakerChanged(event: BreakerChanged): void;
  quarantineChanged(event: QuarantineChanged): void;
  workerLost(event: WorkerLost): void;
  commanded(event: Commanded): void;
  connectivityChanged(event: ConnectivityChanged): void;
  troubled(event: Troubled): void;
}

/** The same events as one union, for subscribers (server-sent events, the simulator's transcript). */
export type EngineEvent =
  | ({ readonly kind: "observed" } & Observed)
  | ({ readonly kind: "verdict" } & VerdictChanged)
  | ({ readonly kind: "status" } & StatusChanged)
  | ({ readonly kind: "flapping" } & FlappingChanged)
  | ({ readonly kind: "decided" } & Decided)
  | ({ readonly kind: "acted" } & Acted)
  | ({ readonly kind: "verified" } & Verified)
  | ({ readonly kind: "alerted" } & Alerted)
  | ({ readonly kind: "breaker" } & BreakerChanged)
  | ({ readonly kind: "quarantine" } & QuarantineChanged)
  | ({ readonly kind: "worker_lost" } & WorkerLost)
  | ({ readonly kind: "commanded" } & Commanded)
  | ({ readonly kind: "connectivity" } & ConnectivityChanged)
  | ({ readonly kind: "troubled" } & Troubled);

/** Must not throw; it is called synchronously and its time is the engine's time. */
export type EventListener = (event: EngineEvent) => void;

/** An `Events` that turns each call into one value for a listener. */
export function eventsTo(listener: EventListener): Events {
  return {
    observed: (event) => listener({ kind: "observed", ...event }),
    verdictChanged: (event) => listener({ kind: "verdict", ...event }),
    statusChanged: (event) => listener({ kind: "status", ...event }),
    flappingChanged: (event) => listener({ kind: "flapping", ...event }),
    decided: (event) => listener({ kind: "decided", ...event }),
    acted: (event) => listener({ kind: "acted", ...event }),
    verified: (event) => listener({ kind: "verified", ...event }),
    alerted: (event) => listener({ kind: "alerted", ...event }),
    breakerChanged: (event) => listener({ kind: "breaker", ...event }),
    quarantineChanged: (event) => listener({ kind: "quarantine", ...event }),
    workerLost: (event) => listener({ kind: "worker_lost", ...event }),
    commanded: (event) => listener({ kind: "commanded", ...event }),
    connectivityChanged: (event) => listener({ kind: "connectivity", ...event }),
    troubled: (event) => listener({ kind: "troubled", ...event }),
  };
}
