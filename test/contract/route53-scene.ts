/** The scenes of the traffic contract at the Route 53 stand-in, looked at through real DNS where there is one. */
import { createRoute53, type RecordType, type Route53Record } from "../../src/adapters/route53/route53.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { Secret } from "../../src/config/secret.ts";
import type { PowerDns } from "../../demo/dns/powerdns.ts";
import { startRoute53, type Fault, type StandIn } from "../../demo/route53/stand-in.ts";
import { KEY, plain, ZONE } from "../adapters/route53/scene.ts";
import { resolveNow } from "../support/visitors.ts";
import { FIRST_MARK, OTHER_SITE, SITE, type SceneFault, type TrafficScene } from "./traffic.ts";

/** More than any call is sent again. */
const EVERY_CALL = 20;
const TTL_SECONDS = 60;

const FAULTS: Readonly<Record<SceneFault, Fault>> = {
  UNAUTHORIZED: "denied",
  NOT_FOUND: "no_zone",
  INVALID: "full_zone",
  RATE_LIMITED: "throttling",
  UNAVAILABLE: "http_500_before",
  "unheard, landed": "hang_after",
  "unheard, not landed": "hang_before",
  lie: "lie",
};

/** Sent again by the adapter itself. */
const REPEATED: readonly SceneFault[] = ["RATE_LIMITED", "UNAVAILABLE"];
const ASTRAY = { A: "198.51.100.9", AAAA: "2001:db8::9", CNAME: "elsewhere.example.net" } as const;

export type Route53Kind = Omit<Route53Record, "name"> & { readonly type: RecordType };
export type Route53Scene = TrafficScene & { readonly standIn: StandIn; readonly record: Route53Record };

let scenes = 0;

/**
 * @param dns null: visitors are led by what stands in the zone.
 * @param coded whether refused batches bear a code.
 */
export async function openRecord(dns: PowerDns | null, kind: Route53Kind, coded: boolean): Promise<Route53Scene> {
  scenes += 1;
  const record: Route53Record = { ...kind, name: `shop-${scenes}.example.com` };
  const shadow = { name: `drill-${scenes}.example.com`, type: kind.type };
  const { name, type, values } = record;
  const standIn = await startRoute53({ ...ZONE, key: KEY, dns });
  standIn.coded = coded;
  const put = (of: string, setType: string, value: string): Promise<void> => standIn.edit([{ action: "UPSERT", set: plain(of, setType, value, TTL_SECONDS) }]);
  const beside = (of: string): string => `${type === "AAAA" ? "_shopkeeper-aaaa" : "_shopkeeper"}.${of}`;
  for (const one of [name, shadow.name]) {
    await put(one, type, values["primary"] ?? "");
    await put(beside(one), "TXT", `"${FIRST_MARK}"`);
  }
  const daemon = (site: string) =>
    createRoute53({ clock: createSystemClock(), site, zoneId: ZONE.zoneId, records: [record], shadow, credentials: { accessKeyId: KEY.id, secretAccessKey: new Secret(KEY.secret, "${AWS_SECRET}") }, endpoint: standIn.url });
  const [traffic, other, stranger] = [daemon(SITE), daemon(SITE), daemon(OTHER_SITE)];
  const standing = (of: string, setType: string) => standIn.zone.sets.filter((set) => set.name === `${of}.` && set.type === setType);
  return {
    standIn, record, traffic, other, stranger, token: KEY.secret,
    scribble: (words) => (words === "" ? standIn.edit(standing(beside(name), "TXT").map((set) => ({ action: "DELETE", set }))) : put(beside(name), "TXT", `"${words}"`)),
    leadAstray: () => put(name, type, ASTRAY[type]),
    fail: (on, fault) => standIn.fail(on === "read" ? "list" : "change", FAULTS[fault], REPEATED.includes(fault) ? EVERY_CALL : 1),
    hold: (point) => {
      const { arrived, release } = standIn.hold("change", point === "compared" ? "before" : "after");
      return { reached: arrived, open: () => void release() };
    },
    seen: async () => {
      const [value] = dns === null ? standing(name, type).flatMap((set) => set.values ?? []) : await resolveNow(dns.port, name, type);
      return Object.keys(values).find((region) => values[region] === value) ?? null;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([traffic, other, stranger].map((one) => one.close()));
      await standIn.close();
    },
  };
}
