/** Outgoing HTTP for probes, alerts and small clients. The gateway's data path has its own way out. */
import type { FailCause } from "../core/observation.ts";
import type { Ms } from "../core/time.ts";

export type HttpRequest = {
  readonly method: "GET" | "HEAD" | "POST" | "PATCH";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Hard deadline for the whole exchange, resolver and body included. */
  readonly deadlineMs: Ms;
  /** Bytes of body kept; what is beyond is read and counted but dropped. */
  readonly maxBodyBytes: number;
  /** `new`: on a connection made for it, in the place of a kept one; keep-alive hides full listen queues and DNS faults. */
  readonly connection: "reuse" | "new";
  /**
   * May be sent once more, within the same deadline, when a reused connection was closed under it
   * before any answer; GET and HEAD always may. Default false.
   */
  readonly idempotent?: boolean;
  readonly signal?: AbortSignal;
};

export type HttpAnswer = {
  readonly kind: "answer";
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", " except set-cookie, joined by "\n". */
  readonly headers: Readonly<Record<string, string>>;
  /** At most `maxBodyBytes`, decoded as UTF-8. */
  readonly body: string;
  /** Whole length on the wire, before any cut. */
  readonly bodyBytes: number;
  readonly bodyCut: boolean;
  readonly firstByteMs: Ms;
  readonly tookMs: Ms;
};

export type HttpFailure = {
  readonly kind: "failed";
  readonly cause: Extract<FailCause, "refused" | "reset" | "timeout" | "resolve" | "tls" | "truncated">;
  /** The host's own network is missing (no route, network down), so this is no evidence about the target. */
  readonly noNetwork: boolean;
  /** The headers had come before it failed. */
  readonly answered: boolean;
  readonly detail: string;
  readonly tookMs: Ms;
};

export interface Http {
  /** Never rejects: every failure is a value. Redirects are not followed. */
  request(request: HttpRequest): Promise<HttpAnswer | HttpFailure>;
  close(): Promise<void>;
}
