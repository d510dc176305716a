/**
 * The Cloudflare adapters at the stand-in, which writes into a real PowerDNS; looked at as visitors look, directly and
 * through a real caching resolver.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dnsmasqLacks, startDnsmasq, type CachingResolver } from "../../demo/dns/dnsmasq.ts";
import { powerDnsLacks, startPowerDns, type PowerDns } from "../../demo/dns/powerdns.ts";
import type { CloudflareRecord } from "../../src/adapters/cloudflare/dns.ts";
import { until } from "../support/faulty-server.ts";
import { resolverAt, resolveNow } from "../support/visitors.ts";
import { openPools, openRecord } from "./cloudflare-scene.ts";
import { SITE, trafficContract } from "./traffic.ts";

const lacks = [powerDnsLacks(), dnsmasqLacks()].filter((lack) => lack !== null);
const MAX_CACHED_SECONDS = 5;

const A = { type: "A", ttl: 60, values: { primary: "203.0.113.1", secondary: "203.0.113.2" } } as const;
const KINDS: readonly Omit<CloudflareRecord, "name">[] = [
  { ...A, proxied: false },
  { ...A, proxied: true },
  { type: "AAAA", ttl: 60, proxied: false, values: { primary: "2001:db8::1", secondary: "2001:0DB8:0:0::2" } },
  { type: "CNAME", ttl: 60, proxied: false, values: { primary: "eu.example.net", secondary: "US.example.net." } },
  { type: "CNAME", ttl: 60, proxied: true, values: { primary: "eu.example.net", secondary: "us.example.net" } },
];

const signal = new AbortController().signal;

describe.skipIf(lacks.length > 0)(`Cloudflare before a real name server${lacks.length > 0 ? ` (not run: ${lacks.join("; ")})` : ""}`, () => {
  let dns: PowerDns;
  let resolver: CachingResolver;

  beforeAll(async () => {
    dns = await startPowerDns("example.com");
    resolver = await startDnsmasq(dns.port, "example.com", MAX_CACHED_SECONDS);
  });
  afterAll(async () => {
    await resolver?.stop();
    await dns?.stop();
  });

  trafficContract("a record of Cloudflare that is not proxied", () => openRecord(dns, { ...A, proxied: false }));
  trafficContract("a record of Cloudflare that is proxied", () => openRecord(dns, { ...A, proxied: true }));
  trafficContract("the order of a load balancer's pools", () => openPools(dns, { kind: "order" }, false));
  trafficContract("the flag of a proxied load balancer's pool", () => openPools(dns, { kind: "flag", region: "primary" }, true));

  test.each(KINDS)("$type, proxied: $proxied, is switched and back, as visitors resolve it", async (kind) => {
    await using scene = await openRecord(dns, kind);
    for (const [to, epoch] of [["secondary", 2], ["primary", 3]] as const) {
      const [entry] = await scene.traffic.read(signal);
      if (entry === undefined) return expect.fail("nothing was read");
      expect(entry.staleForMs).toBe(kind.proxied ? 0 : 60_000);
      const outcome = await scene.traffic.switch({ entry, to, mark: { site: SITE, region: to, epoch, flippedAt: 1_700_000_000 } }, signal);
      expect(outcome).toMatchObject({ kind: "switched", entry: { leadsTo: to } });
      if (kind.proxied) expect(await scene.seen()).toBe(to);
      else expect(await resolveNow(dns.port, scene.record.name, kind.type)).toEqual([kind.values[to]?.toLowerCase().replace(/\.$/, "").replace("0db8:0:0", "db8")]);
    }
  });

  test("a visitor behind a caching resolver is led to the old region as long as it keeps the record, and then to the new one", async () => {
    await using scene = await openRecord(dns, { ...A, proxied: false });
    const { name } = scene.record;
    const resolve = () => resolverAt(resolver.port).resolve4(name, { ttl: true });
    const [before] = await resolve();
    expect(before?.address).toBe(A.values.primary);
    expect(before?.ttl).toBeLessThanOrEqual(MAX_CACHED_SECONDS);
    const [entry] = await scene.traffic.read(signal);
    if (entry === undefined) return expect.fail("nothing was read");
    expect(await scene.traffic.switch({ entry, to: "secondary", mark: { site: SITE, region: "secondary", epoch: 2, flippedAt: 1 } }, signal)).toMatchObject({ kind: "switched" });
    expect(await scene.seen()).toBe("secondary");
    expect(await resolve()).toMatchObject([{ address: A.values.primary }]);
    await until(async () => (await resolve())[0]?.address === A.values.secondary, "the resolver asks anew");
  });

  test("a visitor behind a caching resolver of what is proxied is led to the new region at once", async () => {
    await using scene = await openRecord(dns, { ...A, proxied: true });
    const { name } = scene.record;
    const before = await resolveNow(resolver.port, name, "A");
    const [entry] = await scene.traffic.read(signal);
    if (entry === undefined) return expect.fail("nothing was read");
    await scene.traffic.switch({ entry, to: "secondary", mark: { site: SITE, region: "secondary", epoch: 2, flippedAt: 1 } }, signal);
    expect(await resolveNow(resolver.port, name, "A")).toEqual(before);
    expect(scene.daemons.cloudflare.world.originsOf(name)).toEqual([A.values.secondary]);
  });
});
