/** What every kind of recovery is made of, and the ports it is bound to. */
import type { RemedyKind } from "../config/catalogue.ts";
import type { TargetId } from "../core/target.ts";
import type { Ms } from "../core/time.ts";
import type { AlertOutbox } from "../ports/alert-outbox.ts";
import type { BreakerControl } from "../ports/breaker-control.ts";
import type { ClaimBook } from "../ports/claim-book.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cluster } from "../ports/cluster.ts";
import type { Processes, ProcessSpec } from "../ports/processes.ts";
import type { Remedy } from "../ports/remedy.ts";
import type { Units } from "../ports/units.ts";

/** How a target's process is kept. */
export type Supervised =
  | { readonly kind: "child"; readonly spec: Omit<ProcessSpec, "intentId">; readonly stopGrace: Ms }
  | { readonly kind: "unit"; readonly unit: string; readonly stopGrace: Ms };

export type RemedyPorts = {
  readonly site: string;
  /** Folder against which a command's `cwd` is resolved. */
  readonly folder: string;
  /** Base of runbook links, without a trailing slash. */
  readonly runbooks: string;
  readonly clock: Clock;
  readonly processes: Processes;
  readonly units: Units;
  readonly outbox: AlertOutbox;
  readonly breakers: BreakerControl;
  /** null: none here. */
  readonly cluster: Cluster | null;
  /** null: no sizes are claimed here. */
  readonly claims: ClaimBook | null;
  /** null: we keep no process for this target. */
  readonly supervised: (target: TargetId) => Supervised | null;
};

/** One kind of recovery: `schema` reads a policy's `params:`, whose parsed value arrives in every proposal. `make`: null where a port it needs is not there. */
export type RemedyEntry = RemedyKind & { readonly make: (ports: RemedyPorts) => Remedy | null };
