/** What the URLs of regions and witnesses must be: each leads to one place, whatever the shop's own names do. */
import { readHost } from "../core/cache-key.ts";
import { mapOf, report, textsOf, type Part, type Reports } from "./part.ts";
import { withoutLine } from "./problem.ts";
import { flippingNames } from "./relate-provider.ts";

/** Every URL is looked at, whichever of them is wrong. */
export function relatePlaces(site: Part, reports: Reports): void {
  const flips = flippingNames(site);
  const origins = new Map<string, string>();
  const daemons = new Map<string, string>();
  for (const key of ["regions", "witnesses"]) {
    for (const [name, written] of Object.entries(mapOf(site.value[key]))) {
      const { origin, daemon } = mapOf(written);
      if (key === "regions") relateOne(site, { path: [key, name, "origin"], written: origin, name, others: origins }, flips, reports);
      relateOne(site, { path: [key, name, "daemon"], written: daemon, name, others: daemons }, flips, reports);
    }
  }
  relateHosts(site, reports);
}

/** A URL at its place; `others` have one each already, by what it leads to. */
type Place = { readonly path: readonly [string, string, "origin" | "daemon"]; readonly written: unknown; readonly name: string; readonly others: Map<string, string> };

function relateOne(site: Part, place: Place, { shop, shadow }: ReturnType<typeof flippingNames>, reports: Reports): void {
  const url = typeof place.written === "string" ? URL.parse(place.written) : null;
  if (url === null) return;
  const { path, name, others } = place;
  const isOrigin = path[2] === "origin";
  if (url.username !== "" || url.password !== "") {
    // Whatever else is wrong with it would be shown with the line, and in that stands what may be a secret.
    reports.errors.push(withoutLine(site.source.problem({ code: "SECRET_INLINE", path, message: "a user or a password is written in the URL itself, and others are asked without", expected: shapeOf(isOrigin) })));
    return;
  }
  relateShape(site, path, url, reports);
  const own = url.hostname.replace(/\.$/, "");
  const here = isOrigin ? "a name of this region alone" : "a name of this daemon alone";
  if (shop.has(own)) report(site, reports, { code: "RELATION", path, message: `${url.host} is a name that failover changes, so ${isOrigin ? "it would show whichever region holds it" : "whichever region holds it would answer"}`, expected: here });
  else if (shadow.has(own)) report(site, reports, { code: "RELATION", path, message: `${url.host} is the shadow's name, which every rehearsal changes`, expected: here });
  const leadsTo = isOrigin ? url.host : url.host + url.pathname.replace(/\/+$/, "");
  const other = others.get(leadsTo);
  if (other !== undefined && isOrigin) report(site, reports, { code: "RELATION", path, message: `region "${other}" has this origin already`, expected: "an origin that leads to this region alone" });
  if (other !== undefined && !isOrigin) report(site, reports, { code: "RELATION", path, message: `"${other}" is asked there already, and would answer under its own name alone`, expected: "the daemon of this one" });
  others.set(leadsTo, name);
}

/** A path is put behind it as it stands: behind a query it would be part of that, and behind another path that of another page. */
function relateShape(site: Part, path: Place["path"], url: URL, reports: Reports): void {
  const isOrigin = path[2] === "origin";
  const expected = shapeOf(isOrigin);
  const what = [...(url.href.includes("?") ? ["a query"] : []), ...(url.href.includes("#") ? ["a fragment"] : [])].join(" and ");
  if (what !== "") report(site, reports, { code: "BAD_VALUE", path, message: `the URL has ${what}, and the path that is asked is put behind it`, expected });
  if (isOrigin && !/^\/*$/.test(url.pathname)) report(site, reports, { code: "BAD_VALUE", path, message: `the path ${JSON.stringify(url.pathname)} stands in the URL, and would stand before every page that is asked`, expected });
}

function shapeOf(isOrigin: boolean): string {
  return isOrigin ? 'scheme, host and port alone, for example "https://eu.shop.example.com"; which page is asked says failover.page' : 'scheme, host, port and at most a path, for example "https://guard.eu.example.com"';
}

/** As the gateway has it: the Host as it is sent, which names a port where it is not the scheme's own. */
function relateHosts(site: Part, reports: Reports): void {
  const region = site.value["region"];
  const hosts = textsOf(mapOf(site.value["gateway"])["hosts"]).map(({ text }) => text.toLowerCase());
  const origin = typeof region === "string" ? mapOf(mapOf(site.value["regions"])[region])["origin"] : undefined;
  const host = typeof origin === "string" ? readHost(URL.parse(origin)?.host) : null;
  if (host === null || hosts.length === 0 || hosts.includes(host)) return;
  report(site, reports, { code: "RELATION", path: ["gateway", "hosts"], message: `the gateway answers 421 at ${host}, so this region would count as down`, expected: `${host} among them: there the others look at this region` });
}
