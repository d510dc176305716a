import type { ResourceRecordSet } from "@aws-sdk/client-route-53";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeXml, switchChanges } from "../../../src/adapters/route53/changes.ts";
import { callError } from "../../../src/adapters/route53/failures.ts";
import { checkRecord, entryOf, nameOf, standingOf } from "../../../src/adapters/route53/records.ts";
import { quoteTxt, textOfTxt } from "../../../src/adapters/route53/txt.ts";
import { readBatch } from "../../../demo/route53/requests.ts";
import { InvalidBatch, Zone } from "../../../demo/route53/zone.ts";
import { mark, marked, plain, RECORD } from "./scene.ts";

const set = (value: string, more: Partial<ResourceRecordSet> = {}): ResourceRecordSet => ({ Name: "shop.example.com.", Type: "A", TTL: 60, ResourceRecords: [{ Value: value }], ...more });

describe("TXT values", () => {
  it("are read as they were written", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 255 }), (text) => {
        expect(textOfTxt(quoteTxt(text))).toBe(text);
      }),
    );
  });

  it.each([
    ['"ask" " Ann"', "ask Ann", "several strings are one text"],
    [String.raw`"a\042b\\"`, 'a"b\\', "octal digits and escapes"],
    ["bare", "bare", "no quotes"],
    ["", "", "nothing"],
  ])("%s is %s: %s", (value, text) => {
    expect(textOfTxt(value)).toBe(text);
  });
});

describe("a record as it was read", () => {
  it.each([
    ["203.0.113.7", "eu"],
    ["198.51.100.9", "us"],
    ["192.0.2.1", null],
  ])("with %s leads to %s", (value, region) => {
    expect(entryOf(RECORD, [set(value)], []).leadsTo).toBe(region);
  });

  it("leads to a region whatever the spelling of its value", () => {
    const host = { name: "www.example.com", type: "CNAME", values: { eu: "EU.example.net" } } as const;
    expect(entryOf(host, [set("eu.Example.net.", { Type: "CNAME" })], []).leadsTo).toBe("eu");
    const address = { name: "www.example.com", type: "AAAA", values: { eu: "2001:db8::7" } } as const;
    expect(entryOf(address, [set("2001:0DB8:0:0:0:0:0:7", { Type: "AAAA" })], []).leadsTo).toBe("eu");
  });

  it("with two addresses leads to no region, and names both", () => {
    expect(entryOf(RECORD, [{ ...set("203.0.113.7"), ResourceRecords: [{ Value: "203.0.113.7" }, { Value: "192.0.2.1" }] }], [])).toMatchObject({ leadsTo: null, value: "192.0.2.1, 203.0.113.7, TTL 60 s" });
  });

  it("has the same version in whatever order its values come, and another one with another TTL or mark", () => {
    const two = (...values: string[]): ResourceRecordSet => ({ ...set(""), ResourceRecords: values.map((Value) => ({ Value })) });
    const version = entryOf(RECORD, [two("192.0.2.1", "192.0.2.2")], []).version;
    expect(entryOf(RECORD, [two("192.0.2.2", "192.0.2.1")], []).version).toBe(version);
    expect(entryOf(RECORD, [{ ...two("192.0.2.1", "192.0.2.2"), TTL: 61 }], []).version).not.toBe(version);
    expect(entryOf(RECORD, [two("192.0.2.1", "192.0.2.2")], [{ Name: "_shopkeeper.shop.example.com.", Type: "TXT", TTL: 60, ResourceRecords: [{ Value: '"x"' }] }]).version).not.toBe(version);
  });

  it.each([
    ["an alias record", set("", { AliasTarget: { HostedZoneId: "Z2", DNSName: "lb.example.net.", EvaluateTargetHealth: true } }), "is an alias record"],
    ["a weighted record", set("203.0.113.7", { SetIdentifier: "a", Weight: 1 }), "has a routing policy (weighted)"],
    ["a latency record", set("203.0.113.7", { SetIdentifier: "a", Region: "eu-west-1" }), "has a routing policy (latency)"],
    ["a record of a traffic policy", set("203.0.113.7", { TrafficPolicyInstanceId: "x" }), "belongs to a traffic policy"],
  ])("is refused where it is %s", (_what, read, why) => {
    expect(() => entryOf(RECORD, [read], [])).toThrow(expect.objectContaining({ code: "INVALID", message: expect.stringContaining(why) as string }));
  });

  it.each<[string, readonly ResourceRecordSet[], object]>([
    ["failover", [set("203.0.113.7", { SetIdentifier: "a", Failover: "PRIMARY", HealthCheckId: "hc" }), set("198.51.100.9", { SetIdentifier: "b", Failover: "SECONDARY" })], { steered: "checked", leadsTo: "eu" }],
    ["failover by the health of what an alias leads to", [set("", { SetIdentifier: "a", Failover: "PRIMARY", AliasTarget: { HostedZoneId: "Z2", DNSName: "lb.example.net.", EvaluateTargetHealth: true } })], { steered: "checked" }],
    ["failover without a health check", [set("203.0.113.7", { SetIdentifier: "a", Failover: "PRIMARY" })], { steered: "unchecked", leadsTo: "eu" }],
    ["weights and health checks", [set("203.0.113.7", { SetIdentifier: "a", Weight: 1, HealthCheckId: "hc" }), set("198.51.100.9", { SetIdentifier: "b", Weight: 1, HealthCheckId: "hd" })], { steered: "checked", leadsTo: null, value: "by Route 53's health checks: weighted 203.0.113.7 (health check hc), weighted 198.51.100.9 (health check hd)" }],
  ])("is Route 53's to decide by %s", (_what, sets, expected) => {
    expect(entryOf(RECORD, sets, [])).toMatchObject(expected);
  });

  it("is refused where its version was not read from such a record", () => {
    const entry = entryOf(RECORD, [set("203.0.113.7")], []);
    expect(standingOf(entry)).toEqual({ record: { ttl: 60, values: ["203.0.113.7"] }, companion: null });
    for (const version of ["2", "{}", "modified_on=x"]) expect(() => standingOf({ ...entry, version })).toThrow("its version was not read");
  });
});

describe("a record as it is configured", () => {
  it.each([
    [{ name: "*.example.com", type: "A" }, "wildcard"],
    [{ name: "shop", type: "A" }, "not the name"],
    [{ name: "shop.example.com", type: "A", values: { eu: "2001:db8::1" } }, "no value of such a record"],
    [{ name: "shop.example.com", type: "AAAA", values: { eu: "203.0.113.7" } }, "no value of such a record"],
    [{ name: "shop.example.com", type: "CNAME", values: { eu: "not a host" } }, "no value of such a record"],
    [{ name: "shop.example.com", type: "A", values: { eu: "203.0.113.7", us: "203.0.113.7" } }, "two regions"],
  ] as const)("%j is refused", (record, why) => {
    expect(() => checkRecord(record)).toThrow(why);
  });

  it("is named in small letters, without the dot", () => {
    expect(nameOf({ name: "Shop.Example.com.", type: "A" })).toBe("shop.example.com A");
  });
});

describe("a batch", () => {
  const standing = { record: { ttl: 60, values: ["203.0.113.7"] }, companion: { ttl: 30, values: ['"old"'] } };

  it("deletes what stands, mark and all, and creates what is wanted with the TTLs that stood", () => {
    const changes = switchChanges(RECORD, standing, "198.51.100.9", mark("us", 2));
    expect(changes.map(({ action, name, type, ttl, values }) => `${action} ${name} ${ttl} ${type} ${values.join()}`)).toEqual([
      "DELETE shop.example.com 60 A 203.0.113.7",
      'DELETE _shopkeeper.shop.example.com 30 TXT "old"',
      "CREATE shop.example.com 60 A 198.51.100.9",
      'CREATE _shopkeeper.shop.example.com 30 TXT "shopkeeper site=shop region=us epoch=2 at=1795000002"',
    ]);
    expect(readBatch(changeXml(changes)).map(({ set }) => set.values)).toEqual(changes.map(({ values }) => values));
  });

  it("changes nothing at all where one of its changes is refused", () => {
    const zone = new Zone("Z1", "example.com.");
    zone.apply([plain("shop.example.com", "A", "203.0.113.7"), marked("eu", 1)].map((one) => ({ action: "CREATE", set: one })));
    const before = zone.sets;
    expect(() => zone.apply(readBatch(changeXml(switchChanges(RECORD, standing, "198.51.100.9", mark("us", 2)))))).toThrow(InvalidBatch);
    expect(zone.sets).toEqual(before);
  });
});

describe("an error of the SDK", () => {
  const sdk = (name: string, status: number | null, more: object = {}): Error => Object.assign(new Error("words"), { name, $metadata: status === null ? {} : { httpStatusCode: status }, ...more });

  it.each([
    [sdk("Throttling", 400), "RATE_LIMITED", false],
    [sdk("PriorRequestNotComplete", 400), "RATE_LIMITED", false],
    [sdk("Unknown", 400, { Messages: { Message: "Tried to delete" } }), "INVALID", false],
    [sdk("InvalidChangeBatch", 400), "INVALID", false],
    [sdk("InvalidInput", 400), "INVALID", false],
    [sdk("NoSuchHostedZone", 404), "NOT_FOUND", false],
    [sdk("AccessDenied", 403), "UNAUTHORIZED", false],
    [sdk("Unknown", 403), "UNAUTHORIZED", false],
    [sdk("CredentialsProviderError", null), "UNAUTHORIZED", false],
    [sdk("Unknown", 500), "UNAVAILABLE", true],
    [sdk("ServiceUnavailable", 503), "UNAVAILABLE", true],
    [sdk("Error", 200), "UNAVAILABLE", true],
    [sdk("TimeoutError", null, { code: "ECONNRESET" }), "UNAVAILABLE", true],
    [sdk("Error", null, { code: "ECONNREFUSED" }), "UNAVAILABLE", false],
  ])("%s is %s, perhaps carried out: %s", (error, code, maybeDone) => {
    const found = callError("change x", error);
    expect(found).toMatchObject({ code, maybeDone });
    expect(found.cause).toBeUndefined();
  });
});
