/**
 * What the buyers' entrance is put together from.
 */
import type { GatewayConfig } from "../config/config.ts";
import type { GatewayPreset } from "../core/preset.ts";
import type { FirstFill } from "../core/readiness.ts";
import type { Breaker } from "../ports/breaker.ts";
import type { Clock } from "../ports/clock.ts";
import type { CopyStore } from "../ports/copy-store.ts";
import type { DependencyHealth } from "../ports/gateway-link.ts";
import type { Telemetry } from "./telemetry.ts";

/** Is a class of requests suspected of killing the application? Asked before every forward; must not allocate. */
export interface QuarantineGate {
  suspects(requestClass: string): boolean;
}

/** Everything the ingress stands on. The worker's composition root builds it; nothing in here starts a timer before `listen`. */
export type IngressParts = {
  readonly config: GatewayConfig;
  /** With what the configuration adds to its lists. */
  readonly preset: GatewayPreset;
  /** Base URL of the application, without a trailing slash: "http://127.0.0.1:3000". */
  readonly upstream: string;
  readonly breakers: { readonly ingressApp: Breaker; readonly egressStorefront: Breaker };
  readonly copies: CopyStore;
  /** Opened over the names of `routeNames(config)`. */
  readonly telemetry: Telemetry;
  readonly quarantine: QuarantineGate;
  readonly clock: Clock;
  /** Verdict of the storefront_api check, as last told by the main thread. */
  readonly storefront: () => DependencyHealth;
  /** Plain pass-through, for the person who suspects us. */
  readonly bypass: () => boolean;
  /** Called once: what came of the first filling of the warm list. */
  readonly filled: (fill: FirstFill) => void;
  /** A failure that should hasten the checks. The receiver limits the rate. */
  readonly trouble: (cause: string) => void;
};
