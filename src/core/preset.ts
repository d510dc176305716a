/**
 * What a gateway has to know about one framework: which pages may be stored, what makes a
 * request personal, and how a broken page is told from a good one. A plain value; the
 * presets themselves are in `gateway/presets`.
 */
import type { Ms } from "./time.ts";

/**
 * What happens to requests of a route. `page`: stored copies of rendered pages; `asset`: stored copies of files that say
 * they never change (`immutable`, RFC 8246), served to everybody; `pass`: forwarded, never stored; `never`: forwarded,
 * never stored, probed, warmed or retried.
 */
export type RouteMode = "page" | "asset" | "pass" | "never";

/** Does the gateway keep copies of what such a route answers? */
export function keepsCopies(mode: RouteMode): mode is "page" | "asset" {
  return mode === "page" || mode === "asset";
}

export type RouteSpec = {
  /** Closed set of names, used as metric labels: "product", "home". */
  readonly name: string;
  /** Glob on the path: "/products/*" (one segment), "/blogs/**" (any). First match wins. */
  readonly match: string;
  readonly mode: RouteMode;
  /** Fresh for this long; of an asset the most, since its own `max-age` may be less. */
  readonly ttl: Ms;
  /** Served stale for this long beyond `ttl` while a refresh runs. */
  readonly staleWhileRevalidate: Ms;
  /** Served for this long beyond `ttl` when the application fails. */
  readonly staleIfError: Ms;
  /** Query parameters (names or globs) that are part of the key; others are dropped before forwarding on page routes. "*": all but the preset's `dropQuery`. */
  readonly query: readonly string[];
  /** Deadline of the answer's first byte. */
  readonly firstByte: Ms;
  /** Longest silence within a body. */
  readonly bodyIdle: Ms;
  /** Deadline of the whole exchange; 0: exempt (streams, upgrades). */
  readonly whole: Ms;
};

/** The rendered page a preset's own `page` check reads, and how it knows a good one. */
export type PresetPage = {
  /** Path asked: "/". */
  readonly path: string;
  /** Texts of which every one must stand in the body. */
  readonly mustContain: readonly string[];
  /** Texts of which none may stand in the body: marks of an error boundary. */
  readonly mustNotContain: readonly string[];
};

export type GatewayPreset = {
  /** As written in `gateway.preset`. */
  readonly name: string;
  /** Tried in order; first match wins. The last one should match everything. */
  readonly routes: readonly RouteSpec[];
  /** Globs of paths never stored, filled, warmed, probed, verified or retried. Matched before any route. */
  readonly never: readonly string[];
  /** Cookie names or globs ("_shopify_*") that do not make a request personal. */
  readonly ignoreCookies: readonly string[];
  /** Cookies of a buyer who may be given the anonymous copy in an outage, because the preset neutralises what it shows of them ("cart"). */
  readonly neutralisedCookies: readonly string[];
  /** Cookies of a buyer who must never be given the anonymous copy ("session"). */
  readonly personalCookies: readonly string[];
  /** Query parameters dropped before forwarding on every route (marketing): names or globs ("utm_*"). */
  readonly dropQuery: readonly string[];
  /** Texts that mark a rendered page as broken though its status is 200; such a body is not stored. */
  readonly errorMarks: readonly string[];
  /** Texts a whole page must hold; a body without one was cut off. */
  readonly wholeMarks: readonly string[];
  /** Regular expression (case-insensitive source) of user agents the framework renders differently for; null: one body for all. */
  readonly botAgents: string | null;
  /** User agents of our own fetches, by class. */
  readonly agents: { readonly browser: string; readonly bot: string };
  /** Server-Timing metrics kept on stored pages; all others may carry a visitor's tokens. */
  readonly keepServerTiming: readonly string[];
  /** Request header fields that steer the framework and are deleted before forwarding: names, or prefixes ending in "*". */
  readonly dropRequestHeaders: readonly string[];
  /** CSS put before `</head>` for buyers with a neutralised cookie in an outage; null: they get no copy. */
  readonly neutraliseStyle: string | null;
  /** Regular expression whose first group is the build that rendered a page; null: unknown. */
  readonly buildId: string | null;
  /** Paths filled at start and kept fresh. */
  readonly warm: readonly string[];
  /** The page its `page` check reads; null: the preset adds no check. */
  readonly page: PresetPage | null;
};
