/** Asks a Redis server whether it is there. */
import type { Ms } from "../core/time.ts";
import type { FailCause } from "../core/observation.ts";

export type PingAnswer =
  | { readonly kind: "pong"; readonly tookMs: Ms }
  | {
      readonly kind: "failed";
      readonly cause: Extract<FailCause, "refused" | "reset" | "timeout" | "resolve" | "tls" | "truncated" | "body">;
      /** The fault is on our own host: no evidence about the server. */
      readonly noNetwork: boolean;
      readonly detail: string;
      readonly tookMs: Ms;
    };

export interface RedisPinger {
  /**
   * One PING, within `deadlineMs` whatever the server does (connecting included). Never rejects.
   * A server that answers with an error (NOAUTH, LOADING, MASTERDOWN) is not connected: cause `body`.
   */
  ping(deadlineMs: Ms, signal?: AbortSignal): Promise<PingAnswer>;
  close(): Promise<void>;
}
