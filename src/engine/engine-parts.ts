/**
 * What the engine is made of, and what it offers.
 */
import type { BreakerView } from "../core/breaker.ts";
import type { Evidence } from "../core/evidence.ts";
import type { GatewayView } from "../core/gateway-view.ts";
import type { PolicySpec } from "../core/policy.ts";
import type { Roster } from "../core/roster.ts";
import type { GuardSettings, RegionHealth } from "../core/scene.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { AlertOutbox } from "../ports/alert-outbox.ts";
import type { Clock } from "../ports/clock.ts";
import type { Control } from "../ports/control.ts";
import type { EventListener, Events, QuarantineChanged, WorkerLost } from "../ports/events.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { PreparedProbe } from "../ports/probe.ts";
import type { Processes } from "../ports/processes.ts";
import type { Random } from "../ports/random.ts";
import type { Remedy } from "../ports/remedy.ts";
import type { StateStore } from "../ports/state-store.ts";
import type { Fence } from "./carry-out.ts";
import type { AlertRoutes } from "./incidents.ts";
import type { Orders } from "./orders.ts";

/** The roster is the one to begin with. */
export type EngineParts = Roster & {
  readonly site: string;
  /** By check name; one for every active check. */
  readonly probes: ReadonlyMap<string, PreparedProbe>;
  readonly policies: readonly PolicySpec[];
  /** What keeps a policy from being carried out at this moment; asked at each step. Absent: only what its own `unavailable` says. */
  readonly unavailable?: (policy: string) => string | null;
  readonly settings: GuardSettings;
  /** For triggers, by name; asked at each step. Absent: the shop has one region. */
  readonly regions?: () => ReadonlyMap<string, RegionHealth>;
  readonly timeZone: string;
  readonly actionsPerMinute: number;
  /** Of our own accord nothing is done for this long after what an earlier process left is settled; 0: at once. */
  readonly watchFirst: Ms;
  /** Reference probes of the connectivity guard; empty: the guard is off. */
  readonly references: readonly PreparedProbe[];
  /** By name of the remedy, bound to their ports. */
  readonly remedies: ReadonlyMap<string, Remedy>;
  /** Children we keep, by marker: adopted or started by `start`, and watched for their exit. null: none. */
  readonly supervised: { readonly processes: Processes; readonly markers: ReadonlyMap<TargetId, string> } | null;
  readonly fence: Fence;
  /** Where incidents and uncertain actions are told; null: the ledger only. */
  readonly alertRoutes: AlertRoutes;
  /** Base of runbook links, without a trailing slash: "docs/runbooks". */
  readonly runbooks: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly store: StateStore;
  readonly outbox: AlertOutbox;
  readonly events: Events;
};

export interface Engine extends Control, Orders {
  /** Loads stored state, settles interrupted actions, adopts or starts supervised children, then looks. @throws {StateStoreError} */
  start(): Promise<void>;
  /** No new looks or actions; resolves when what runs has ended. Leaves targets as they are, and its ports open. */
  stop(): Promise<void>;
  /** The gateway saw a failure of the target behind it: its looks, and those it depends on, come at once (at most once per 2 s each). */
  gatewayTrouble(target: TargetId, cause: string): void;
  /** The target's process is known to have exited: certain, so every check of it fails at once. Supervised children are watched by the engine itself. */
  processExited(target: TargetId, detail: string): void;
  /** The target's process was started by somebody else: start-up grace counts from here. */
  processStarted(target: TargetId, at: Instant): void;
  /** Other targets, or other looks at them (pods that came and went). What is gone is forgotten; what came has begun its life now. */
  enrol(roster: Roster): void;
  /** The state store was found damaged and has begun anew: a person is told. Never rejects; `start` asks by itself. */
  stateLost(): Promise<void>;
  /** Where the passive evidence of a target is read; one reader a target, the last one set. Must not throw. */
  evidenceFrom(target: TargetId, read: () => Evidence): void;
  /** Where breakers are read; the last one set. Must not throw. */
  breakersFrom(read: () => readonly BreakerView[]): void;
  /** A breaker moved: recorded, and guards are asked again. */
  breakerChanged(view: BreakerView, why: string): void;
  /** Where the gateway's own state is read; the last one set. Must not throw. */
  gatewayFrom(read: () => GatewayView): void;
  /** A class of requests is not forwarded any more, or again: recorded. */
  quarantineChanged(event: QuarantineChanged): void;
  /** A worker of the gateway was lost: recorded. */
  workerLost(event: WorkerLost): void;
  /** Returns a function that ends the subscription. At most 100 listeners; beyond: RangeError. */
  subscribe(listener: EventListener): () => void;
  /** Resolves when no recovery step and no action is under way and everything told is written; looks go on. */
  idle(): Promise<void>;
}
