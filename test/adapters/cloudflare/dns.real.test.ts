import { describe, expect, test } from "vitest";
import { createCloudflareDns, type CloudflareDnsConfig, type CloudflareRecord } from "../../../src/adapters/cloudflare/dns.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { TrafficError, type Traffic } from "../../../src/ports/traffic.ts";
import { REFUSALS } from "../../../demo/cloudflare/control.ts";
import type { NewRecord } from "../../../demo/cloudflare/world.ts";
import { accountToken, startDaemons, tokenValue } from "../../support/cloudflare-daemons.ts";
import { serveHttp } from "../../support/faulty-server.ts";
import { CloudflareClient } from "../../../src/adapters/cloudflare/client.ts";
import { createLeanHttp } from "../../../src/adapters/lean-http.ts";
import { createSystemClock } from "../../../src/adapters/system-clock.ts";
import { Secret } from "../../../src/config/secret.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const signal = new AbortController().signal;
const NAME = "shop.example.com";
const MARK = "shopkeeper site=shop region=primary epoch=1 at=1000";
const A: CloudflareRecord = { name: NAME, type: "A", proxied: false, ttl: 60, values: { primary: "203.0.113.1", secondary: "203.0.113.2" } };
const AAAA: CloudflareRecord = { name: NAME, type: "AAAA", proxied: false, ttl: 60, values: { primary: "2001:db8::1", secondary: "2001:db8::2" } };
const FIRST: NewRecord = { name: NAME, type: "A", content: "203.0.113.1", comment: MARK };

const to = (region: string, epoch = 2) => ({ to: region, mark: { site: "shop", region, epoch, flippedAt: 2_000 } });

async function open(config: Partial<CloudflareDnsConfig> = {}, options: Parameters<typeof startDaemons>[2] = {}, clock: Clock = createSystemClock()) {
  const daemons = await startDaemons([accountToken("a"), accountToken("b")], null, options, clock);
  const { world, control } = daemons.cloudflare;
  const traffic = daemons.keep(createCloudflareDns({ site: "shop", zoneId: world.zoneId, accountId: null, shadow: null, records: [A], ...config }, daemons.client("a"), clock));
  return { daemons, world, control, traffic, [Symbol.asyncDispose]: () => daemons[Symbol.asyncDispose]() };
}

async function errorOf(work: Promise<unknown>): Promise<TrafficError> {
  const error = await work.then((value) => expect.fail(`it was ${JSON.stringify(value)}`), (reason: unknown) => reason);
  return error instanceof TrafficError ? error : expect.fail(`it is not typed: ${String(error)}`);
}

async function only(traffic: Traffic) {
  const [entry] = await traffic.read(signal);
  return entry ?? expect.fail("nothing was read");
}

describe("records at Cloudflare", () => {
  test("a name that is not in the zone is not found", async () => {
    await using scene = await open();
    expect(await errorOf(scene.traffic.read(signal))).toMatchObject({ code: "NOT_FOUND", message: `the zone has no record ${NAME} A` });
  });

  test("two records of one name and type are refused with the reason, also when the second comes between reading and switching", async () => {
    await using scene = await open();
    await scene.world.addRecord(FIRST);
    const entry = await only(scene.traffic);
    await scene.world.addRecord({ ...FIRST, content: "203.0.113.7" });
    const error = await errorOf(scene.traffic.switch({ entry, ...to("secondary") }, signal));
    expect(error).toMatchObject({ code: "INVALID", message: `the zone has 2 records ${NAME} A, and a change would move one of them alone; leave one` });
    expect((await errorOf(scene.traffic.read(signal))).code).toBe("INVALID");
    expect(scene.control.seen.filter(({ method }) => method === "PATCH")).toEqual([]);
  });

  test("records of one name are looked at in one call, and switched one by one", async () => {
    await using scene = await open({ records: [A, AAAA] });
    await scene.world.addRecord(FIRST);
    await scene.world.addRecord({ ...FIRST, type: "AAAA", content: "2001:db8::1" });
    const entries = await scene.traffic.read(signal);
    expect(entries.map(({ name, leadsTo }) => [name, leadsTo])).toEqual([[`${NAME} A`, "primary"], [`${NAME} AAAA`, "primary"]]);
    expect(scene.control.seen).toHaveLength(1);
    for (const entry of entries) expect(await scene.traffic.switch({ entry, ...to("secondary") }, signal)).toMatchObject({ kind: "switched" });
    expect((await scene.traffic.read(signal)).map(({ leadsTo }) => leadsTo)).toEqual(["secondary", "secondary"]);
  });

  test("nothing of a record is changed but its content and its comment, in the calls that were told", async () => {
    await using scene = await open();
    const { id } = await scene.world.addRecord({ ...FIRST, ttl: 300 });
    const entry = await only(scene.traffic);
    const told = scene.traffic.calls({ entry, ...to("secondary") });
    const before = scene.control.seen.length;
    expect(await scene.traffic.switch({ entry, ...to("secondary") }, signal)).toMatchObject({ kind: "switched" });
    const sent = scene.control.seen.slice(before).map(({ method, path }) => `${method} ${new URL(path, scene.daemons.cloudflare.url).href}`);
    expect(sent).toEqual(told.map(({ method, url }) => `${method} ${url}`));
    expect(JSON.parse(told[1]?.body ?? "")).toEqual({ content: "203.0.113.2", comment: "shopkeeper site=shop region=secondary epoch=2 at=2000" });
    expect(scene.world.records.get(id)).toMatchObject({ ttl: 300, proxied: false, tags: [] });
  });

  test("more entries than there may be are not taken", async () => {
    await expect(open({ records: Array.from({ length: 9 }, () => A) })).rejects.toThrow(RangeError);
  });

  test("what was not read here is not switched", async () => {
    await using scene = await open();
    await scene.world.addRecord(FIRST);
    const entry = await only(scene.traffic);
    for (const wrong of [{ ...entry, name: "other.example.com A" }, { ...entry, version: "{}" }, { ...entry, version: "not JSON" }]) {
      expect((await errorOf(scene.traffic.switch({ entry: wrong, ...to("secondary") }, signal))).code).toBe("INVALID");
    }
  });

  test("a record that goes away between compare and write is not found, and nothing is written", async () => {
    await using scene = await open();
    const { id } = await scene.world.addRecord(FIRST);
    const entry = await only(scene.traffic);
    const gate = scene.control.hold("PATCH", "before");
    const switched = errorOf(scene.traffic.switch({ entry, ...to("secondary") }, signal));
    await gate.reached;
    await scene.world.removeRecord(id);
    gate.open();
    expect(await switched).toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining("81044: Record does not exist.") });
  });

  test.each([
    ["proxied", { proxied: true }, "configured as not proxied"],
    ["with another TTL", { ttl: 300 }, "configured with TTL 60 s"],
    ["with an automatic TTL", { ttl: 1 }, "TTL 300 s; configured with TTL 60 s"],
  ])("a record that is %s and configured otherwise says so, and is switched as it is", async (_what, change, words) => {
    await using scene = await open();
    await scene.world.addRecord({ ...FIRST, ...change });
    const entry = await only(scene.traffic);
    expect(entry.value).toContain(words);
    expect(await scene.traffic.switch({ entry, ...to("secondary") }, signal)).toMatchObject({ kind: "switched", entry: { leadsTo: "secondary" } });
  });

  test("a TTL that is turned between write and reading back is somebody else's writing", async () => {
    await using scene = await open();
    const { id } = await scene.world.addRecord(FIRST);
    const entry = await only(scene.traffic);
    const gate = scene.control.hold("PATCH", "after");
    const switched = scene.traffic.switch({ entry, ...to("secondary") }, signal);
    await gate.reached;
    await scene.world.editRecord(id, { ttl: 3_600 });
    gate.open();
    expect(await switched).toMatchObject({ kind: "overwritten", found: { leadsTo: "secondary", staleForMs: 3_600_000 } });
  });

  test.each([971, 10429] as const)("over the limit (%i) nothing leaves until the lock-out is over; a daemon with a token of its own goes on", async (code) => {
    const clock = new ManualClock(1_700_000_000_000);
    await using scene = await open({}, { now: () => clock.now() }, clock);
    await scene.world.addRecord(FIRST);
    const other = scene.daemons.keep(createCloudflareDns({ site: "shop", zoneId: scene.world.zoneId, accountId: null, shadow: null, records: [A] }, scene.daemons.client("b"), clock));
    scene.control.fail("GET", { kind: "rate_limited", code, retryAfterSeconds: 300 });
    expect(await errorOf(scene.traffic.read(signal))).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 300_000, message: expect.stringContaining(String(code)) });
    const asked = scene.control.seen.length;
    await clock.advance(100_000);
    expect(await errorOf(scene.traffic.read(signal))).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 200_000, message: expect.stringContaining("until 2023-11-14T22:18:20.000Z") });
    expect(scene.control.seen).toHaveLength(asked);
    expect(await only(other)).toMatchObject({ leadsTo: "primary" });
    await clock.advance(200_000);
    expect(await only(scene.traffic)).toMatchObject({ leadsTo: "primary" });
  });

  test("the real limit is kept within: the last call of a window is the last that leaves", async () => {
    const clock = new ManualClock(1_700_000_000_000);
    await using scene = await open({}, { now: () => clock.now(), quota: { calls: 3, windowMs: 60_000, lockOutMs: 300_000 } }, clock);
    await scene.world.addRecord(FIRST);
    for (let call = 0; call < 3; call++) expect(await only(scene.traffic)).toMatchObject({ leadsTo: "primary" });
    expect(await errorOf(scene.traffic.read(signal))).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 60_000 });
    expect(scene.control.seen.map(({ status }) => status)).toEqual([200, 200, 200]);
    await clock.advance(60_000);
    expect(await only(scene.traffic)).toMatchObject({ leadsTo: "primary" });
  });

  test("an answer that dribbles and never ends is waited for no longer than the deadline", async () => {
    await using scene = await open();
    await scene.world.addRecord(FIRST);
    const entry = await only(scene.traffic);
    scene.control.fail("PATCH", { kind: "dribble", written: true });
    expect(await scene.traffic.switch({ entry, ...to("secondary") }, signal)).toMatchObject({ kind: "switched" });
    scene.control.fail("GET", { kind: "dribble", written: false }, 10);
    expect((await errorOf(scene.traffic.read(signal))).code).toBe("UNAVAILABLE");
  });

  test.each([
    ["10000", REFUSALS[10000], "UNAUTHORIZED"],
    ["81044", REFUSALS[81044], "NOT_FOUND"],
    ["81058", REFUSALS[81058], "INVALID"],
    ["9005", REFUSALS[9005], "INVALID"],
    ["971", REFUSALS[971], "RATE_LIMITED"],
    ["10429", REFUSALS[10429], "RATE_LIMITED"],
    ["429 that does not say for how long", { kind: "rate_limited", retryAfterSeconds: null } as const, "RATE_LIMITED"],
    ["81058 in a 200", { ...REFUSALS[81058], status: 200 }, "INVALID"],
    ["10000 in a 200", { ...REFUSALS[10000], status: 200 }, "UNAUTHORIZED"],
  ])("a change that is refused with %s is sent once and not made", async (_what, fault, code) => {
    await using scene = await open();
    const { id } = await scene.world.addRecord(FIRST);
    const entry = await only(scene.traffic);
    scene.control.fail("PATCH", fault);
    expect((await errorOf(scene.traffic.switch({ entry, ...to("secondary") }, signal))).code).toBe(code);
    expect(scene.control.seen.filter(({ method }) => method === "PATCH")).toHaveLength(1);
    expect(scene.world.records.get(id)).toMatchObject({ content: "203.0.113.1", comment: MARK });
  });

  test.each([
    ["a page of HTML", { kind: "html", status: 520 } as const],
    ["a failure with a code that nobody knows in a 200", { kind: "refused", status: 200, code: 4711, message: "?" } as const],
  ])("a change that is answered by %s is read back", async (_what, fault) => {
    await using scene = await open();
    await scene.world.addRecord(FIRST);
    const entry = await only(scene.traffic);
    if (fault.kind === "html") {
      scene.control.fail("PATCH", { ...fault, written: true });
      expect(await scene.traffic.switch({ entry, ...to("secondary") }, signal)).toMatchObject({ kind: "switched" });
    }
    const standing = await only(scene.traffic);
    scene.control.fail("PATCH", fault.kind === "html" ? { ...fault, written: false } : fault);
    expect((await errorOf(scene.traffic.switch({ entry: standing, ...to(standing.leadsTo === "primary" ? "secondary" : "primary", 3) }, signal))).code).toBe("UNCERTAIN");
    expect(await only(scene.traffic)).toEqual(standing);
  });

  test.each([true, false])("a connection that is reset under a change, written: %s, is read back", async (written) => {
    await using scene = await open();
    await scene.world.addRecord(FIRST);
    const entry = await only(scene.traffic);
    scene.control.fail("PATCH", { kind: "reset", written });
    const switched = scene.traffic.switch({ entry, ...to("secondary") }, signal);
    if (written) expect(await switched).toMatchObject({ kind: "switched" });
    else expect((await errorOf(switched)).code).toBe("UNCERTAIN");
    expect(scene.control.seen.filter(({ method }) => method === "PATCH")).toHaveLength(1);
  });

  test("an answer of more than is kept says nothing, whatever it would say whole", async () => {
    const body = JSON.stringify({ success: true, errors: [], messages: ["x".repeat(300_000)], result: [] });
    const served = await serveHttp((_request, response) => void response.writeHead(200, { "content-type": "application/json" }).end(body));
    const http = createLeanHttp({ clock: createSystemClock() });
    const client = new CloudflareClient({ http, clock: createSystemClock(), baseUrl: served.url, token: new Secret(tokenValue("a"), "${TOKEN}") });
    const traffic = createCloudflareDns({ site: "shop", zoneId: "0".repeat(32), accountId: null, shadow: null, records: [A] }, client, createSystemClock());
    expect(await errorOf(traffic.read(signal))).toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("more than could be read") });
    await traffic.close();
    await http.close();
    await served.close();
  });
});
