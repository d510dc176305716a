/**
 * The gateway as the main thread has it: its workers, and what outlives them.
 *
 * Copies, counters, holds and the quarantine are kept here, so that a worker that crashes or is
 * stuck loses nothing but the requests it held. Workers share one port (SO_REUSEPORT), so
 * a successor listens before its predecessor is ended.
 */
import type { ResourceLimits } from "node:worker_threads";
import type { BreakerHold, BreakerName, BreakerView } from "../core/breaker.ts";
import type { Evidence } from "../core/evidence.ts";
import type { GatewayView, WorkerLoss } from "../core/gateway-view.ts";
import type { FirstFill, FirstFillView } from "../core/readiness.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { BreakerChange } from "../ports/breaker.ts";
import type { Clock } from "../ports/clock.ts";
import type { CopyStore, CopySummary } from "../ports/copy-store.ts";
import { COPIES_PER_MESSAGE, type DependencyHealth, type FromGateway, type SharedCopy, type ToGateway } from "../ports/gateway-link.ts";
import { createBreakerBoard, type BreakerBoard } from "./breaker-board.ts";
import { createQuarantineDesk, type QuarantineDesk } from "./quarantine-desk.ts";
import { TelemetrySum, type GatewayCounters } from "./telemetry-reader.ts";
import { createWorkerCrew, type WorkerCrew } from "./worker-crew.ts";
import type { SpareThread, WorkerThread } from "./worker-thread.ts";

export type GatewayHostParts = {
  /** Module of the worker's composition root. */
  readonly workerUrl: URL;
  /** Plain data handed to each worker as `workerData.setup`. */
  readonly setup: unknown;
  /** Names of the routes, as both threads count them. */
  readonly routes: readonly string[];
  /** Workers, at least 1. */
  readonly workers: number;
  /** Port to listen on; 0 for any. */
  readonly port: number;
  /** The authoritative copies. */
  readonly copies: CopyStore;
  readonly clock: Clock;
  readonly resourceLimits?: ResourceLimits;
  /** See WorkerThreadParts. */
  readonly spare?: (() => SpareThread | null) | undefined;
  /** Told of what happens, in order. Must not throw. */
  readonly on: (event: GatewayHostEvent) => void;
};

/** What happens in a gateway, for log, metrics, ledger and engine. */
export type GatewayHostEvent =
  | { readonly kind: "worker_ready"; readonly worker: number; readonly port: number; readonly at: Instant }
  | { readonly kind: "worker_lost"; readonly worker: number; readonly loss: WorkerLoss; readonly detail: string; readonly at: Instant }
  /** One worker's breaker changed its own position; `breakers()` tells how the gateway stands as a whole. */
  | { readonly kind: "breaker"; readonly worker: number; readonly change: BreakerChange }
  /** A hold was set or released, and what requests meet has changed by it. A hold that runs out is not told. */
  | { readonly kind: "held"; readonly breaker: BreakerName; readonly why: string }
  | { readonly kind: "quarantined"; readonly classes: readonly string[]; readonly why: string; readonly at: Instant }
  | { readonly kind: "quarantine_lifted"; readonly classes: readonly string[]; readonly why: string; readonly at: Instant }
  | { readonly kind: "trouble"; readonly cause: string; readonly at: Instant }
  | { readonly kind: "log"; readonly worker: number; readonly level: "info" | "warn" | "error"; readonly text: string };

export interface GatewayHost {
  readonly port: number;
  breakers(): readonly BreakerView[];
  evidence(): Evidence;
  counters(): GatewayCounters;
  copies(): CopySummary;
  /** What is not forwarded, and which workers were lost since the start. */
  view(): GatewayView;
  hold(hold: BreakerHold): void;
  release(breaker: BreakerName, by: string): void;
  /** Verdict of the storefront_api check. */
  setStorefrontApi(health: DependencyHealth): void;
  /** The application's process died. */
  appDied(): void;
  /** There is evidence that the application answers; only the first time counts. */
  appUp(): void;
  /** There is evidence that the application answers again. */
  appBack(): void;
  firstFill(): FirstFillView;
  bypass(on: boolean): void;
  purge(keys: readonly string[]): void;
  /** Stops accepting, finishes what runs, ends the workers; after `within` at the latest. */
  drain(within: Ms): Promise<void>;
  /** Ends the workers at once. */
  stop(): Promise<void>;
}

/** What the host is made of. */
type Inside = {
  readonly parts: GatewayHostParts;
  readonly board: BreakerBoard;
  readonly quarantine: QuarantineDesk;
  readonly crew: WorkerCrew;
  /** Counters of the lives that ended. */
  readonly past: TelemetrySum;
  /** What was told last; a fresh worker is told again. */
  readonly told: { storefront: DependencyHealth; bypass: boolean; upAt: Instant | null };
  /** What the first worker to have filled its warm list told of it. */
  readonly heard: { filled: FirstFill | null };
};

/**
 * Starts the workers and waits until each listens.
 *
 * @throws {Error} when a worker ends before it listens, with its reason ("EADDRINUSE"); nothing keeps running then.
 */
export async function startGateway(parts: GatewayHostParts): Promise<GatewayHost> {
  const { clock, on } = parts;
  const quarantine = createQuarantineDesk(clock, ({ held, added, lifted, why }) => {
    crew.broadcast({ kind: "quarantine", classes: held });
    if (added.length > 0) on({ kind: "quarantined", classes: added, why, at: clock.now() });
    if (lifted.length > 0) on({ kind: "quarantine_lifted", classes: lifted, why, at: clock.now() });
  });
  const crew: WorkerCrew = createWorkerCrew({
    workers: parts.workers,
    thread: { url: parts.workerUrl, setup: parts.setup, routes: parts.routes.length, resourceLimits: parts.resourceLimits ?? {}, spare: parts.spare, clock },
    brief: (thread) => {
      for (const message of knowledge(inside)) thread.post(message);
    },
    onMessage: (thread, message) => take(inside, thread, message),
    onReady: ({ life }, port) => on({ kind: "worker_ready", worker: life, port, at: clock.now() }),
    onEnded: ({ life, telemetry }, loss, detail) => {
      inside.board.forget(life);
      inside.past.add(telemetry, false);
      if (loss !== null) on({ kind: "worker_lost", worker: life, loss, detail, at: clock.now() });
    },
  });
  const inside: Inside = {
    parts,
    board: createBreakerBoard(clock),
    quarantine,
    crew,
    past: new TelemetrySum(parts.routes),
    told: { storefront: "unknown", bypass: false, upAt: null },
    heard: { filled: null },
  };
  return hostOf(inside, await crew.start(parts.port));
}

/** All that a fresh worker must know before it listens. */
function* knowledge({ parts, board, quarantine, told }: Inside): Generator<ToGateway> {
  const all = parts.copies.all();
  for (let from = 0; from < all.length; from += COPIES_PER_MESSAGE) yield { kind: "copies", copies: all.slice(from, from + COPIES_PER_MESSAGE) };
  for (const hold of board.holds()) yield { kind: "hold", hold };
  yield { kind: "storefront_api", health: told.storefront };
  yield { kind: "quarantine", classes: quarantine.held() };
  yield { kind: "bypass", on: told.bypass };
  if (told.upAt !== null) yield { kind: "app_up" };
}

function take(inside: Inside, from: WorkerThread, message: FromGateway): void {
  const { parts, board, quarantine } = inside;
  switch (message.kind) {
    case "stored":
      return keep(inside, from, message.copy);
    case "dropped":
      return purge(inside, message.keys, from);
    case "breaker":
      board.report(from.life, message.change);
      return parts.on({ kind: "breaker", worker: from.life, change: message.change });
    case "suspects":
      return quarantine.suspects(message.at, message.classes);
    case "trouble":
      return parts.on({ kind: "trouble", cause: message.cause, at: message.at });
    case "log":
      return parts.on({ kind: "log", worker: from.life, level: message.level, text: message.text });
    case "filled":
      inside.heard.filled ??= message.fill;
      return;
    case "ready":
    case "drained":
      return;
  }
}

function keep({ parts, crew }: Inside, from: WorkerThread, copy: SharedCopy): void {
  const result = parts.copies.put(copy);
  if (result.kind === "too_large") return;
  crew.broadcast({ kind: "copies", copies: [copy] }, from);
  // What is evicted here is dropped everywhere: else each worker would hold bytes nobody counts.
  if (result.evicted.length > 0) crew.broadcast({ kind: "purge", keys: result.evicted });
}

function purge({ parts, crew }: Inside, keys: readonly string[], except?: WorkerThread): void {
  for (const key of keys) parts.copies.delete(key);
  crew.broadcast({ kind: "purge", keys }, except);
}

function sum({ parts, crew, past }: Inside): TelemetrySum {
  const total = new TelemetrySum(parts.routes).add(past, false);
  for (const { telemetry } of crew.threads()) total.add(telemetry, true);
  return total;
}

function hostOf(inside: Inside, port: number): GatewayHost {
  const { parts, board, quarantine, crew, told } = inside;
  return {
    port,
    breakers: () => board.views(),
    evidence: () => sum(inside).evidence(parts.clock.now(), parts.copies.size()),
    counters: () => sum(inside).counters(),
    copies: () => parts.copies.summary(),
    view: () => ({ quarantined: quarantine.view(), workersLost: crew.losses() }),
    hold(hold) {
      if (board.hold(hold)) parts.on({ kind: "held", breaker: hold.breaker, why: `held ${hold.position} by ${hold.by}: ${hold.why}` });
      crew.broadcast({ kind: "hold", hold });
    },
    release(breaker, by) {
      if (board.release(breaker, by)) parts.on({ kind: "held", breaker, why: `released by ${by}` });
      crew.broadcast({ kind: "release", breaker, by });
    },
    setStorefrontApi(health) {
      told.storefront = health;
      crew.broadcast({ kind: "storefront_api", health });
      quarantine.verdict(health);
    },
    appDied() {
      const at = quarantine.died();
      if (at !== null) crew.broadcast({ kind: "app_died", at });
    },
    appUp() {
      if (told.upAt !== null) return;
      told.upAt = parts.clock.now();
      crew.broadcast({ kind: "app_up" });
    },
    firstFill: () => ({ upAt: told.upAt, fill: inside.heard.filled }),
    appBack: () => crew.broadcast({ kind: "app_back" }),
    bypass(isOn) {
      told.bypass = isOn;
      crew.broadcast({ kind: "bypass", on: isOn });
    },
    purge: (keys) => purge(inside, keys),
    async drain(within) {
      await crew.drain(within);
      quarantine.stop();
    },
    async stop() {
      await crew.stop();
      quarantine.stop();
    },
  };
}
