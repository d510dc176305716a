/**
 * The closed, bounded messages between the main thread and a gateway worker.
 *
 * Nothing here is sent per request. What changes per request (counters, the last
 * good answer, requests in flight) lives in shared memory, laid out in
 * gateway/telemetry-layout.ts, and is read by the main thread.
 */
import type { BreakerHold, BreakerName } from "../core/breaker.ts";
import type { CopyMeta } from "../core/copy.ts";
import type { FirstFill } from "../core/readiness.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { BreakerChange } from "./breaker.ts";

/** A copy as it crosses threads: the body is shared, never cloned. */
export type SharedCopy = { readonly meta: CopyMeta; readonly body: SharedArrayBuffer };

/** What the main thread knows about a check that the gateway's decisions need. */
export type DependencyHealth = "healthy" | "unhealthy" | "unknown";

/** Most copies in one message; more are sent in several. */
export const COPIES_PER_MESSAGE = 256;

/** Main thread to worker, in the order of sending. All that is known is sent before `start`. */
export type ToGateway =
  | { readonly kind: "copies"; readonly copies: readonly SharedCopy[] }
  | { readonly kind: "hold"; readonly hold: BreakerHold }
  | { readonly kind: "release"; readonly breaker: BreakerName; readonly by: string }
  /** Verdict of the storefront_api check: the 404 rule needs it. */
  | { readonly kind: "storefront_api"; readonly health: DependencyHealth }
  /** Listen on this port (0: any), then send `ready`. Once. */
  | { readonly kind: "start"; readonly port: number }
  /** The application's process is known to have died: answer with `suspects`. */
  | { readonly kind: "app_died"; readonly at: Instant }
  /** The application has answered for the first time: what asks it of its own accord may begin. */
  | { readonly kind: "app_up" }
  /** The application answers again: the breaker may try at once instead of waiting out its time. */
  | { readonly kind: "app_back" }
  /** The classes not to be forwarded from now on; replaces the last such list. */
  | { readonly kind: "quarantine"; readonly classes: readonly string[] }
  | { readonly kind: "bypass"; readonly on: boolean }
  | { readonly kind: "purge"; readonly keys: readonly string[] }
  /** Stop accepting, finish what runs, then send `drained`. */
  | { readonly kind: "drain"; readonly within: Ms };

/** Worker to main thread. */
export type FromGateway =
  | { readonly kind: "ready"; readonly port: number }
  | { readonly kind: "stored"; readonly copy: SharedCopy }
  /** Copies the worker deleted because they are wrong, not those it evicted. */
  | { readonly kind: "dropped"; readonly keys: readonly string[] }
  | { readonly kind: "breaker"; readonly change: BreakerChange }
  /** Classes of requests in flight, or just cut off, at the death `at`; at most 64. */
  | { readonly kind: "suspects"; readonly at: Instant; readonly classes: readonly string[] }
  /** A failure that should hasten the checks; at most one a second. */
  | { readonly kind: "trouble"; readonly at: Instant; readonly cause: string }
  | { readonly kind: "log"; readonly level: "info" | "warn" | "error"; readonly text: string }
  /** The warm list was filled for the first time. Once. */
  | { readonly kind: "filled"; readonly fill: FirstFill }
  | { readonly kind: "drained" };
