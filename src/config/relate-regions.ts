/** How the settings of regions must fit each other: who is who, who may vote, and that each name leads somewhere for each region. */
import { isIPv4, isIPv6 } from "node:net";
import { MAX_MARKED_NAME } from "../core/region/mark.ts";
import { nearest } from "../core/nearest.ts";
import { flawOfRegions } from "../core/region/region.ts";
import { planOf } from "./build-regions.ts";
import { oneOf } from "./explain.ts";
import { mapOf, piece, report, warn, type Part, type Reports } from "./part.ts";
import { failoverSchema } from "./regions-schema.ts";
import { reveal, Secret } from "./secret.ts";
import { siteSchema } from "./site-schema.ts";

/** Of the secret that signs words between regions: 16 random bytes in hexadecimal. */
export const MIN_REGION_SECRET = 32;
const PROVIDERS = ["cloudflare", "cloudflare_pools", "route53"] as const;

export function relateRegions(site: Part, reports: Reports): void {
  const has = (key: string): boolean => site.value[key] !== undefined;
  if (!has("failover")) return relateAlone(site, reports);
  const regions = Object.keys(mapOf(site.value["regions"]));
  if (!has("regions")) report(site, reports, { code: "MISSING_KEY", path: ["failover"], at: "key", message: 'the key "regions" is missing', expected: "regions: with at least two, the preferred one first" });
  relateSelf(site, regions, reports);
  relateNames(site, regions, reports);
  relateDaemons(site, reports);
  relatePlan(site, regions, reports);
  relateSecret(site, reports);
  relateProvider(site, regions, reports);
  if (Array.isArray(site.value["connectivity"]) && site.value["connectivity"].length === 0) {
    warn(site, reports, { path: ["connectivity"], message: "no reference host is asked, so a daemon whose own network is gone sees every region down, and votes so", expected: "at least one address beyond this place that always answers" });
  }
  if ((mapOf(site.value["listeners"])["public"] ?? "off") === "off") {
    report(site, reports, { code: "MISSING_KEY", path: site.value["listeners"] === undefined ? ["failover"] : ["listeners"], at: "key", message: "the public listener is off, and on it regions and witnesses answer each other", expected: 'listeners: { public: "0.0.0.0:9472" }' });
  }
}

/** Parts of it say nothing without the whole. */
function relateAlone(site: Part, reports: Reports): void {
  for (const key of ["regions", "witnesses"]) {
    if (site.value[key] !== undefined) report(site, reports, { code: "MISSING_KEY", path: [key], at: "key", message: `"${key}" says who is watched, and the key "failover" is missing`, expected: "failover: with the shared secret and the provider" });
  }
  if (site.value["role"] === "witness") report(site, reports, { code: "MISSING_KEY", path: ["role"], message: "a witness watches regions, and none are configured", expected: "regions:, witnesses: and failover:, as the regions have them" });
}

function relateSelf(site: Part, regions: readonly string[], reports: Reports): void {
  const { role, region, witness } = site.value;
  const witnesses = Object.keys(mapOf(site.value["witnesses"]));
  if (role === "sidecar") report(site, reports, { code: "RELATION", path: ["failover"], at: "key", message: "a sidecar sees its own pod and leads nobody to another region", expected: "role: singleton (in a cluster) or standalone (on a host), or no failover" });
  if (role === "witness") {
    if (region !== undefined) report(site, reports, { code: "RELATION", path: ["region"], at: "key", message: "a witness stands outside every region", expected: "no region, or another role" });
    selfIn(site, reports, "witness", witness, witnesses, "which of the witnesses this is");
    return;
  }
  if (witness !== undefined) report(site, reports, { code: "RELATION", path: ["witness"], at: "key", message: '"witness" is of the role witness', expected: "role: witness, or no witness" });
  selfIn(site, reports, "region", region, regions, "which of the regions this daemon is in");
}

function selfIn(site: Part, reports: Reports, key: string, written: unknown, known: readonly string[], what: string): void {
  if (written === undefined) return report(site, reports, { code: "MISSING_KEY", path: ["failover"], at: "key", message: `the key "${key}" is missing: ${what}`, expected: known.length === 0 ? `${key}: a name` : oneOf(known) });
  if (typeof written === "string" && known.length > 0 && !known.includes(written)) report(site, reports, { code: "UNKNOWN_NAME", path: [key], message: `no ${key} is called "${written}"`, expected: oneOf(known), nearest: nearest(written, known) });
}

/** A name that flips leads to whoever holds it, so a look at it says nothing of a region. */
function relateNames(site: Part, regions: readonly string[], reports: Reports): void {
  const name = site.value["site"];
  if (typeof name === "string" && name.length > MAX_MARKED_NAME) report(site, reports, { code: "BAD_VALUE", path: ["site"], message: `"${name}" has ${name.length} characters, and stands in the mark beside each record`, expected: `a name of at most ${MAX_MARKED_NAME} characters where there are regions` });
  const origins = new Map<string, string>();
  const flips = new Set(flippingNames(site));
  for (const region of regions) {
    const origin = mapOf(mapOf(site.value["regions"])[region])["origin"];
    const host = typeof origin === "string" ? URL.parse(origin)?.host : undefined;
    if (host === undefined) continue;
    const path = ["regions", region, "origin"];
    if (flips.has(host.replace(/:\d+$/, ""))) report(site, reports, { code: "RELATION", path, message: `${host} is a name that failover changes, so it would show whichever region holds it`, expected: "a name of this region alone" });
    const other = origins.get(host);
    if (other !== undefined) report(site, reports, { code: "RELATION", path, message: `region "${other}" has this origin already`, expected: "an origin that leads to this region alone" });
    origins.set(host, region);
  }
}

function flippingNames(site: Part): readonly string[] {
  const failover = mapOf(site.value["failover"]);
  const lists = [mapOf(failover["cloudflare"])["records"], mapOf(failover["cloudflare_pools"])["load_balancers"], mapOf(failover["route53"])["records"]];
  return lists.flatMap((list) => (Array.isArray(list) ? list.flatMap((one: unknown) => mapOf(one)["name"] ?? []) : [])).filter((name) => typeof name === "string");
}

function relatePlan(site: Part, regions: readonly string[], reports: Reports): void {
  const failover = piece(failoverSchema, site.value["failover"]);
  const places = piece(siteSchema.shape.regions, site.value["regions"]);
  const witnesses = piece(siteSchema.shape.witnesses, site.value["witnesses"]);
  if (failover === undefined || places === undefined || witnesses === undefined || regions.length === 0) return;
  const flaw = flawOfRegions(planOf("", places, witnesses, failover));
  if (flaw !== null) report(site, reports, { code: "RELATION", path: ["failover"], at: "key", message: flaw, expected: "two regions and a witness, or three regions, with the shipped times" });
}

function relateSecret(site: Part, reports: Reports): void {
  const secret = mapOf(site.value["failover"])["secret"];
  if (!(secret instanceof Secret) || reveal(secret).length >= MIN_REGION_SECRET) return;
  report(site, reports, { code: "BAD_VALUE", path: ["failover", "secret"], message: `the secret has ${reveal(secret).length} characters, too few to sign votes with`, expected: `at least ${MIN_REGION_SECRET} characters; make one with: openssl rand -hex 32` });
}

function relateProvider(site: Part, regions: readonly string[], reports: Reports): void {
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

function relateDaemons(site: Part, reports: Reports): void {
  const seen = new Map<unknown, string>();
  for (const key of ["regions", "witnesses"]) {
    for (const [name, written] of Object.entries(mapOf(site.value[key]))) {
      const daemon = mapOf(written)["daemon"];
      const other = seen.get(daemon);
      if (typeof daemon === "string" && other !== undefined) report(site, reports, { code: "RELATION", path: [key, name, "daemon"], message: `"${other}" is asked there already, and would answer under its own name alone`, expected: "the daemon of this one" });
      seen.set(daemon, name);
    }
  }
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
    if (!regions.includes(region)) report(site, reports, { code: "UNKNOWN_NAME", path: at, at: "key", message: `no region is called "${region}"`, expected: oneOf(regions), nearest: nearest(region, regions) });
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
  if (typeof ttl === "number" && ttl < 60 && !enterprise) report(site, reports, { code: "RELATION", path: [...path, "ttl"], message: `Cloudflare takes a TTL of ${ttl} s only on Enterprise zones`, expected: "60 or more, or enterprise: true" });
}
