/** How the settings of `shopkeeper.yaml` must fit each other and the catalogues. */
import { nearest } from "../core/nearest.ts";
import type { GatewayPreset, RouteMode, RouteSpec } from "../core/preset.ts";
import { compileRoutes } from "../core/route.ts";
import { SITE } from "../core/target.ts";
import { flawOfLeaseTimes } from "../core/lease.ts";
import type { Catalogues } from "./catalogue.ts";
import { clusterSchema, leaseTimesOf } from "./cluster-schema.ts";
import { oneOf } from "./explain.ts";
import { gatewaySchema, type GatewayInput } from "./gateway-schema.ts";
import { relateRegions } from "./relate-regions.ts";
import { mapOf, piece, report, textsOf, warn, type Part, type Reports } from "./part.ts";
import { listen } from "./values.ts";
import { siteSchema } from "./site-schema.ts";

/** Names of checks and policies, shipped and own. */
export type PartNames = { readonly checks: readonly string[]; readonly policies: readonly string[] };

/** Every relation is looked at, also where other settings are wrong. */
export function relateSite(site: Part, catalogues: Catalogues, names: PartNames, reports: Reports): void {
  relateTargets(site, reports);
  relateCluster(site, reports);
  relateGateway(site, catalogues, reports);
  relateListeners(site, reports);
  relateBounds(site, reports);
  relateState(site, reports);
  relatePeers(site, reports);
  relateRegions(site, reports);
  const known = [...names.checks, ...names.policies];
  for (const { index, text } of textsOf(site.value["armed"])) {
    if (!names.policies.includes(text)) report(site, reports, { code: "UNKNOWN_NAME", path: ["armed", index], message: `no policy is called "${text}"`, expected: oneOf(names.policies), nearest: nearest(text, names.policies) });
  }
  for (const { index, text } of textsOf(site.value["disabled"])) {
    if (!known.includes(text)) report(site, reports, { code: "UNKNOWN_NAME", path: ["disabled", index], message: `no check or policy is called "${text}"`, expected: oneOf(known), nearest: nearest(text, known) });
  }
}

function relateTargets(site: Part, reports: Reports): void {
  const targets = mapOf(site.value["targets"]);
  if (site.readable && site.source.value !== null && site.value["role"] !== "witness" && Object.keys(targets).length === 0) {
    const place = site.value["targets"] === undefined ? { path: [] } : ({ path: ["targets"], at: "key" } as const);
    report(site, reports, { code: "MISSING_KEY", ...place, message: "there is no target to watch", expected: "at least one target" });
  }
  const services = new Map<string, string>();
  for (const [name, target] of Object.entries(targets)) {
    const service = mapOf(mapOf(target)["kubernetes"])["service"];
    const other = typeof service === "string" ? services.get(service) : undefined;
    if (other !== undefined) report(site, reports, { code: "RELATION", path: ["targets", name, "kubernetes", "service"], message: `the pods of this Service are the target "${other}" already`, expected: "another Service: a pod is one target" });
    if (typeof service === "string") services.set(service, name);
    relatePods(site, name, mapOf(target), reports);
    if (name === SITE) report(site, reports, { code: "BAD_VALUE", path: ["targets", name], at: "key", message: `the name "${SITE}" means the site as a whole`, expected: "another name" });
    const written = mapOf(target);
    if (written["process"] !== undefined && written["unit"] !== undefined) {
      report(site, reports, { code: "RELATION", path: ["targets", name, "unit"], at: "key", message: "a target is a process of ours or a systemd unit, not both", expected: "only one of process and unit" });
    }
  }
}

/** Keys of one application on this machine, which pods are not. */
const OF_ONE = ["process", "unit", "cgroup", "pulse", "workload"] as const;

function relatePods(site: Part, name: string, target: Readonly<Record<string, unknown>>, reports: Reports): void {
  const path = ["targets", name];
  if (target["kubernetes"] === undefined) {
    const told = site.broken.some((broken) => broken.join(".").startsWith(`targets.${name}.url`));
    if (target["url"] === undefined && !told) report(site, reports, { code: "MISSING_KEY", path, at: "key", message: 'the key "url" is missing', expected: "url: with the application's base URL, or kubernetes: with the Service of its pods" });
    return;
  }
  if (site.value["role"] !== "singleton") report(site, reports, { code: "RELATION", path: [...path, "kubernetes"], at: "key", message: "only the role singleton sees the pods of a cluster", expected: "role: singleton, or url: instead" });
  for (const key of OF_ONE) {
    if (target[key] !== undefined) report(site, reports, { code: "RELATION", path: [...path, key], at: "key", message: `"${key}" is of one application, and this target is the pods of a Service`, expected: `${key} or kubernetes, not both` });
  }
}

function relateCluster(site: Part, reports: Reports): void {
  if (site.value["kubernetes"] === undefined) return;
  const role = site.value["role"];
  if (role !== "singleton") report(site, reports, { code: "RELATION", path: ["kubernetes"], at: "key", message: "only the role singleton speaks to a cluster", expected: "role: singleton" });
  const input = piece(clusterSchema, site.value["kubernetes"]);
  const flaw = input === undefined ? null : flawOfLeaseTimes(leaseTimesOf(input));
  if (flaw !== null) report(site, reports, { code: "RELATION", path: ["kubernetes", "lease"], at: "key", message: flaw, expected: "duration above renew_within, and that above twice retry; 15s, 10s and 2s are the defaults" });
}

function relateGateway(site: Part, catalogues: Catalogues, reports: Reports): void {
  if (site.value["gateway"] === undefined) return;
  const written = mapOf(site.value["gateway"]);
  const targets = Object.keys(mapOf(site.value["targets"]));
  const target = written["target"];
  if (typeof target === "string" && !targets.includes(target)) {
    report(site, reports, { code: "UNKNOWN_NAME", path: ["gateway", "target"], message: `no target is called "${target}"`, expected: oneOf(targets), nearest: nearest(target, targets) });
  }
  if (target === undefined && targets.length > 1) {
    report(site, reports, { code: "MISSING_KEY", path: ["gateway", "target"], message: 'the key "target" is missing, and there is more than one target', expected: oneOf(targets) });
  }
  const presets = Object.keys(catalogues.presets);
  const gateway = piece(gatewaySchema, site.value["gateway"]);
  const name = gateway?.preset ?? written["preset"];
  const preset = typeof name === "string" ? catalogues.presets[name] : undefined;
  if (typeof name === "string" && preset === undefined) {
    report(site, reports, { code: "UNKNOWN_NAME", path: ["gateway", "preset"], message: `no preset is called "${name}"`, expected: oneOf(presets), nearest: nearest(name, presets) });
  }
  if (preset !== undefined) relateRoutes(site, written, preset, gateway, reports);
}

function relateRoutes(site: Part, written: Readonly<Record<string, unknown>>, preset: GatewayPreset, gateway: GatewayInput | undefined, reports: Reports): void {
  for (const [name, route] of Object.entries(mapOf(written["routes"]))) {
    if (mapOf(route)["match"] !== undefined || preset.routes.some((one) => one.name === name)) continue;
    const known = preset.routes.map((one) => one.name);
    report(site, reports, { code: "MISSING_KEY", path: ["gateway", "routes", name, "match"], message: `the key "match" is missing, and the preset has no route "${name}"`, expected: `a path pattern, or a route of the preset: ${known.join(", ")}`, nearest: nearest(name, known) });
  }
  if (gateway === undefined) return;
  const routes = mergeRoutes(preset, gateway);
  for (const [index, route] of routes.entries()) {
    if (route.whole > 0 && route.firstByte > route.whole && gateway.routes[route.name] !== undefined && routes.indexOf(route) === index) {
      report(site, reports, { code: "RELATION", path: ["gateway", "routes", route.name], message: "first_byte is longer than whole", expected: 'first_byte at or below whole, or whole: "0s" for none' });
    }
  }
  const find = compileRoutes(routes, [...preset.never, ...gateway.never], PASS);
  for (const [index, path] of gateway.warm.entries()) {
    const route = find(path.split("?")[0] ?? path);
    if (route.mode !== "page") report(site, reports, { code: "RELATION", path: ["gateway", "warm", index], message: `"${path}" is on the route "${route.name}", which is no page route`, expected: "a path on a route with mode page: others are never stored" });
  }
  warnOfHosts(site, written, gateway, routes, reports);
  const { copies, breaker } = gateway;
  if (copies.max_entry > copies.max_size) report(site, reports, { code: "RELATION", path: ["gateway", "copies", "max_entry"], message: "max_entry is larger than max_size", expected: "max_entry at or below max_size" });
  if (breaker.reset > breaker.max_reset) report(site, reports, { code: "RELATION", path: ["gateway", "breaker", "max_reset"], message: "max_reset is shorter than reset", expected: "max_reset at or above reset" });
}

/** Where any name is answered, strangers may have a part in what is stored. */
function warnOfHosts(site: Part, written: Readonly<Record<string, unknown>>, { hosts }: GatewayInput, routes: readonly RouteSpec[], reports: Reports): void {
  if (hosts.length > 0 || !routes.some((route) => route.mode === "page")) return;
  const place = written["hosts"] === undefined ? ({ path: ["gateway"], at: "key" } as const) : { path: ["gateway", "hosts"] };
  warn(site, reports, {
    ...place,
    message: "any Host is answered, so names that strangers invent can take the places of the shop's own among the stored pages",
    expected: "hosts: with every name buyers use, such as [shop.example.com, www.shop.example.com]; others get 421",
  });
}

/** What a path without a route is, and what a route of one's own starts from: forwarded, with the ingress deadlines. */
const PASS: RouteSpec = { name: "other", match: "/**", mode: "pass", ttl: 0, staleWhileRevalidate: 0, staleIfError: 0, query: [], firstByte: 5_000, bodyIdle: 10_000, whole: 60_000 };
/** HTML of a page route: 300 s fresh, a day stale while refreshed, a day in an outage. */
const PAGE: RouteSpec = { ...PASS, mode: "page", ttl: 300_000, staleWhileRevalidate: 86_400_000, staleIfError: 86_400_000 };

/** Files that never change: kept for 30 d, and as long again where the application no longer has them. */
const ASSET: RouteSpec = { ...PASS, mode: "asset", ttl: 2_592_000_000, staleIfError: 2_592_000_000 };

/** What a route of one's own starts from. */
function startOf(mode: RouteMode): RouteSpec {
  switch (mode) {
    case "page":
      return PAGE;
    case "asset":
      return ASSET;
    case "pass":
    case "never":
      return { ...PASS, mode };
  }
}

/** The file's routes laid over the preset's by name; new ones stand first, in the order of the file. */
export function mergeRoutes(preset: GatewayPreset, gateway: GatewayInput): readonly RouteSpec[] {
  const merged = preset.routes.map((route) => overlay(route, gateway.routes[route.name]));
  const added = Object.entries(gateway.routes)
    .filter(([name]) => !preset.routes.some((route) => route.name === name))
    .map(([name, route]) => overlay({ ...startOf(route.mode ?? "page"), name }, route));
  return [...added, ...merged];
}

function overlay(route: RouteSpec, over: GatewayInput["routes"][string] | undefined): RouteSpec {
  if (over === undefined) return route;
  return {
    name: route.name,
    match: over.match ?? route.match,
    mode: over.mode ?? route.mode,
    ttl: over.ttl ?? route.ttl,
    staleWhileRevalidate: over.stale_while_revalidate ?? route.staleWhileRevalidate,
    staleIfError: over.stale_if_error ?? route.staleIfError,
    query: over.query ?? route.query,
    firstByte: over.first_byte ?? route.firstByte,
    bodyIdle: over.body_idle ?? route.bodyIdle,
    whole: over.whole ?? route.whole,
  };
}

/** Without the token they tell a status word, and not whether they are ready. */
function relatePeers(site: Part, reports: Reports): void {
  if (site.value["peers"] === undefined || site.value["peer_token"] !== undefined) return;
  report(site, reports, { code: "MISSING_KEY", path: ["peers"], at: "key", message: 'the key "peer_token" is missing, without which peers tell no details', expected: "peer_token: file:PATH or ${NAME}, the same in every pod" });
}

/** Where state is kept must be within reach of the role, and said whole. */
function relateState(site: Part, reports: Reports): void {
  const { kind, url } = mapOf(mapOf(site.value["stores"])["state"]);
  const path = ["stores", "state"];
  if (site.value["role"] !== "singleton" && (kind === "kubernetes" || kind === "redis")) report(site, reports, { code: "RELATION", path: [...path, "kind"], message: "only the role singleton shares its state with others", expected: "sqlite or memory" });
  const isBroken = site.broken.some((broken) => broken.join(".") === "stores.state.url");
  if (kind === "redis" && url === undefined && !isBroken) report(site, reports, { code: "MISSING_KEY", path, at: "key", message: 'the key "url" is missing', expected: 'url: of the Redis that keeps the state, for example "redis://redis-state:6379" or "${STATE_REDIS_URL}"' });
  if (kind !== "redis" && url !== undefined) report(site, reports, { code: "RELATION", path: [...path, "url"], at: "key", message: '"url" is of state in Redis', expected: "kind: redis beside it, or no url" });
}

function relateListeners(site: Part, reports: Reports): void {
  const listeners = mapOf(site.value["listeners"]);
  const gateway = mapOf(site.value["gateway"]);
  const places = [
    { path: ["gateway", "listen"], value: site.value["gateway"] === undefined ? undefined : (gateway["listen"] ?? "0.0.0.0:8080") },
    { path: ["listeners", "health"], value: listeners["health"] ?? "0.0.0.0:9470" },
    { path: ["listeners", "admin"], value: listeners["admin"] ?? "127.0.0.1:9471" },
    { path: ["listeners", "public"], value: listeners["public"] },
  ];
  const taken = new Map<number, readonly string[]>();
  for (const { path, value } of places) {
    const port = piece(listen(), value)?.port ?? 0;
    const other = taken.get(port);
    if (port !== 0 && other !== undefined) {
      // Of two, the one that stands in the file is pointed at; the other may be a default.
      const isWritten = mapOf(site.value[path[0] ?? ""])[path[1] ?? ""] !== undefined;
      const [here, there] = isWritten ? [path, other] : [other, path];
      report(site, reports, { code: "RELATION", path: here, message: `port ${port} is already that of ${there.join(".")}`, expected: "a port of its own" });
    }
    taken.set(port, path);
  }
}

function relateBounds(site: Part, reports: Reports): void {
  const guards = piece(siteSchema.shape.guards, site.value["guards"]);
  if (guards !== undefined && guards.backoff_from > guards.backoff_to) {
    report(site, reports, { code: "RELATION", path: ["guards", "backoff_to"], message: "backoff_to is shorter than backoff_from", expected: "backoff_to at or above backoff_from" });
  }
}
