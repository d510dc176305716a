/** Commands about regions, through the API as people use it. */
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import type { RegionsView } from "../../src/core/region/view.ts";
import type { OrderResult } from "../../src/ports/control.ts";
import type { RegionControl, RehearsalResult } from "../../src/ports/region-control.ts";
import { adminListener } from "../../src/server/admin-listener.ts";
import { knownToken } from "../../src/server/tokens.ts";
import { fakeControl, NOW } from "../server/fake-control.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { run as runIn, type Ran, type World } from "./recording-terminal.ts";

const VIEW: RegionsView = {
  here: "us", leadsTo: "us", standing: "buyers are led to us; us epoch 2 is right", epoch: 2, blockedUntil: NOW + 1_800_000, provider: "cloudflare_dns", onlyRecords: null,
  decision: "stay: buyers are led to us, which is here", entries: [{ name: "shop.example.com A", leadsTo: "us", value: "198.51.100.9, proxied" }],
  regions: [
    { name: "eu", floor: 2, sees: "down", since: NOW - 90_000, detail: "timeout: late", says: null },
    { name: "us", floor: 2, sees: "up", since: NOW - 3_600_000, detail: "", says: { status: "healthy", selling: true, ready: 3, givesUp: null, parity: "not_measured" } },
  ],
  observers: [
    { observer: "eu", askedAt: NOW - 20_000, heardAt: NOW - 80_000, why: "timeout: late" },
    { observer: "ap", askedAt: NOW - 20_000, heardAt: NOW - 20_000, why: null },
    { observer: "home", askedAt: NOW - 20_000, heardAt: null, why: "refused: ECONNREFUSED" },
    { observer: "away", askedAt: null, heardAt: null, why: null },
  ],
};

let asked: unknown[];
let given: OrderResult;
let rehearsal: RehearsalResult;
let regions: RegionControl | null;
let listener: ReturnType<typeof adminListener>;
let server: string;

beforeEach(async () => {
  asked = [];
  given = { kind: "done", text: "flip from eu to us, epoch 2 (manual)", actionId: "" };
  rehearsal = { kind: "done", name: "drill.example.com", type: "A", from: "eu", to: "us", value: null, tookMs: 812 };
  const note = (name: string) => async (order: unknown) => (asked.push([name, order]), given);
  regions = { view: () => VIEW, failover: note("failover"), adopt: note("adopt"), acknowledge: note("ack"), rehearse: async (order) => (asked.push(["rehearse", order]), rehearsal) };
  listener = adminListener({
    control: fakeControl(), ledger: createMemoryLedger(new ManualClock(NOW), { maxAgeMs: 1_000, maxBytes: 1e6 }), regions: () => regions,
    tokens: [knownToken("ada", "operator", "token-of-ada"), knownToken("bob", "viewer", "token-of-bob")], trouble: (detail) => expect.unreachable(detail),
  });
  await listener.listen({ host: "127.0.0.1", port: 0 });
  server = `http://127.0.0.1:${(listener.server.address() as AddressInfo).port}`;
});
afterEach(() => listener.close());

function run(args: readonly string[], world: World = {}): Promise<Ran> {
  return runIn(args, { ...world, env: { SHOPKEEPER_SERVER: server, SHOPKEEPER_TOKEN: "token-of-ada", ...world.env } });
}

test("status shows the regions: what is seen, what each says of itself, and where buyers are led", async () => {
  const { out } = await run(["status"]);
  const shown = out.slice(out.indexOf("REGION"));
  expect(shown).toContain("eu           down          1m30s  not heard         timeout: late");
  expect(shown).toContain("us (buyers)  up            1h     healthy, 3 ready");
  expect(shown).toContain("buyers are led to us; us epoch 2 is right");
  expect(shown).toContain("no other failover for 30m, unless a person acknowledges the last one");
  expect(shown.slice(shown.indexOf("OBSERVER")).split("\n").slice(0, 5).map((line) => line.trim())).toEqual([
    "OBSERVER  LAST HEARD", "eu        1m20s ago      could not speak: timeout: late", "ap        20s ago", "home      never          could not speak: refused: ECONNREFUSED", "away      not asked yet",
  ]);
  expect(JSON.parse((await run(["status", "--json"])).out)).toMatchObject({ regions: VIEW });
});

describe("failover and failback", () => {
  test.each<[readonly string[], unknown]>([
    [["failover", "--to", "us"], ["failover", { who: "ada", why: "the uplink", dryRun: false, to: "us" }]],
    [["failover", "--to", "us", "--dry-run"], ["failover", { who: "ada", why: "the uplink", dryRun: true, to: "us" }]],
    [["failback"], ["failover", { who: "ada", why: "the uplink", dryRun: false, to: null }]],
    [["failover", "--adopt"], ["adopt", { who: "ada", why: "the uplink", dryRun: false }]],
    [["failover", "--ack"], ["ack", { who: "ada", why: "the uplink", dryRun: false }]],
  ])("%j is ordered with who and why", async (args, expected) => {
    expect(await run([...args, "--why", "the uplink"])).toMatchObject({ code: 0, out: "flip from eu to us, epoch 2 (manual)\n" });
    expect(asked).toEqual([expected]);
  });

  test("what is refused is said with its reason, and nothing is ordered without a reason or by a viewer", async () => {
    given = { kind: "refused", code: "HELD", text: "hold (order): us has 1 pods ready and needs 2" };
    expect(await run(["failover", "--to", "us", "--why", "x"])).toMatchObject({ code: 1, err: "refused: hold (order): us has 1 pods ready and needs 2\n" });
    expect((await run(["failover", "--to", "us"])).code).toBe(2);
    expect((await run(["failover", "--why", "x"])).err).toContain("one of --to REGION, --adopt and --ack is needed");
    expect(await run(["failover", "--to", "us", "--why", "x"], { env: { SHOPKEEPER_TOKEN: "token-of-bob" } })).toMatchObject({ code: 1, err: expect.stringContaining("FORBIDDEN") });
    expect(asked).toHaveLength(1);
  });

  test("a shop of one region has none of it", async () => {
    regions = null;
    expect(await run(["failback", "--why", "x"])).toMatchObject({ code: 1, err: expect.stringContaining("no regions are configured here") });
    expect((await run(["status"])).out).not.toContain("REGION");
  });
});

describe("drill failover", () => {
  test("of a proxied record tells the provider's time, and that nobody waits for a resolver", async () => {
    expect(await run(["drill", "failover", "--to", "us", "--why", "x"])).toMatchObject({ code: 0, out: "drill.example.com A leads to us, from eu: changed at the provider and read back after 812ms\nit is proxied, so resolvers go on with the provider's own addresses: nobody waits for them\n" });
    expect(JSON.parse((await run(["drill", "failover", "--to", "us", "--why", "x", "--json"])).out)).toMatchObject({ provider_ms: 812, seen_ms: null, bound_ms: 60_000 });
  });

  test("fails where the bound does not hold, and for a resolver that is none", async () => {
    expect(await run(["drill", "failover", "--to", "us", "--why", "x", "--within", "500ms"])).toMatchObject({ code: 1, err: "the bound of 500ms does not hold\n" });
    expect(await run(["drill", "failover", "--to", "us", "--why", "x", "--resolver", "dns.example"])).toMatchObject({ code: 2, err: expect.stringContaining("--resolver") });
    rehearsal = { kind: "refused", code: "NOTHING_TO_DO", text: "no shadow record is configured" };
    expect(await run(["drill", "failover", "--to", "us", "--why", "x"])).toMatchObject({ code: 1, err: "refused: no shadow record is configured\n" });
  });
});
