/**
 * On the stand-in, through real sockets and the real SDK: what the contract of all providers (test/contract) does not ask.
 * What goes wrong: faults.real.test.ts. What others' emulators make of it: emulators.real.test.ts.
 */
import { describe, expect, test } from "vitest";
import { formatMark } from "../../../src/core/region/mark.ts";
import { TRAFFIC_DEADLINE_MS, type Traffic, type TrafficErrorCode } from "../../../src/ports/traffic.ts";
import { companion, EU, first, mark, marked, NEVER, plain, put, RECORD, scene, state, US } from "./scene.ts";

const failing = (code: TrafficErrorCode, words = ""): unknown => expect.objectContaining({ name: "TrafficError", code, message: expect.stringContaining(words) as string });
const toUs = async (traffic: Traffic, epoch = 2) => ({ entry: await first(traffic), to: "us", mark: mark("us", epoch) });
const LEADS_TO_US = [`shop.example.com. 60 A ${US}`, `_shopkeeper.shop.example.com. 60 TXT "${formatMark(mark("us", 2))}"`];

describe("reading", () => {
  test("tells where a record leads, for how long, and whose it is", async () => {
    await using at = await scene();
    expect(await at.traffic.read(NEVER)).toEqual([
      { name: "shop.example.com A", leadsTo: "eu", value: `${EU}, TTL 60 s`, staleForMs: 60_000, mark: mark("eu", 1), foreign: null, version: expect.any(String) as string },
    ]);
  });

  test.each([
    ["no mark", [], null, null],
    ["another site's mark", [marked("eu", 1, "other")], mark("eu", 1, "other"), null],
    ["somebody's words", [companion("do not touch, ask Ann")], null, "do not touch, ask Ann"],
    ["a mark that somebody has added to", [companion(`${formatMark(mark("eu", 1))} (ask Ann)`)], null, `${formatMark(mark("eu", 1))} (ask Ann)`],
  ])("tells of %s", async (_what, beside, itsMark, foreign) => {
    await using at = await scene([plain("shop.example.com", "A", EU), ...beside]);
    expect(await first(at.traffic)).toMatchObject({ mark: itsMark, foreign });
  });

  test("finds each record among others, in the order configured, A and AAAA with marks of their own", async () => {
    const six = { name: "Shop.Example.com.", type: "AAAA", values: { eu: "2001:db8::7", us: "2001:db8::9" } } as const;
    const name = { name: "www.example.com", type: "CNAME", values: { eu: "eu.example.net", us: "us.example.net" } } as const;
    const others = Array.from({ length: 40 }, (_, n) => plain(`a${n}.shop.example.com`, "TXT", '"x"'));
    const sets = [plain("shop.example.com", "A", EU), plain("shop.example.com", "AAAA", "2001:db8::9"), plain("www.example.com", "CNAME", "eu.example.net."), plain("shop.example.com", "MX", "10 mx.example.net")];
    await using at = await scene([...sets, ...others, marked("eu", 3), { ...marked("us", 5), name: "_shopkeeper-aaaa.shop.example.com." }, { ...marked("eu", 4), name: "_shopkeeper.www.example.com." }], { records: [name, RECORD, six] });
    at.standIn.pageSize = 1;
    expect((await at.traffic.read(NEVER)).map(({ name, leadsTo, mark }) => `${name} ${leadsTo} ${mark?.epoch}`)).toEqual(["www.example.com CNAME eu 4", "shop.example.com A eu 3", "shop.example.com AAAA us 5"]);
  });

  test("fails clearly where there is no such record, no such zone, or an alias record", async () => {
    await using at = await scene([]);
    await expect(at.traffic.read(NEVER)).rejects.toEqual(failing("NOT_FOUND", "shop.example.com A: there is no such record"));
    await expect(at.open({ zoneId: "ZNOWHERE" }).read(NEVER)).rejects.toEqual(failing("NOT_FOUND", "NoSuchHostedZone"));
    put(at.standIn, { name: "shop.example.com.", type: "A", alias: { zone: "Z2", name: "lb.example.net.", evaluate: true } });
    await expect(at.traffic.read(NEVER)).rejects.toEqual(failing("INVALID", "is an alias record"));
  });

  test.each(["reset_before", "http_500_before", "odd_200_before", "huge_before", "throttling"] as const)("is tried again after %s, and given up in the end", async (fault) => {
    await using at = await scene();
    at.standIn.fail("list", fault, 2);
    expect((await first(at.traffic)).leadsTo).toBe("eu");
    at.standIn.fail("list", fault, 100);
    await expect(at.traffic.read(NEVER)).rejects.toEqual(failing(fault === "throttling" ? "RATE_LIMITED" : "UNAVAILABLE", "read"));
  });
});

describe("a switch", () => {
  test("changes the record and its mark in one batch, and reads both back", async () => {
    await using at = await scene();
    const outcome = await at.traffic.switch(await toUs(at.traffic), NEVER);
    expect(outcome).toEqual({ kind: "switched", entry: { name: "shop.example.com A", leadsTo: "us", value: `${US}, TTL 60 s`, staleForMs: 60_000, mark: mark("us", 2), foreign: null, version: expect.any(String) as string } });
    expect(state(at.standIn)).toEqual(LEADS_TO_US);
    expect(at.standIn.count("change")).toBe(1);
  });

  test("there and back again leaves the record as it was, two epochs later", async () => {
    await using at = await scene();
    const out = await at.traffic.switch(await toUs(at.traffic), NEVER);
    if (out.kind !== "switched") throw new Error(out.kind);
    expect(await at.traffic.switch({ entry: out.entry, to: "eu", mark: mark("eu", 3) }, NEVER)).toMatchObject({ kind: "switched", entry: { leadsTo: "eu" } });
    expect(state(at.standIn)).toEqual([`shop.example.com. 60 A ${EU}`, `_shopkeeper.shop.example.com. 60 TXT "${formatMark(mark("eu", 3))}"`]);
  });

  test("makes the calls that a dry run prints, and no others", async () => {
    await using at = await scene();
    const order = await toUs(at.traffic);
    at.standIn.heard.length = 0;
    const printed = at.traffic.calls(order);
    expect(at.standIn.heard).toEqual([]);
    await at.traffic.switch(order, NEVER);
    const heard = at.standIn.heard.map(({ method, url, body }) => ({ method, url: url.replace(/\/change\/.*/, "/change/CHANGE"), body: body === "" ? null : body }));
    const sorted = (calls: readonly object[]): string[] => calls.map((call) => JSON.stringify(call)).toSorted();
    expect(sorted(heard)).toEqual(sorted(printed));
  });

  test("waits for all servers as long as there is time, and says where they have not all followed", async () => {
    await using at = await scene();
    at.standIn.pendingPolls = 2;
    expect(await at.traffic.switch(await toUs(at.traffic), NEVER)).toMatchObject({ kind: "switched", entry: { value: `${US}, TTL 60 s` } });
    expect(at.standIn.count("get_change")).toBe(3);
    at.standIn.pendingPolls = 1_000;
    const started = at.clock.now();
    const order = { entry: await first(at.traffic), to: "eu", mark: mark("eu", 3) };
    expect(await at.traffic.switch(order, NEVER)).toMatchObject({ kind: "switched", entry: { leadsTo: "eu", value: `${EU}, TTL 60 s, not yet on all servers of Route 53` } });
    expect(at.clock.now() - started).toBeLessThan(TRAFFIC_DEADLINE_MS);
  });

  test.each([false, true])("is refused in Route 53's words where it is for its content, with a code: %s", async (coded) => {
    await using at = await scene([plain("shop.example.com", "A", EU), plain("_shopkeeper.shop.example.com", "CNAME", "elsewhere.example.net")]);
    at.standIn.coded = coded;
    const before = state(at.standIn);
    await expect(at.traffic.adopt(await first(at.traffic), mark("eu", 0), NEVER)).rejects.toEqual(failing("INVALID", "a conflicting RRSet of type CNAME with the same DNS name already exists"));
    expect(state(at.standIn)).toEqual(before);
  });
});

describe("a switch over what no longer stands", () => {
  test.each([
    ["the value", plain("shop.example.com", "A", "192.0.2.1")],
    ["the TTL", plain("shop.example.com", "A", EU, 300)],
    ["the mark", marked("eu", 2)],
    ["somebody's words instead of the mark", companion("mine now")],
  ])("is not made: %s has changed", async (_what, changed) => {
    await using at = await scene();
    const order = await toUs(at.traffic);
    put(at.standIn, changed);
    const before = state(at.standIn);
    const outcome = await at.traffic.switch(order, NEVER);
    expect(outcome).toEqual({ kind: "moved", found: await first(at.traffic) });
    expect(state(at.standIn)).toEqual(before);
    expect(at.standIn.count("change")).toBe(0);
  });

  /** Compared, and then paused before the write arrives; meanwhile another daemon switches. */
  test.each([false, true])("is refused by Route 53 itself when the writer was paused between compare and write, and the value is already as ordered; a code: %s", async (coded) => {
    await using at = await scene();
    at.standIn.coded = coded;
    const other = at.open();
    const order = await toUs(at.traffic);
    const paused = at.standIn.hold("change");
    const late = at.traffic.switch(order, NEVER);
    await paused.arrived;
    const by = await other.switch({ ...order, mark: mark("us", 3) }, NEVER);
    const before = state(at.standIn);
    await paused.release();
    expect(by.kind).toBe("switched");
    expect(await late).toEqual({ kind: "moved", found: (by as { entry: unknown }).entry });
    expect(state(at.standIn)).toEqual(before);
  });

  test("is refused even when it arrives long after its writer has given up", async () => {
    await using at = await scene();
    const order = await toUs(at.traffic);
    const paused = at.standIn.hold("change");
    const late = at.traffic.switch(order, NEVER);
    await paused.arrived;
    at.clock.pass(1_450);
    await expect(late).rejects.toEqual(failing("UNCERTAIN", "it had not landed when it was read afterwards"));
    await at.open().switch({ ...order, mark: mark("us", 3) }, NEVER);
    const before = state(at.standIn);
    await paused.release();
    expect(state(at.standIn)).toEqual(before);
  });
});

describe("a record that is not ours", () => {
  test.each([
    ["without a mark", [], "bears no mark of ours"],
    ["with somebody's words beside it", [companion("ask Ann")], "ask Ann"],
    ["of another site", [marked("eu", 1, "other")], 'marked by the site "other"'],
  ])("is never switched: %s", async (_what, beside, words) => {
    await using at = await scene([plain("shop.example.com", "A", EU), ...beside]);
    const before = state(at.standIn);
    await expect(at.traffic.switch(await toUs(at.traffic), NEVER)).rejects.toEqual(failing("NOT_OURS", words));
    expect(at.standIn.count("change")).toBe(0);
    expect(state(at.standIn)).toEqual(before);
  });

  test("is adopted where it bears nothing, and nothing but the mark is added", async () => {
    await using at = await scene([plain("shop.example.com", "A", EU)]);
    expect(await at.traffic.adopt(await first(at.traffic), mark("eu", 0), NEVER)).toMatchObject({ kind: "switched", entry: { mark: mark("eu", 0) } });
    expect(state(at.standIn)).toEqual([`shop.example.com. 60 A ${EU}`, `_shopkeeper.shop.example.com. 60 TXT "${formatMark(mark("eu", 0))}"`]);
  });

  test("is not adopted over what has changed", async () => {
    await using at = await scene([plain("shop.example.com", "A", EU)]);
    const entry = await first(at.traffic);
    put(at.standIn, companion("ask Ann"));
    expect(await at.traffic.adopt(entry, mark("eu", 0), NEVER)).toMatchObject({ kind: "moved", found: { foreign: "ask Ann" } });
  });

  test("is not switched where it is none of the records configured", async () => {
    await using at = await scene();
    const order = await toUs(at.traffic);
    await expect(at.traffic.switch({ ...order, entry: { ...order.entry, name: "other.example.com A" } }, NEVER)).rejects.toEqual(failing("INVALID", "none of the records configured"));
    expect(at.standIn.count("change")).toBe(0);
  });
});
