/** What goes wrong on the way, and what the credentials are good for: on the stand-in, through real sockets and the real SDK. */
import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Secret } from "../../../src/config/secret.ts";
import { formatMark } from "../../../src/core/region/mark.ts";
import { TRAFFIC_DEADLINE_MS, type Traffic, type TrafficErrorCode } from "../../../src/ports/traffic.ts";
import type { Fault } from "../../../demo/route53/stand-in.ts";
import { EU, first, KEY, mark, marked, NEVER, plain, put, scene, state, US } from "./scene.ts";

afterEach(() => vi.unstubAllEnvs());

const failing = (code: TrafficErrorCode, words = ""): unknown => expect.objectContaining({ name: "TrafficError", code, message: expect.stringContaining(words) as string });
const toUs = async (traffic: Traffic, epoch = 2) => ({ entry: await first(traffic), to: "us", mark: mark("us", epoch) });
const LEADS_TO_US = [`shop.example.com. 60 A ${US}`, `_shopkeeper.shop.example.com. 60 TXT "${formatMark(mark("us", 2))}"`];

describe("records that Route 53's own health checks decide", () => {
  const pair = [
    { ...plain("shop.example.com", "A", EU), setIdentifier: "a", failover: "PRIMARY", healthCheckId: "hc-eu" },
    { ...plain("shop.example.com", "A", US), setIdentifier: "b", failover: "SECONDARY" },
  ] as const;

  test("are read as such, and never switched or adopted", async () => {
    await using at = await scene([...pair, marked("eu", 1)]);
    const entry = await first(at.traffic);
    expect(entry).toMatchObject({ steered: "checked", leadsTo: "eu", value: `by Route 53's health checks: PRIMARY ${EU} (health check hc-eu), SECONDARY ${US}` });
    await expect(at.traffic.switch({ entry, to: "us", mark: mark("us", 2) }, NEVER)).rejects.toEqual(failing("INVALID", "steered through /health/region"));
    await expect(at.traffic.adopt(entry, mark("eu", 2), NEVER)).rejects.toEqual(failing("INVALID", "steered through /health/region"));
    expect(at.standIn.count("change")).toBe(0);
  });

  test("that became so after they were read are not switched either", async () => {
    await using at = await scene();
    const order = await toUs(at.traffic);
    at.standIn.zone.apply([{ action: "DELETE", set: plain("shop.example.com", "A", EU) }, ...pair.map((set) => ({ action: "CREATE", set }))]);
    expect(await at.traffic.switch(order, NEVER)).toMatchObject({ kind: "moved", found: { steered: "checked" } });
    expect(at.standIn.count("change")).toBe(0);
  });

  test.each([
    ["asks /health/region", { path: "/health/region" }, true, "asks eu.example.com/health/region every 10 s"],
    ["asks something else", { path: "/" }, false, "not steered by /health/region"],
    ["is disabled", { path: "/health/region", disabled: true }, false, "it is disabled"],
  ])("are proven where their health check %s", async (_what, check, ok, words) => {
    await using at = await scene([...pair, marked("eu", 1)]);
    at.standIn.healthChecks.set("hc-eu", { host: "eu.example.com", intervalS: 10, failures: 2, ...check });
    expect(await at.traffic.proveRights(NEVER)).toEqual({ ok, findings: ["It may read shop.example.com A.", expect.stringContaining(words)], ...(ok ? {} : { wrong: [expect.stringContaining(words)] }) });
  });

  test("are told to be idle where the primary has no health check", async () => {
    await using at = await scene([{ ...plain("shop.example.com", "A", EU), setIdentifier: "a", failover: "PRIMARY" }, pair[1]]);
    expect(await first(at.traffic)).toMatchObject({ steered: "unchecked", value: expect.stringContaining("PRIMARY has no health check, so it never fails over") });
    expect(await at.traffic.proveRights(NEVER)).toMatchObject({ ok: false, findings: expect.arrayContaining([expect.stringContaining("has no health check for a: Route 53 leads buyers there though the region is gone")]) });
  });
});

describe("a write without an answer", () => {
  test.each(["reset_after", "http_400_after", "http_500_after", "odd_200_after", "huge_after"] satisfies Fault[])("has landed where it is read so: %s", async (fault) => {
    await using at = await scene();
    at.standIn.fail("change", fault);
    expect(await at.traffic.switch(await toUs(at.traffic), NEVER)).toMatchObject({ kind: "switched", entry: { leadsTo: "us", mark: mark("us", 2) } });
    expect(state(at.standIn)).toEqual(LEADS_TO_US);
    expect(at.standIn.count("change")).toBe(1);
  });

  test.each(["reset_before", "http_500_before", "odd_200_before"] satisfies Fault[])("is uncertain where it has not landed yet, and never sent twice: %s", async (fault) => {
    await using at = await scene();
    at.standIn.fail("change", fault);
    await expect(at.traffic.switch(await toUs(at.traffic), NEVER)).rejects.toEqual(failing("UNCERTAIN", "it had not landed when it was read afterwards"));
    expect(at.standIn.count("change")).toBe(1);
  });

  test("is refused, and said to be so, by something between that never sent it on", async () => {
    await using at = await scene();
    at.standIn.fail("change", "http_400_before");
    await expect(at.traffic.switch(await toUs(at.traffic), NEVER)).rejects.toEqual(failing("INVALID", "HTTP 400, without a code"));
  });

  test("is uncertain where it cannot be read back either", async () => {
    await using at = await scene();
    const order = await toUs(at.traffic);
    const held = at.standIn.hold("change");
    at.standIn.fail("change", "http_500_after");
    const outcome = at.traffic.switch(order, NEVER);
    await held.arrived;
    at.standIn.fail("list", "http_500_before", 8);
    void held.release();
    await expect(outcome).rejects.toEqual(failing("UNCERTAIN", "nor could it be read"));
  });

  test("is uncertain where neither what was nor what was ordered is read", async () => {
    await using at = await scene();
    const order = await toUs(at.traffic);
    const held = at.standIn.hold("change");
    at.standIn.fail("change", "reset_after");
    const outcome = at.traffic.switch(order, NEVER);
    await held.arrived;
    put(at.standIn, plain("shop.example.com", "A", "192.0.2.1"));
    void held.release();
    await expect(outcome).rejects.toEqual(failing("UNCERTAIN", "neither as it was nor as ordered"));
  });
});

describe("limits", () => {
  test.each(["throttling", "prior_request"] as const)("%s: what was not carried out is sent again, a few times", async (fault) => {
    await using at = await scene();
    at.standIn.fail("change", fault, 2);
    expect(await at.traffic.switch(await toUs(at.traffic), NEVER)).toMatchObject({ kind: "switched" });
    expect(at.standIn.count("change")).toBe(3);
    expect(at.clock.pauses.slice(0, 2)).toEqual([150, 350]);
  });

  test("being asked to be left alone is said at last, with nothing written", async () => {
    await using at = await scene();
    const before = state(at.standIn);
    at.standIn.fail("change", "throttling", 100);
    await expect(at.traffic.switch(await toUs(at.traffic), NEVER)).rejects.toEqual(expect.objectContaining({ code: "RATE_LIMITED", retryAfterMs: 1_000 }));
    expect(at.standIn.count("change")).toBeLessThanOrEqual(4);
    expect(state(at.standIn)).toEqual(before);
  });

  test("being asked to be left alone is said also where the time of a reading runs out in a repeat", async () => {
    await using at = await scene();
    at.standIn.fail("list", "throttling", 2);
    const held = [at.standIn.hold("list"), at.standIn.hold("list")];
    const reading = at.traffic.read(NEVER).catch((error: unknown) => error);
    await Promise.all(held.map(({ arrived }) => arrived));
    at.clock.pass(TRAFFIC_DEADLINE_MS);
    expect(await reading).toEqual(failing("RATE_LIMITED", "Throttling"));
    for (const { release } of held) void release();
  });

  test("a change whose time runs out in a repeat is uncertain, whatever was answered before", async () => {
    await using at = await scene();
    const order = await toUs(at.traffic);
    at.standIn.fail("change", "throttling");
    const held = at.standIn.hold("change");
    const switching = at.traffic.switch(order, NEVER).catch((error: unknown) => error);
    await held.arrived;
    at.clock.pass(TRAFFIC_DEADLINE_MS);
    expect(await switching).toEqual(failing("UNCERTAIN"));
    void held.release();
  });

  test("each method ends in time when Route 53 does not answer", async () => {
    await using at = await scene();
    const order = await toUs(at.traffic);
    const holds = [at.standIn.hold("list"), at.standIn.hold("list")];
    const reading = at.traffic.read(NEVER);
    await Promise.all(holds.map(({ arrived }) => arrived));
    at.clock.pass(TRAFFIC_DEADLINE_MS);
    await expect(reading).rejects.toEqual(failing("UNAVAILABLE", "no answer within 1400 ms"));
    const held = at.standIn.hold("change");
    const switching = at.traffic.switch(order, NEVER);
    await held.arrived;
    at.clock.pass(TRAFFIC_DEADLINE_MS);
    await expect(switching).rejects.toEqual(failing("UNCERTAIN", "nor could it be read"));
    expect(at.standIn.count("change")).toBe(1);
  });

  test("a caller that gives up is let go at once", async () => {
    await using at = await scene();
    const order = await toUs(at.traffic);
    const caller = new AbortController();
    const hold = at.standIn.hold("change");
    const switching = at.traffic.switch(order, caller.signal);
    await hold.arrived;
    caller.abort();
    await expect(switching).rejects.toEqual(failing("UNCERTAIN", "the caller gave up"));
  });
});

describe("credentials", () => {
  test("that are not accepted are told without a word of what was signed", async () => {
    await using at = await scene();
    const wrong = new Secret("wrong-secret-wrong-secret", "${AWS_SECRET}");
    const traffic = at.open({ credentials: { accessKeyId: KEY.id, secretAccessKey: wrong, sessionToken: new Secret("a-session-token-of-ours", "${AWS_TOKEN}") } });
    const error: unknown = await traffic.read(NEVER).catch((caught: unknown) => caught);
    expect(error).toEqual(failing("UNAUTHORIZED", "SignatureDoesNotMatch"));
    const told = inspect(error, { depth: 20, showHidden: true });
    for (const secret of [wrong.reveal(), "a-session-token-of-ours", "Signature=", "x-amz-security-token"]) expect(told).not.toContain(secret);
  });

  test("without the right to change are told in Route 53's words", async () => {
    await using at = await scene();
    at.standIn.fail("change", "denied");
    await expect(at.traffic.switch(await toUs(at.traffic), NEVER)).rejects.toEqual(failing("UNAUTHORIZED", "not authorized to perform"));
  });

  test("come from the SDK's own chain where none are configured", async () => {
    await using at = await scene([plain("shop.example.com", "A", EU)], { credentials: null });
    vi.stubEnv("AWS_ACCESS_KEY_ID", KEY.id);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", KEY.secret);
    expect((await first(at.open())).leadsTo).toBe("eu");
  });

  test("that are nowhere to be found are asked for", async () => {
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]) vi.stubEnv(name, undefined);
    for (const name of ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"]) vi.stubEnv(name, "/nonexistent");
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    await using at = await scene([plain("shop.example.com", "A", EU)], { credentials: null });
    await expect(at.traffic.read(NEVER)).rejects.toEqual(failing("UNAUTHORIZED", "no credentials were found"));
  });

  test("are accepted from a machine whose clock is ten minutes wrong", async () => {
    await using at = await scene();
    at.standIn.clockOffsetMs = 600_000;
    expect(await at.traffic.switch(await toUs(at.traffic), NEVER)).toMatchObject({ kind: "switched" });
  });
});

describe("rights", () => {
  test("are proven by a batch that is refused for its content, and by the shadow record written as it was", async () => {
    const shadow = { name: "drill.example.com", type: "A" } as const;
    await using at = await scene([plain("shop.example.com", "A", EU), marked("eu", 1), plain("drill.example.com", "A", "192.0.2.1", 30), { ...marked("eu", 4), name: "_shopkeeper.drill.example.com." }], { shadow });
    const before = state(at.standIn);
    expect(await at.traffic.proveRights(NEVER)).toEqual({
      ok: true,
      findings: ["It may read shop.example.com A.", "It may change shop.example.com A and what stands beside: a batch over what never stood there was refused for that alone.", "It wrote the shadow record drill.example.com A as it was."],
    });
    expect(state(at.standIn)).toEqual(before);
    expect(at.standIn.count("change")).toBe(2);
  });

  test("are missing where Route 53 says so, for the records or the shadow", async () => {
    const shadow = { name: "drill.example.com", type: "A" } as const;
    await using at = await scene([plain("shop.example.com", "A", EU), plain("drill.example.com", "A", "192.0.2.1")], { shadow });
    at.standIn.fail("change", "denied");
    expect(await at.traffic.proveRights(NEVER)).toEqual({
      ok: false,
      findings: ["It may read shop.example.com A.", expect.stringContaining("not authorized to perform"), "The shadow record drill.example.com A bears no mark of this site, so it was left alone."],
      wrong: [expect.stringContaining("not authorized to perform"), "The shadow record drill.example.com A bears no mark of this site, so it was left alone."],
    });
  });

  test("are neither proven nor denied by an answer that says nothing", async () => {
    await using at = await scene();
    at.standIn.fail("change", "http_500_before");
    await expect(at.traffic.proveRights(NEVER)).rejects.toEqual(failing("UNAVAILABLE"));
  });
});
