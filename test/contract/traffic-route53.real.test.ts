/**
 * The Route 53 adapter at the stand-in, through real sockets and the real SDK. Where PowerDNS is installed the stand-in writes into it,
 * and visitors ask there; else they are led by what stands in the zone.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { powerDnsLacks, startPowerDns, type PowerDns } from "../../demo/dns/powerdns.ts";
import { resolveNow } from "../support/visitors.ts";
import { openRecord, type Route53Kind } from "./route53-scene.ts";
import { SITE, trafficContract } from "./traffic.ts";

const lack = powerDnsLacks();

const A: Route53Kind = { type: "A", values: { primary: "203.0.113.1", secondary: "203.0.113.2" } };
const AAAA: Route53Kind = { type: "AAAA", values: { primary: "2001:db8::1", secondary: "2001:db8::2" } };
const CNAME: Route53Kind = { type: "CNAME", values: { primary: "eu.example.net", secondary: "us.example.net" } };

const signal = new AbortController().signal;

describe(`Route 53 ${lack === null ? "before a real name server" : `without a name server (${lack})`}`, () => {
  let dns: PowerDns | null = null;

  beforeAll(async () => {
    if (lack === null) dns = await startPowerDns("example.com");
  });
  afterAll(() => dns?.stop());

  trafficContract("an A record of Route 53", () => openRecord(dns, A, false));
  trafficContract("an AAAA record of Route 53 whose refusals bear a code", () => openRecord(dns, AAAA, true));

  test("a CNAME is switched and back, as visitors resolve it, and its shadow record stays as it was", async () => {
    await using scene = await openRecord(dns, CNAME, false);
    for (const [to, epoch] of [["secondary", 2], ["primary", 3]] as const) {
      const [entry] = await scene.traffic.read(signal);
      if (entry === undefined) return expect.fail("nothing was read");
      expect(entry.staleForMs).toBe(60_000);
      expect(await scene.traffic.switch({ entry, to, mark: { site: SITE, region: to, epoch, flippedAt: 1_700_000_000 } }, signal)).toMatchObject({ kind: "switched", entry: { leadsTo: to } });
      expect(await scene.seen()).toBe(to);
      if (dns !== null) expect(await resolveNow(dns.port, scene.record.name.replace("shop", "drill"), "CNAME")).toEqual(["eu.example.net"]);
    }
  });
});
