/** The scenes of the traffic contract at a Cloudflare stand-in, looked at through real DNS. */
import { expect } from "vitest";
import { createCloudflareDns, type CloudflareRecord } from "../../src/adapters/cloudflare/dns.ts";
import { createCloudflarePools, type CloudflareLoadBalancer } from "../../src/adapters/cloudflare/pools.ts";
import { REFUSALS, type Control, type Fault } from "../../demo/cloudflare/control.ts";
import type { PowerDns } from "../../demo/dns/powerdns.ts";
import { accountToken, EDGE, startDaemons, tokenValue, type Daemons } from "../support/cloudflare-daemons.ts";
import { resolveNow } from "../support/visitors.ts";
import { FIRST_MARK, OTHER_SITE, SITE, type SceneFault, type TrafficScene } from "./traffic.ts";

const TOKENS = [accountToken("a"), accountToken("b"), accountToken("c")];
/** More than any look has calls, repetitions and all. */
const EVERY_CALL = 20;

const FAULTS: Readonly<Record<SceneFault, Fault>> = {
  UNAUTHORIZED: REFUSALS[10000],
  NOT_FOUND: REFUSALS[81044],
  INVALID: REFUSALS[81058],
  RATE_LIMITED: REFUSALS[971],
  UNAVAILABLE: { kind: "html", status: 502, written: false },
  "unheard, landed": { kind: "hang", written: true },
  "unheard, not landed": { kind: "hang", written: false },
  lie: { kind: "lie" },
};

const failing = (control: Control): TrafficScene["fail"] => (on, fault) => control.fail(on === "read" ? "GET" : "PATCH", FAULTS[fault], fault === "UNAVAILABLE" ? EVERY_CALL : 1);

const holding = (control: Control): TrafficScene["hold"] => (point) => control.hold("PATCH", point === "compared" ? "before" : "after");

type Seen = { readonly daemons: Daemons; readonly dns: PowerDns; readonly name: string; readonly type: CloudflareRecord["type"]; readonly proxied: boolean; readonly leads: (origin: string) => string | null };

/** Visitors of what is proxied resolve the edge, and are led where it fetches from. */
async function seenBy({ daemons, dns, name, type, proxied, leads }: Seen): Promise<string | null> {
  const addresses = await resolveNow(dns.port, name, proxied && type === "CNAME" ? "A" : type);
  if (!proxied) return leads(addresses[0] ?? "");
  expect(addresses).toEqual(type === "AAAA" ? EDGE.v6 : EDGE.v4);
  return leads(daemons.cloudflare.world.originsOf(name)[0] ?? "");
}

const leadsBy = (values: Readonly<Record<string, string>>) => (origin: string): string | null => Object.keys(values).find((region) => values[region] === origin) ?? null;

let scenes = 0;

export type RecordScene = TrafficScene & { readonly daemons: Daemons; readonly record: CloudflareRecord };

/** @param kind the record; its values are of the regions "primary" and "secondary". */
export async function openRecord(dns: PowerDns, kind: Omit<CloudflareRecord, "name">): Promise<RecordScene> {
  scenes += 1;
  const record: CloudflareRecord = { ...kind, name: `shop-${scenes}.example.com` };
  const { name, type, proxied, ttl, values } = record;
  const daemons = await startDaemons(TOKENS, dns);
  const { world, control } = daemons.cloudflare;
  const { id } = await world.addRecord({ name, type, proxied, ttl, content: values["primary"] ?? "", comment: FIRST_MARK });
  const daemon = (token: string, site: string) =>
    daemons.keep(createCloudflareDns({ site, zoneId: world.zoneId, accountId: world.accountId, records: [record], shadow: null }, daemons.client(token), daemons.clock));
  return {
    daemons, record, traffic: daemon("a", SITE), other: daemon("b", SITE), stranger: daemon("c", OTHER_SITE), token: tokenValue("a"),
    scribble: async (comment) => void (await world.editRecord(id, { comment })),
    leadAstray: async () => void (await world.editRecord(id, { content: type === "A" ? "198.51.100.9" : type === "AAAA" ? "2001:db8::9" : "elsewhere.example.net" })),
    fail: failing(control), hold: holding(control),
    seen: () => seenBy({ daemons, dns, name, type, proxied, leads: leadsBy(values) }),
    [Symbol.asyncDispose]: async () => {
      expect(control.problems).toEqual([]);
      await daemons[Symbol.asyncDispose]();
    },
  };
}

export type PoolsScene = TrafficScene & { readonly daemons: Daemons; readonly balancer: CloudflareLoadBalancer };

const ADDRESSES = { primary: "203.0.113.1", secondary: "203.0.113.2" };

export async function openPools(dns: PowerDns, by: CloudflareLoadBalancer["by"], proxied: boolean): Promise<PoolsScene> {
  scenes += 1;
  const name = `pools-${scenes}.example.com`;
  const daemons = await startDaemons(TOKENS, dns);
  const { world, control } = daemons.cloudflare;
  const primary = world.addPool({ name: "primary", addresses: [ADDRESSES.primary], description: by.kind === "flag" ? FIRST_MARK : "of the primary region" });
  const secondary = world.addPool({ name: "secondary", addresses: [ADDRESSES.secondary], description: "of the secondary region" });
  const { id } = await world.addLoadBalancer({ name, proxied, default_pools: [primary.id, secondary.id], description: by.kind === "order" ? FIRST_MARK : "the shop" });
  const balancer: CloudflareLoadBalancer = { name, id, by, pools: { primary: primary.id, secondary: secondary.id } };
  const { zoneId, accountId } = world;
  const daemon = (token: string, site: string) => daemons.keep(createCloudflarePools({ site, zoneId, accountId, loadBalancers: [balancer], shadow: null }, daemons.client(token), daemons.clock));
  return {
    daemons, balancer, traffic: daemon("a", SITE), other: daemon("b", SITE), stranger: daemon("c", OTHER_SITE), token: tokenValue("a"),
    scribble: async (description) => void (by.kind === "order" ? await world.editLoadBalancer(id, { description }) : await world.editPool(primary.id, { description })),
    leadAstray: async () => {
      const astray = world.addPool({ name: "astray", addresses: ["198.51.100.9"] });
      await world.editLoadBalancer(id, { default_pools: [astray.id, primary.id, secondary.id] });
    },
    fail: failing(control), hold: holding(control),
    seen: () => seenBy({ daemons, dns, name, type: "A", proxied, leads: leadsBy(ADDRESSES) }),
    [Symbol.asyncDispose]: async () => {
      expect(control.problems).toEqual([]);
      await daemons[Symbol.asyncDispose]();
    },
  };
}
