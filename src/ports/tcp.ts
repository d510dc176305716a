/** A look at a TCP port: connect, and optionally say something and wait for a text. */
import type { Ms } from "../core/time.ts";
import type { FailCause } from "../core/observation.ts";

export type TcpRequest = {
  readonly host: string;
  readonly port: number;
  /** TLS with the system's authorities before anything is said. */
  readonly tls: boolean;
  /** Sent once connected; null: nothing. */
  readonly send: string | null;
  /** Text awaited in what the server says (a banner, or the answer); null: connecting suffices. */
  readonly expect: string | null;
  /** Hard deadline for all of it, resolver included. */
  readonly deadlineMs: Ms;
  /** Bytes read while waiting for the text; more is a failure. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
};

export type TcpAnswer =
  | { readonly kind: "answer"; readonly connectedMs: Ms; readonly tookMs: Ms }
  | {
      readonly kind: "failed";
      readonly cause: Extract<FailCause, "refused" | "reset" | "timeout" | "resolve" | "tls" | "truncated" | "body">;
      /** The fault is on our own host: no evidence about the server. */
      readonly noNetwork: boolean;
      readonly detail: string;
      readonly tookMs: Ms;
    };

export interface Tcp {
  /** Never rejects. The connection is closed afterwards. */
  look(request: TcpRequest): Promise<TcpAnswer>;
  close(): Promise<void>;
}
