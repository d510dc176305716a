/** What a provider's settings must fit: each name leads somewhere for each region, by what such an entry holds, and no rehearsal leads buyers. */
import { isIPv4, isIPv6 } from "node:net";
import { nearest } from "../core/nearest.ts";
import { LEAST_TTL } from "./build-regions.ts";
import { oneOf } from "./explain.ts";
import { mapOf, report, warn, type Part, type Reports } from "./part.ts";

const PROVIDERS = ["cloudflare", "cloudflare_pools", "route53"] as const;

export function relateProvider(site: Part, regions: readonly string[], reports: Reports): void {
  const failover = mapOf(site.value["failover"]);
  const named = PROVIDERS.filter((one) => failover[one] !== undefined);
  if (site.value["role"] === "witness") {
    for (const one of named) report(site, reports, { code: "RELATION", path: ["failover", one], at: "key", message: "a witness leads nobody, and needs no credentials of a provider", expected: `no ${one} in a witness's configuration` });
    return;
  }
  if (named.length === 0) report(site, reports, { code: "MISSING_KEY", path: ["failover"], at: "key", message: "nothing says where the shop's names stand", expected: oneOf(PROVIDERS) });
  for (const one of named.slice(1)) report(site, reports, { code: "RELATION", path: ["failover", one], at: "key", message: `${named[0]} is steered already, and two would contradict each other`, expected: "one provider" });
  for (const [place, record] of recordsOf(site)) relateRecord(site, place, record, regions, reports);
  relateShadow(site, reports);
  for (const one of named) {
    if (mapOf(failover[one])["shadow"] === undefined) warn(site, reports, { path: ["failover", one], at: "key", message: "there is no shadow, so no failover can be rehearsed, and rights are proven on the shop's own entries", expected: `shadow: with ${one === "cloudflare_pools" ? "a load balancer that no visitor uses" : "a record that no visitor resolves"}` });
  }
  const route53 = mapOf(failover["route53"]);
  if ((route53["access_key_id"] === undefined) !== (route53["secret_access_key"] === undefined)) report(site, reports, { code: "RELATION", path: ["failover", "route53"], at: "key", message: "of access_key_id and secret_access_key one is missing", expected: "both, or neither" });
}

/** Everything that leads to regions, by its place in the file. */
function recordsOf(site: Part): readonly (readonly [readonly (string | number)[], Readonly<Record<string, unknown>>])[] {
  const failover = mapOf(site.value["failover"]);
  return PROVIDERS.flatMap((provider) => {
    const written = mapOf(failover[provider]);
    const key = provider === "cloudflare_pools" ? "load_balancers" : "records";
    const list = Array.isArray(written[key]) ? (written[key] as readonly unknown[]) : [];
    const shadow = written["shadow"] === undefined ? [] : [[["failover", provider, "shadow"], mapOf(written["shadow"])] as const];
    return [...list.map((one, index) => [["failover", provider, key, index], mapOf(one)] as const), ...shadow];
  });
}

/** A rehearsal on one of the shop's own entries would be a failover without any of its rules. */
function relateShadow(site: Part, reports: Reports): void {
  const all = recordsOf(site);
  const same = (one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): boolean => (one["id"] === undefined ? one["name"] === other["name"] && one["type"] === other["type"] : one["id"] === other["id"] || sharesPool(one, other));
  for (const [path, shadow] of all.filter(([place]) => place[2] === "shadow")) {
    const own = all.find(([place, record]) => place[2] !== "shadow" && place[1] === path[1] && same(shadow, record));
    if (own !== undefined) report(site, reports, { code: "RELATION", path, at: "key", message: "this is one of the shop's own entries, and a rehearsal on it would lead buyers", expected: "an entry that no visitor uses" });
  }
}

/** The flag of a pool is turned for whoever uses it. */
function sharesPool(one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): boolean {
  const flagged = (record: Readonly<Record<string, unknown>>): unknown => mapOf(record["pools"])[String(mapOf(record["by"])["flag"])];
  return flagged(one) !== undefined && Object.values(mapOf(other["pools"])).includes(flagged(one));
}

function relateRecord(site: Part, path: readonly (string | number)[], record: Readonly<Record<string, unknown>>, regions: readonly string[], reports: Reports): void {
  const key = record["pools"] === undefined ? "to" : "pools";
  const to = mapOf(record[key]);
  const seen = new Map<unknown, string>();
  for (const region of regions) {
    if (to[region] === undefined) report(site, reports, { code: "MISSING_KEY", path: [...path, key], at: "key", message: `nothing says what leads to region "${region}"`, expected: `${region}: with the ${key === "to" ? "address or name" : "pool's id"}` });
  }
  for (const [region, value] of Object.entries(to)) {
    const at = [...path, key, region];
    if (regions.length > 0 && !regions.includes(region)) report(site, reports, { code: "UNKNOWN_NAME", path: at, at: "key", message: `no region is called "${region}"`, expected: oneOf(regions), nearest: nearest(region, regions) });
    const other = seen.get(value);
    if (other !== undefined) report(site, reports, { code: "RELATION", path: at, message: `it leads to region "${other}" already, so nobody could tell where buyers are led`, expected: "a value of its own for each region" });
    seen.set(value, region);
    if (key === "to" && typeof value === "string" && !fits(record["type"], value)) report(site, reports, { code: "BAD_VALUE", path: at, message: `${JSON.stringify(value)} is nothing that a record of type ${String(record["type"])} holds`, expected: EXPECTED[String(record["type"])] ?? "a value of that type" });
  }
  relateTtl(site, path, record, reports);
}

const EXPECTED: Readonly<Record<string, string>> = { A: 'an IPv4 address, for example "203.0.113.7"', AAAA: 'an IPv6 address, for example "2001:db8::7"', CNAME: 'a host name, for example "eu.shop.example.com"' };

function fits(type: unknown, value: string): boolean {
  if (type === "A") return isIPv4(value);
  if (type === "AAAA") return isIPv6(value);
  return type !== "CNAME" || (/^[a-z0-9_.-]+\.[a-z0-9-]+\.?$/i.test(value) && !isIPv4(value));
}

/** Of Cloudflare. */
function relateTtl(site: Part, path: readonly (string | number)[], { proxied, ttl }: Readonly<Record<string, unknown>>, reports: Reports): void {
  if (path[1] !== "cloudflare" || ttl === undefined) return;
  if (proxied !== false) return report(site, reports, { code: "RELATION", path: [...path, "ttl"], at: "key", message: "a proxied record has no TTL of its own", expected: "proxied: false beside it, or no ttl" });
  const enterprise = mapOf(mapOf(site.value["failover"])["cloudflare"])["enterprise"] === true;
  if (typeof ttl === "number" && ttl < LEAST_TTL.other && !enterprise) report(site, reports, { code: "RELATION", path: [...path, "ttl"], message: `Cloudflare takes a TTL of ${ttl} s only on Enterprise zones`, expected: `${LEAST_TTL.other} or more, or enterprise: true` });
}

/** Names that failovers change, and those that rehearsals do. */
export function flippingNames(site: Part): { readonly shop: ReadonlySet<unknown>; readonly shadow: ReadonlySet<unknown> } {
  const all = recordsOf(site);
  const named = (isShadow: boolean): ReadonlySet<unknown> => new Set(all.filter(([place]) => (place[2] === "shadow") === isShadow).map(([, record]) => record["name"]));
  return { shop: named(false), shadow: named(true) };
}
