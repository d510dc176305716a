/**
 * One anonymous fetch of a page, read to its last byte.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { AgentClass } from "../core/cache-key.ts";
import type { GatewayPreset, RouteSpec } from "../core/preset.ts";
import type { Deadlines } from "./deadlines.ts";
import { Exchange, type BrokenFault, type Upstream } from "./exchange.ts";
import type { NonceSource } from "./nonce.ts";

/** A page to fetch. */
export type FillOrder = {
  readonly key: string;
  readonly route: RouteSpec;
  readonly path: string;
  /** Reduced query, without "?". */
  readonly query: string;
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly agent: AgentClass;
};

export type Fetched =
  | { readonly kind: "answered"; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer; /** The body was larger than may be kept; what is beyond was not read. */ readonly tooLarge: boolean }
  | { readonly kind: "broken"; readonly fault: BrokenFault };

export type FetchParts = {
  readonly preset: Pick<GatewayPreset, "agents">;
  readonly upstream: Upstream;
  readonly deadlines: Deadlines;
  readonly nonces: NonceSource;
  readonly entryBytes: number;
};

/**
 * Fetches a page as nobody: no cookies, no Authorization, pinned header fields, no compression.
 *
 * @param done is called once, never synchronously, unless the returned cancel was called first.
 */
export function fetchPage(parts: FetchParts, order: FillOrder, done: (fetched: Fetched) => void): () => void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let status = 0;
  let headers: IncomingHttpHeaders = {};
  const answered = (tooLarge: boolean): void => done({ kind: "answered", status, headers, body: Buffer.concat(chunks), tooLarge });
  const path = order.query === "" ? order.path : `${order.path}?${order.query}`;
  const { firstByte, bodyIdle, whole } = order.route;
  const call = { method: "GET", path, headers: anonymousFields(parts, order), body: null, limits: { firstByte, bodyIdle, whole }, fresh: false };

  const exchange = Exchange.start(parts.upstream, parts.deadlines, call, {
    head: (answeredStatus, answeredHeaders) => {
      status = answeredStatus;
      headers = answeredHeaders;
    },
    data: (chunk) => {
      bytes += chunk.length;
      if (bytes > parts.entryBytes) {
        exchange.cancel();
        answered(true);
      } else chunks.push(chunk);
    },
    end: () => answered(false),
    broken: (fault) => done({ kind: "broken", fault }),
  });
  return () => exchange.cancel();
}

function anonymousFields(parts: FetchParts, { host, scheme, agent, route }: FillOrder): string[] {
  return [
    "host", host,
    "accept", route.mode === "asset" ? "*/*" : "text/html",
    "accept-encoding", "identity",
    "user-agent", parts.preset.agents[agent],
    "x-forwarded-host", host,
    "x-forwarded-proto", scheme,
    "request-id", parts.nonces.next(32),
  ];
}
