/**
 * Reads a buyer's request into facts, or refuses it. Everything about its target is remembered
 * by its spelling, since buyers ask for the same few hundred URLs.
 */
import type { IncomingMessage } from "node:http";
import type { GatewayConfig } from "../config/config.ts";
import { cacheKey, compileQuery, dropParameters, readHost, readTarget, type AgentClass, type Query } from "../core/cache-key.ts";
import { compileCookies, isPersonal, type Buyer } from "../core/cookies.ts";
import { nameSet } from "../core/name-set.ts";
import type { GatewayPreset, RouteSpec } from "../core/preset.ts";
import { requestClass } from "../core/quarantine.ts";
import { compileRoutes } from "../core/route.ts";
import { readOrigin, type Origin } from "./headers.ts";
import type { RouteIndex, Telemetry } from "./telemetry.ts";

/** What a request is, once read. */
export type Facts = {
  readonly route: RouteSpec;
  readonly index: RouteIndex;
  readonly method: "read" | "write";
  readonly buyer: Buyer;
  readonly personal: boolean;
  readonly agent: AgentClass;
  readonly host: string;
  readonly origin: Origin;
  /** To forward: path as it came, query reduced. */
  readonly target: string;
  /** Of a page route's canonical address, or an asset's; null: this request has no copy. */
  readonly key: string | null;
  /** The same page rendered for the other class of agents; null where there is only one. */
  readonly otherKey: string | null;
  readonly query: string;
  readonly path: string;
  /** As the quarantine names it. */
  readonly requestClass: string;
};

export type Refused = { readonly status: 400 | 414 | 421; readonly why: string };

export type ReadRequest = (req: IncomingMessage) => Facts | Refused;

export function isRefused(read: Facts | Refused): read is Refused {
  return "why" in read;
}

/** Most spellings and user agents remembered; beyond, all are forgotten and learnt again. */
const REMEMBERED = 4_096;

/** Routes in the order in which telemetry and metrics know them: the configured ones, then the two of our own. */
export function routeNames(config: Pick<GatewayConfig, "routes">): readonly string[] {
  return [...new Set([...config.routes.map(({ name }) => name), "never", "other"])];
}

const NO_QUERY: Query = { forward: "", key: "" };

type TargetFacts = {
  readonly route: RouteSpec;
  readonly index: RouteIndex;
  readonly path: string;
  readonly target: string;
  readonly query: Query | null;
  readonly keysAt: (scheme: Origin["scheme"], host: string) => Keys;
  /** Class of a GET of a buyer without cookies that make it personal. */
  readonly plainClass: string;
};

/** Of one address, for both classes of agents; null: it has no copies. */
type Keys = Readonly<Record<AgentClass, string | null>>;
const NO_KEYS: Keys = { browser: null, bot: null };

/** Compiles configuration and preset once. The reader never throws. */
export function compileRequestGuard(config: GatewayConfig, preset: GatewayPreset, telemetry: Pick<Telemetry, "route">): ReadRequest {
  const readTargetFacts = remembering(compileTargets(config, preset, telemetry));
  const agentOf = remembering(compileAgents(preset));
  const buyerOf = compileCookies(preset);
  const classOf = remembering((key: string) => requestClass(...splitClass(key)));
  const hosts = new Set(config.hosts.map((host) => host.toLowerCase()));
  const hostOf = rememberingLast(readHost);

  return (req) => {
    const target = readTargetFacts(req.url ?? "");
    if ("why" in target) return target;
    const host = hostOf(req.headers.host);
    if (host === null) return { status: 400, why: "no usable Host" };
    if (hosts.size > 0 && !hosts.has(host)) return { status: 421, why: "unknown host" };

    const verb = req.method ?? "GET";
    const method = verb === "GET" || verb === "HEAD" ? "read" : "write";
    const buyer = buyerOf(req.headers.cookie, req.headers.authorization !== undefined);
    const origin = readOrigin(req.headers, req.socket.remoteAddress ?? "", config.trustedHops);
    const { route, index, path, query, keysAt, plainClass } = target;
    const isAsset = route.mode === "asset";
    const agent = isAsset ? "browser" : agentOf(req.headers["user-agent"] ?? "");
    const keys = method === "write" ? NO_KEYS : keysAt(origin.scheme, host);
    return {
      route,
      index,
      method,
      buyer,
      personal: isPersonal(buyer.kind),
      agent,
      host,
      origin,
      target: target.target,
      key: keys[agent],
      otherKey: isAsset || preset.botAgents === null ? null : keys[agent === "bot" ? "browser" : "bot"],
      query: query?.forward ?? "",
      path,
      requestClass: verb === "GET" && buyer.personal.length === 0 ? plainClass : classOf(`${verb} ${route.name} ${buyer.personal.join(" ")}`),
    };
  };
}

function splitClass(key: string): [string, string, string[]] {
  const [verb = "", route = "", ...cookies] = key.split(" ");
  return [verb, route, cookies.filter((name) => name !== "")];
}

function compileTargets(config: GatewayConfig, preset: GatewayPreset, telemetry: Pick<Telemetry, "route">): (raw: string) => TargetFacts | Refused {
  const fallback: RouteSpec = { name: "other", match: "/**", mode: "pass", ttl: 0, staleWhileRevalidate: 0, staleIfError: 0, query: [], firstByte: 5_000, bodyIdle: 10_000, whole: 60_000 };
  const find = compileRoutes(config.routes, preset.never, fallback);
  const reducers = new Map(config.routes.map((route) => [route.name, compileQuery(route.query, preset.dropQuery)]));
  const dropped = nameSet(preset.dropQuery);

  const factsOf = (route: RouteSpec, path: string, target: string, query: Query | null): TargetFacts => ({
    route,
    index: telemetry.route(route.name),
    path,
    target,
    query,
    keysAt: query === null ? () => NO_KEYS : compileKeys(path, query),
    plainClass: requestClass("GET", route.name, []),
  });

  return (raw) => {
    const target = readTarget(raw);
    if (target.kind === "bad") return target.why === "too_long" ? { status: 414, why: "the request target is too long" } : { status: 400, why: "the request target is not a path" };
    const { path, query, dubious } = target;
    const route = find(path);
    const rawPath = query === "" && !raw.endsWith("?") ? raw : raw.slice(0, raw.indexOf("?"));
    switch (route.mode) {
      case "page": {
        if (dubious) return { status: 400, why: "the path can be read in two ways" };
        const reduced = reducers.get(route.name)?.(query) ?? null;
        return factsOf(route, path, withQuery(path, reduced?.forward ?? dropParameters(query, dropped)), reduced);
      }
      case "asset":
        return factsOf(route, path, withQuery(rawPath, dropParameters(query, dropped)), dubious || query !== "" ? null : NO_QUERY);
      case "pass":
        return factsOf(route, path, withQuery(rawPath, dropParameters(query, dropped)), null);
      case "never":
        return factsOf(route, path, raw, null);
    }
  };
}

/** Keys of one address, put together again only under another name than the last: a key that is kept is hashed once, a new one with every look-up. */
function compileKeys(path: string, { key: query }: Query): TargetFacts["keysAt"] {
  let last: { readonly scheme: Origin["scheme"]; readonly host: string; readonly keys: Keys } | null = null;
  return (scheme, host) => {
    if (last === null || last.scheme !== scheme || last.host !== host) {
      const keyFor = (agent: AgentClass): string => cacheKey({ scheme, host, agent, market: "", encoding: "identity", path, query });
      last = { scheme, host, keys: { browser: keyFor("browser"), bot: keyFor("bot") } };
    }
    return last.keys;
  };
}

function withQuery(path: string, query: string): string {
  return query === "" ? path : `${path}?${query}`;
}

function compileAgents(preset: Pick<GatewayPreset, "botAgents">): (agent: string) => AgentClass {
  if (preset.botAgents === null) return () => "browser";
  const bots = new RegExp(preset.botAgents, "i");
  return (agent) => (bots.test(agent) ? "bot" : "browser");
}

/** Longer inputs are worked out each time: strangers write them, and what is remembered must be bounded in bytes too. */
const LONGEST_REMEMBERED = 512;

/** Remembers what a pure function said; bounded. */
function remembering<T>(fn: (input: string) => T): (input: string) => T {
  let known = new Map<string, T>();
  return (input) => {
    if (input.length > LONGEST_REMEMBERED) return fn(input);
    const found = known.get(input);
    if (found !== undefined) return found;
    const value = fn(input);
    if (known.size >= REMEMBERED) known = new Map();
    known.set(input, value);
    return value;
  };
}

/** Remembers only the last input: for what nearly always stays the same. */
function rememberingLast<I, T>(fn: (input: I) => T): (input: I) => T {
  let last: { readonly input: I; readonly value: T } | null = null;
  return (input) => {
    if (last === null || last.input !== input) last = { input, value: fn(input) };
    return last.value;
  };
}
