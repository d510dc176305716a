/** How the settings of regions must fit each other: who is who, who may vote, and that each name leads somewhere for each region. */
import { MAX_MARKED_NAME } from "../core/region/mark.ts";
import { nearest } from "../core/nearest.ts";
import { REGION_ROLES } from "../core/region/health.ts";
import { flawsOfRegions, type RegionFlaw } from "../core/region/region.ts";
import { planOf } from "./build-regions.ts";
import { oneOf } from "./explain.ts";
import { mapOf, piece, report, warn, type Part, type Reports } from "./part.ts";
import { relatePlaces } from "./relate-places.ts";
import { relateProvider } from "./relate-provider.ts";
import { failoverSchema } from "./regions-schema.ts";
import { reveal, Secret } from "./secret.ts";
import { siteSchema } from "./site-schema.ts";

/** Of the secret that signs words between regions: 16 random bytes in hexadecimal. */
export const MIN_REGION_SECRET = 32;

export function relateRegions(site: Part, reports: Reports): void {
  const has = (key: string): boolean => site.value[key] !== undefined;
  if (!has("failover")) return relateAlone(site, reports);
  const regions = Object.keys(mapOf(site.value["regions"]));
  if (!has("regions")) report(site, reports, { code: "MISSING_KEY", path: ["failover"], at: "key", message: 'the key "regions" is missing', expected: "regions: with at least two, the preferred one first" });
  relateSelf(site, regions, reports);
  relateNames(site, regions, reports);
  relatePlaces(site, reports);
  relatePlan(site, regions, reports);
  relateSecret(site, reports);
  relateProvider(site, regions, reports);
  warnOfNoPage(site, reports);
  if (site.value["role"] === "witness" && Object.keys(mapOf(site.value["targets"])).length > 0) {
    warn(site, reports, { path: ["targets"], at: "key", message: "a witness looks at regions alone, and these targets are not watched", expected: "no targets in a witness's configuration" });
  }
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
  if (typeof written === "string" && known.length === 0 && key === "witness") return report(site, reports, { code: "UNKNOWN_NAME", path: [key], message: `no witness is called "${written}": none are configured`, expected: `witnesses: with ${written}` });
  if (typeof written === "string" && known.length > 0 && !known.includes(written)) report(site, reports, { code: "UNKNOWN_NAME", path: [key], message: `no ${key} is called "${written}"`, expected: oneOf(known), nearest: nearest(written, known) });
}

/** Names stand in the marks, and in triggers. */
function relateNames(site: Part, regions: readonly string[], reports: Reports): void {
  const name = site.value["site"];
  if (typeof name === "string" && name.length > MAX_MARKED_NAME) report(site, reports, { code: "BAD_VALUE", path: ["site"], message: `"${name}" has ${name.length} characters, and stands in the mark beside each record`, expected: `a name of at most ${MAX_MARKED_NAME} characters where there are regions` });
  for (const [rank, role] of REGION_ROLES.entries()) {
    if (!regions.includes(role) || regions[rank] === role) continue;
    report(site, reports, { code: "RELATION", path: ["regions", role], at: "key", message: `triggers mean the region that stands ${PLACES[rank]} by "${role}", and this one stands elsewhere`, expected: `another name, or this region in the ${PLACES[rank]} place` });
  }
}

const PLACES = ["first", "second"] as const;

/** Whom a failover that is held, refused or in doubt would call. */
function warnOfNoPage(site: Part, reports: Reports): void {
  const routes = Object.values(mapOf(site.value["alerts"]));
  if (site.value["role"] === "witness" || routes.some((route) => (mapOf(route)["severity"] ?? "page") === "page")) return;
  warn(site, reports, { path: ["failover"], at: "key", message: "nobody is called when a failover is held or fails: no alert route has the severity page", expected: "alerts: with a route of severity page" });
}

function relatePlan(site: Part, regions: readonly string[], reports: Reports): void {
  const failover = piece(failoverSchema, site.value["failover"]);
  const places = piece(siteSchema.shape.regions, site.value["regions"]);
  const witnesses = piece(siteSchema.shape.witnesses, site.value["witnesses"]);
  if (failover === undefined || places === undefined || witnesses === undefined || site.value["regions"] === undefined) return;
  for (const { about, text: message, expected } of flawsOfRegions(planOf("", places, witnesses, failover))) {
    report(site, reports, { code: "RELATION", ...placeOf(site, about), message, expected });
  }
}

/** Of a rule, as the file calls it. */
const KEYS = { quorum: "quorum", fall: "fall", rise: "rise", lookEvery: "look_every", lookDeadline: "look_deadline", copiesFor: "copies_for", disagreeFor: "disagree_for", yieldFor: "yield_for", block: "between", failbackAfter: "failback", tryFor: "try_for", repairs: "failover" } as const satisfies Record<Exclude<RegionFlaw["about"], "regions" | "witnesses">, string>;

/** Where it is written; a look's deadline that nobody wrote is too long because of what is. */
function placeOf(site: Part, about: RegionFlaw["about"]): { readonly path: readonly string[]; readonly at?: "key" } {
  if (about === "regions" || about === "witnesses") return { path: [about], at: "key" };
  const written = mapOf(site.value["failover"]);
  const keys = about === "lookDeadline" ? ["look_deadline", "look_every"] : [KEYS[about]];
  const key = keys.find((one) => written[one] !== undefined);
  return key === undefined ? { path: ["failover"], at: "key" } : { path: ["failover", key] };
}

function relateSecret(site: Part, reports: Reports): void {
  const secret = mapOf(site.value["failover"])["secret"];
  if (!(secret instanceof Secret) || reveal(secret).length >= MIN_REGION_SECRET) return;
  report(site, reports, { code: "BAD_VALUE", path: ["failover", "secret"], message: `the secret has ${reveal(secret).length} characters, too few to sign votes with`, expected: `at least ${MIN_REGION_SECRET} characters; make one with: openssl rand -hex 32` });
}
