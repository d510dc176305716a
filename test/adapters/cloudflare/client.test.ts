import { describe, expect, test } from "vitest";
import { CloudflareClient, type Until } from "../../../src/adapters/cloudflare/client.ts";
import { createCloudflareDns } from "../../../src/adapters/cloudflare/dns.ts";
import { GET_RECORD, on, PATCH_RECORD } from "../../../src/adapters/cloudflare/schemas.ts";
import { Secret } from "../../../src/config/secret.ts";
import { TrafficError } from "../../../src/ports/traffic.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { scriptedHttp, type Scripted } from "../../support/scripted-http.ts";

const TOKEN = "cfat_0123456789abcdefghijklmnopqrstuvwxyz";
const ZONE = "023e105f4ecef8ad9ca31a8372d0c353";
const ID = "372e67954025e0ba6aaa6d586b9e0b59";
const RECORD = { id: ID, type: "A", name: "shop.example.com", content: "203.0.113.1", proxied: false, ttl: 60, comment: "shopkeeper site=shop region=primary epoch=1 at=1000", modified_on: "2026-01-01T05:20:00.12345Z" };

const ok = (result: unknown, headers: Readonly<Record<string, string>> = {}): Scripted => ({ status: 200, headers, body: JSON.stringify({ success: true, errors: [], messages: [], result }) });
const failed = (status: number, code: number, headers: Readonly<Record<string, string>> = {}, message = "no"): Scripted => ({ status, headers, body: JSON.stringify({ success: false, errors: [{ code, message }] }) });
const late = (afterMs: number, answer: Scripted): Scripted => (typeof answer === "object" && "status" in answer ? { ...answer, afterMs } : answer);
const HTML: Scripted = { status: 502, body: "<html>Bad gateway</html>" };

function scene(...script: readonly Scripted[]) {
  const clock = new ManualClock(1_700_000_000_000);
  const http = scriptedHttp(clock, (_request, number) => script[Math.min(number, script.length - 1)] ?? "hang");
  const client = new CloudflareClient({ http, clock, token: new Secret(TOKEN, "${CLOUDFLARE_TOKEN}") });
  const until = (ms = 4_500): Until => ({ at: clock.now() + ms, signal: new AbortController().signal });
  return { clock, http, client, until, get: () => client.get(on(GET_RECORD, [ZONE, ID]), until()), patch: () => client.patch(on(PATCH_RECORD, [ZONE, ID]), { comment: "x" }, until()) };
}

/** Moves the clock on until the work has ended. */
async function end<T>(clock: ManualClock, work: Promise<T>, ms = 5_000): Promise<T | TrafficError> {
  const ended = work.catch((error: unknown) => {
    if (error instanceof TrafficError) return error;
    throw error;
  });
  await clock.advance(ms);
  return ended;
}

describe("the client of Cloudflare's API", () => {
  test("asks with the token, at the public address", async () => {
    const { clock, http, get } = scene(ok(RECORD));
    expect(await end(clock, get())).toMatchObject({ content: "203.0.113.1" });
    expect(http.requests).toMatchObject([{ method: "GET", url: `https://api.cloudflare.com/client/v4/zones/${ZONE}/dns_records/${ID}`, headers: { authorization: `Bearer ${TOKEN}` } }]);
  });

  test.each([
    ["a page of HTML", HTML],
    ["a failure with 200 that says nothing", failed(200, 4711)],
    ["a lost connection", { cause: "reset" } as const],
    ["silence", "hang" as const],
  ])("asks again after %s", async (_what, fault) => {
    const { clock, http, get } = scene(fault, ok(RECORD));
    expect(await end(clock, get())).toMatchObject({ id: ID });
    expect(http.requests).toHaveLength(2);
  });

  test("gives up after the third time", async () => {
    const { clock, http, get } = scene(HTML);
    expect(await end(clock, get())).toMatchObject({ code: "UNAVAILABLE" });
    expect(http.requests).toHaveLength(3);
  });

  test.each([
    [failed(403, 10000), "UNAUTHORIZED"],
    [failed(200, 10000), "UNAUTHORIZED"],
    [failed(404, 81044), "NOT_FOUND"],
    [failed(400, 9005), "INVALID"],
  ])("does not ask again after a refusal", async (fault, code) => {
    const { clock, http, get } = scene(fault);
    expect(await end(clock, get())).toMatchObject({ code });
    expect(http.requests).toHaveLength(1);
  });

  test.each([
    ["a page of HTML", HTML],
    ["a failure with 200 that says nothing", failed(200, 4711)],
    ["a lost connection", { cause: "reset" } as const],
    ["silence", "hang" as const],
    ["an answer that is too long", { status: 200, body: "{", bodyCut: true }],
  ])("sends a change once, and says that its outcome is uncertain after %s", async (_what, fault) => {
    const { clock, http, patch } = scene(fault);
    expect(await end(clock, patch())).toMatchObject({ kind: "uncertain" });
    expect(http.requests).toMatchObject([{ method: "PATCH", body: '{"comment":"x"}' }]);
  });

  test.each(["refused", "resolve"] as const)("says that a change was never sent where the connection failed: %s", async (cause) => {
    const { clock, patch } = scene({ cause });
    expect(await end(clock, patch())).toMatchObject({ code: "UNAVAILABLE" });
  });

  test("lets no call leave while it is locked out, and says until when", async () => {
    const { clock, http, get, patch } = scene(failed(429, 10429, { "retry-after": "300" }), ok(RECORD));
    expect(await end(clock, get(), 0)).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 300_000 });
    await clock.advance(290_000);
    for (const call of [(): Promise<unknown> => get(), (): Promise<unknown> => patch()]) {
      expect(await end(clock, call(), 0)).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 10_000, message: expect.stringContaining("2023-11-14T22:18:20.000Z") });
    }
    expect(http.requests).toHaveLength(1);
    await clock.advance(10_000);
    expect(await end(clock, get(), 0)).toMatchObject({ id: ID });
  });

  test("believes no lock-out of more than five minutes", async () => {
    const { clock, http, get } = scene(failed(429, 971, { "retry-after": "86400" }), ok(RECORD));
    expect(await end(clock, get(), 0)).toMatchObject({ retryAfterMs: 300_000 });
    await clock.advance(300_000);
    expect(await end(clock, get(), 0)).toMatchObject({ id: ID });
    expect(http.requests).toHaveLength(2);
  });

  test("waits for what is over in a second, but sends no change twice", async () => {
    const short = failed(429, 971, { "retry-after": "1" });
    const reading = scene(short, ok(RECORD));
    expect(await end(reading.clock, reading.get())).toMatchObject({ id: ID });
    const writing = scene(short, ok(RECORD));
    expect(await end(writing.clock, writing.patch())).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 1_000 });
    expect(writing.http.requests).toHaveLength(1);
  });

  test("does not ask for what would lock it out: the window is used up", async () => {
    const { clock, http, client, get } = scene(ok(RECORD, { ratelimit: '"default";r=0;t=20', "ratelimit-policy": '"default";q=1200;w=300' }), ok(RECORD));
    await end(clock, get(), 0);
    expect(client.rateLimit).toEqual({ remaining: 0, resetsInMs: 20_000, quota: 1_200 });
    expect(await end(clock, get(), 0)).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 20_000 });
    expect(http.requests).toHaveLength(1);
    await clock.advance(20_000);
    expect(client.rateLimit).toBeNull();
    expect(await end(clock, get(), 0)).toMatchObject({ id: ID });
  });

  test("waits for a window that is over within a second, and asks then", async () => {
    const { clock, http, get } = scene(ok(RECORD, { ratelimit: '"burst";r=0;t=1' }), ok(RECORD));
    await end(clock, get(), 0);
    const second = get();
    await clock.advance(999);
    expect(http.requests).toHaveLength(1);
    expect(await end(clock, second)).toMatchObject({ id: ID });
    expect(http.requests).toHaveLength(2);
  });

  test("conceals the token where the other side repeats it", async () => {
    const { clock, get } = scene(failed(403, 10000, {}, `Bearer ${TOKEN} may not`));
    const error = await end(clock, get());
    expect(error).toMatchObject({ code: "UNAUTHORIZED", message: expect.stringContaining("Bearer ${CLOUDFLARE_TOKEN} may not") });
    expect(JSON.stringify(error instanceof Error ? [error.message, error.stack, error.cause] : [])).not.toContain(TOKEN);
  });
});

describe("time at Cloudflare", () => {
  const dns = (...script: readonly Scripted[]) => {
    const made = scene(...script);
    const config = { site: "shop", zoneId: ZONE, accountId: null, shadow: null, records: [{ name: "shop.example.com", type: "A" as const, proxied: false, ttl: 60, values: { primary: "203.0.113.1", secondary: "203.0.113.2" } }] };
    return { ...made, traffic: createCloudflareDns(config, made.client, made.clock) };
  };
  const signal = new AbortController().signal;
  const order = async ({ traffic, clock }: ReturnType<typeof dns>) => {
    const read = await end(clock, traffic.read(signal), 0);
    const [entry] = read instanceof TrafficError ? [] : read;
    if (entry === undefined) throw new Error("nothing was read");
    return { entry, to: "secondary", mark: { site: "shop", region: "secondary", epoch: 2, flippedAt: 2_000 } };
  };

  test("reading ends at its deadline, however long nothing is heard", async () => {
    const { clock, http, traffic } = dns("hang");
    expect(await end(clock, traffic.read(signal), 4_500)).toMatchObject({ code: "UNAVAILABLE" });
    expect(http.requests).toHaveLength(3);
    expect(clock.waiting).toBe(0);
  });

  test("nothing is written where reading left no time to read it back", async () => {
    const made = dns(ok([RECORD]), "hang", late(1_000, ok([RECORD])));
    const switched = made.traffic.switch(await order(made), signal);
    expect(await end(made.clock, switched, 4_500)).toMatchObject({ code: "UNAVAILABLE" });
    expect(made.http.requests.map(({ method }) => method)).toEqual(["GET", "GET", "GET"]);
  });

  test("a change that hangs leaves a second to read back that it landed", async () => {
    const landed = { ...RECORD, content: "203.0.113.2", comment: "shopkeeper site=shop region=secondary epoch=2 at=2000", modified_on: "2026-01-01T05:21:00Z" };
    const made = dns(ok([RECORD]), "hang", late(850, ok([RECORD])), "hang", late(950, ok(landed)));
    const switched = made.traffic.switch(await order(made), signal);
    expect(await end(made.clock, switched, 4_500)).toMatchObject({ kind: "switched", entry: { leadsTo: "secondary" } });
    expect(made.http.requests.map(({ method }) => method)).toEqual(["GET", "GET", "GET", "PATCH", "GET"]);
  });

  test("a switch of which nothing more is heard after its compare ends at its deadline, uncertain", async () => {
    const made = dns(ok([RECORD]), ok([RECORD]), "hang");
    const switched = made.traffic.switch(await order(made), signal);
    expect(await end(made.clock, switched, 4_500)).toMatchObject({ code: "UNCERTAIN" });
    expect(made.http.requests.filter(({ method }) => method === "PATCH")).toHaveLength(1);
    expect(made.clock.waiting).toBe(0);
  });

  test("a reader that lags behind the writer is asked a second time", async () => {
    const landed = { ...RECORD, content: "203.0.113.2", comment: "shopkeeper site=shop region=secondary epoch=2 at=2000", modified_on: "2026-01-01T05:21:00Z" };
    const made = dns(ok([RECORD]), ok([RECORD]), ok(landed), ok(RECORD), ok(landed));
    const switched = made.traffic.switch(await order(made), signal);
    expect(await end(made.clock, switched, 4_500)).toMatchObject({ kind: "switched" });
  });

  test("who closes it ends what is under way", async () => {
    const { clock, traffic } = dns("hang");
    const read = traffic.read(signal);
    await traffic.close();
    expect(await end(clock, read, 0)).toMatchObject({ code: "UNAVAILABLE" });
  });
});
