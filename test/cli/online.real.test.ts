import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { adminListener } from "../../src/server/admin-listener.ts";
import { knownToken } from "../../src/server/tokens.ts";
import { entryOf, fakeControl, NOW, wellbeing, type FakeControl } from "../server/fake-control.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { run as runIn, type Ran, type World } from "./recording-terminal.ts";

let control: FakeControl;
let ledger: Ledger;
let listener: ReturnType<typeof adminListener>;
let server: string;

beforeEach(async () => {
  control = fakeControl();
  ledger = createMemoryLedger(new ManualClock(NOW), { maxAgeMs: 86_400_000, maxBytes: 1e7 });
  listener = adminListener({ control, ledger, regions: () => null, tokens: [knownToken("ada", "operator", "token-of-ada"), knownToken("bob", "viewer", "token-of-bob")], trouble: () => undefined });
  await listener.listen({ host: "127.0.0.1", port: 0 });
  server = `http://127.0.0.1:${(listener.server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await listener.close();
  await ledger.close();
});

function run(args: readonly string[], world: World = {}): Promise<Ran> {
  return runIn(args, { ...world, env: { SHOPKEEPER_SERVER: server, SHOPKEEPER_TOKEN: "token-of-ada", ...world.env } });
}

describe("status", () => {
  test("in an outage tells how bad, why, what buyers get, what is done and what holds it back", async () => {
    const { code, out } = await run(["status"]);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "my-shop is UNHEALTHY for 3m
        unhealthy: application at app for 3m
        Buyers get stored pages; the application is not asked.
        Some requests are not forwarded: their kind was in flight at two deaths of the application.
        What happens next: shopkeeper why app

      CHECK         TARGET  VERDICT                 FOR  LAST LOOK
      application   app     unhealthy               3m   fail (refused) 2s ago: connect ECONNREFUSED 127.0.0.1:3000
      shopify_api   site    degraded                1m   warn (assertion) 2s ago: api_latency 612ms, expected < 200ms
      page          app     unhealthy (suppressed)  3m   explained by shopify_api@site
      dependencies  site    inactive                     no redis: in shopkeeper.yaml

      ACTION                  TARGET  FOR          STATE                                BY
      restart_pod, attempt 2  app     application  done; verified or failed within 20s  shopkeeper

      LADDER  FOR          ATTEMPTS
      app     application  2, 1 failed, since 3m

      BREAKER            POSITION  FOR
      ingress:app        open      3m   held open by pulse: no pulse of app
      egress:storefront  closed    1h

      NOT FORWARDED     FOR
      GET product cart  1m30s  until the Storefront API is healthy
      POST other        1m     9m more at most

      WORKERS LOST  TIMES  LAST
      crashed       2      45s ago: RangeError: out of luck

      POLICY       MODE                                     HELD BACK BY
      pod_restart  act                                      cooldown: restarted 40s ago; asked again in 20s
      failover     observe (failover needs a DNS provider)

      PAUSED                     BY   WHY
      policy failover  30m more  ada  moving DNS

      ACKNOWLEDGED  CHECK                 BY   WHY
      app           page   until healthy  ada  looking at it
      "
    `);
  });

  test("in peace is short", async () => {
    control.state = wellbeing();
    expect((await run(["status"])).out).toMatchInlineSnapshot(`
      "my-shop is HEALTHY for 2h

      CHECK        TARGET  VERDICT  FOR  LAST LOOK
      application  app     healthy  1h   pass in 12ms, 4s ago
      shopify_api  site    healthy  1h   pass in 12ms, 4s ago

      BREAKER            POSITION  FOR
      ingress:app        closed    1h
      egress:storefront  closed    1h
      "
    `);
  });

  test("names what is not forwarded and which workers were lost, also where all is well", async () => {
    control.state = wellbeing({ gateway: { quarantined: [], workersLost: [{ loss: "not_ready", count: 1, lastAt: NOW - 60_000, lastDetail: "no ready within 15000 ms" }] } });
    const { out } = await run(["status"]);
    expect(out).toContain("WORKERS LOST  TIMES  LAST\ncannot start  1      1m ago: no ready within 15000 ms\n");
    expect(out).not.toContain("not forwarded");
    control.state = wellbeing({ gateway: null });
    expect((await run(["status"])).out).not.toContain("WORKERS");
  });

  test("says when our own network is gone", async () => {
    control.state = wellbeing({ networkLostSince: NOW - 90_000 });
    expect((await run(["status"])).out).toContain("Our own network has been gone for 1m30s");
  });

  test("--json is the snapshot, unchanged", async () => {
    expect(JSON.parse((await run(["status", "--json"])).out)).toEqual({ ...control.state, regions: null });
  });
});

describe("why", () => {
  test("is the sentences, once each", async () => {
    const { code, out } = await run(["why", "app"]);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "app is UNHEALTHY
        application is unhealthy since 3m ago; the last look 2s ago failed (refused): connect ECONNREFUSED
        pod_restart holds (cooldown): restarted 40s ago; asked again in 20s
      "
    `);
  });

  test("--json is the view", async () => {
    expect(JSON.parse((await run(["why", "app", "--json"])).out)).toMatchObject({ target: "app", status: "unhealthy", lines: expect.any(Array) });
  });

  test("of an unknown target is 1 and names those there are", async () => {
    expect(await run(["why", "ap/p"])).toMatchObject({ code: 1, out: "", err: 'NOT_FOUND: no target "ap/p"; there are: app, site\n' });
  });
});

describe("ledger", () => {
  const clock = (): ManualClock => new ManualClock(NOW);

  beforeEach(async () => {
    await ledger.append(entryOf({ at: NOW - 7_200_000, kind: "status", target: "site", subject: "", text: "site is healthy" }));
    for (let time = 0; time < 3; time += 1) await ledger.append(entryOf({ at: NOW - 60_000 + time * 2_000, foldKey: "cooldown" }));
    await ledger.append(entryOf({ at: NOW - 30_000, kind: "manual", who: "ada", text: "paused policy failover: moving DNS" }));
  });

  test("is one line an entry, oldest first, with counts and people", async () => {
    const { code, out } = await run(["ledger"], { clock: clock() });
    expect(code).toBe(0);
    expect(out.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}/g, "TIME")).toMatchInlineSnapshot(`
      "TIME  status              site     site is healthy
      TIME  hold                app      restart_process of app held by cooldown: restarted 40s ago (3 times, last TIME)
      TIME  manual              app      paused policy failover: moving DNS [ada]
      "
    `);
  });

  test("--since, --kind and --target leave entries out", async () => {
    const kinds = async (args: readonly string[]): Promise<readonly string[]> => {
      const { entries } = JSON.parse((await run(["ledger", "--json", ...args], { clock: clock() })).out) as { entries: { kind: string }[] };
      return entries.map((entry) => entry.kind);
    };
    expect(await kinds(["--since", "1h"])).toEqual(["hold", "manual"]);
    expect(await kinds(["--kind", "hold"])).toEqual(["hold"]);
    expect(await kinds(["--target", "site"])).toEqual(["status"]);
  });

  test("an empty one says so", async () => {
    expect((await run(["ledger", "--target", "nobody"], { clock: clock() })).out).toBe("nothing in the ledger for that time\n");
  });

  test.each([[["--since", "soon"], 2, "--since: a duration"], [["--kind", "holds"], 1, "kind: "]] as const)("%j is %d", async (args, code, words) => {
    expect(await run(["ledger", ...args], { clock: clock() })).toMatchObject({ code, out: "", err: expect.stringContaining(words) });
  });

  test("--follow prints what is added until it is told to stop, and each entry once", async () => {
    const stop = new AbortController();
    const time = clock();
    const following = run(["ledger", "--follow", "--json"], {
      clock: time,
      stop: stop.signal,
      wrote: (text) => {
        const lines = text.trimEnd().split("\n");
        if (lines.length === 3) void ledger.append(entryOf({ at: NOW, kind: "note", text: "added later" })).then(() => time.advance(1_000));
        if (lines.length === 4) stop.abort();
      },
    });
    const { code, out } = await following;
    expect(code).toBe(0);
    expect(out.trimEnd().split("\n").map((line) => (JSON.parse(line) as { text: string }).text)).toEqual(["site is healthy", expect.stringContaining("held by cooldown"), expect.stringContaining("moving DNS"), "added later"]);
  });
});

describe("orders", () => {
  test.each<[string, readonly string[], object]>([
    ["ack", ["ack", "app", "--check", "page", "--for", "2h"], { command: "ack", target: "app", check: "page", forMs: 7_200_000 }],
    ["pause", ["pause", "policy:pod_restart", "--for", "30m"], { command: "pause", scope: { kind: "policy", policy: "pod_restart" }, forMs: 1_800_000 }],
    ["pause without an end", ["pause", "all"], { command: "pause", scope: { kind: "all" }, forMs: null }],
    ["resume", ["resume", "target:app"], { command: "resume", scope: { kind: "target", target: "app" } }],
    ["restart", ["restart", "app"], { command: "restart", target: "app" }],
  ])("%s reaches the daemon with the reason, and prints what was done", async (_what, args, order) => {
    expect(await run([...args, "--why", "it is stuck"])).toEqual({ code: 0, out: "it was done\n", err: "" });
    expect(control.orders).toEqual([{ ...order, who: "ada", why: "it is stuck", dryRun: false }]);
  });

  test("--dry-run says what would happen, and --json says it for scripts", async () => {
    expect(await run(["restart", "app", "--why", "stuck", "--dry-run"])).toEqual({ code: 0, out: "would restart\n", err: "" });
    expect(control.orders).toEqual([expect.objectContaining({ dryRun: true })]);
    expect(JSON.parse((await run(["restart", "app", "--why", "stuck", "--json"])).out)).toEqual({ kind: "done", text: "it was done", actionId: "a-1" });
  });

  test("what the daemon refuses is 1 with the reason", async () => {
    control.answer = { kind: "refused", code: "HELD", text: "last_copy: the only pod that holds copies" };
    expect(await run(["restart", "app", "--why", "stuck"])).toEqual({ code: 1, out: "", err: "refused: last_copy: the only pod that holds copies\n" });
  });

  test("a wrong duration is 2 before anything is sent; a wrong scope is 1 with what was expected", async () => {
    expect(await run(["pause", "all", "--for", "a while", "--why", "deploy"])).toMatchObject({ code: 2, err: expect.stringContaining('--for: a duration such as "30m"') });
    expect(await run(["pause", "everything", "--why", "deploy"])).toMatchObject({ code: 1, err: expect.stringContaining('"all", "policy:NAME" or "target:NAME"') });
    expect(control.orders).toEqual([]);
  });

  test("a viewer's token is 1 and says what is missing", async () => {
    expect(await run(["restart", "app", "--why", "stuck"], { env: { SHOPKEEPER_TOKEN: "token-of-bob" } })).toMatchObject({ code: 1, err: "FORBIDDEN: bob is viewer; this needs operator\n" });
  });
});

describe("which daemon", () => {
  test("--server goes before SHOPKEEPER_SERVER, wherever it stands", async () => {
    for (const args of [["--server", server, "status"], ["status", "--server", `${server}/`]]) expect((await run(args, { env: { SHOPKEEPER_SERVER: "http://127.0.0.1:1" } })).code).toBe(0);
  });

  test("one that is away is 1 with a sentence that helps", async () => {
    const { code, out, err } = await run(["status"], { env: { SHOPKEEPER_SERVER: "http://127.0.0.1:1" } });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^no answer from the daemon at http:\/\/127\.0\.0\.1:1: .*Is "shopkeeper run" running\? Name another with --server or SHOPKEEPER_SERVER\.\n$/);
  });

  test("something else at that address is 1 and said", async () => {
    const other = createServer((_req, res) => res.writeHead(404).end("<h1>nginx</h1>"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    try {
      const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      expect(await run(["status", "--server", address])).toMatchObject({ code: 1, err: expect.stringContaining("answered 404, and not as Shopkeeper's API does") });
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  test("an unknown token is 1 and says where the right one is; none at all is 2", async () => {
    expect(await run(["status"], { env: { SHOPKEEPER_TOKEN: "wrong-token" } })).toMatchObject({ code: 1, err: expect.stringContaining("does not know this token: set SHOPKEEPER_TOKEN") });
    expect(await run(["status"], { env: { SHOPKEEPER_TOKEN: "" } })).toMatchObject({ code: 2, err: expect.stringContaining("set SHOPKEEPER_TOKEN") });
  });

  test("without a name it is the one of the shopkeeper.yaml here, with its operator's token", async () => {
    const folder = await mkdtemp(join(tmpdir(), "shopkeeper-cli-"));
    const site = (admin: string, rest: string): string => `site: shop\ntargets: { app: { url: http://127.0.0.1:3000 } }\nlisteners: { admin: "${admin}" }\n${rest}`;
    const env = { SHOPKEEPER_SERVER: "", SHOPKEEPER_TOKEN: "" };
    try {
      await writeFile(join(folder, "shopkeeper.yaml"), site(server.slice("http://".length), 'tokens: { bob: { role: viewer, value: "${BOB}" }, ada: { role: operator, value: "${ADA}" } }\n'));
      expect((await run(["restart", "app", "--why", "stuck"], { cwd: folder, env: { ...env, ADA: "token-of-ada", BOB: "token-of-bob" } })).code).toBe(0);
      await writeFile(join(folder, "shopkeeper.yaml"), site(server.slice("http://".length), ""));
      expect(await run(["status"], { cwd: folder, env })).toMatchObject({ code: 1, err: expect.stringContaining('"shopkeeper run" makes one at its first start') });
      await writeFile(join(folder, "shopkeeper.yaml"), site("off", ""));
      expect(await run(["status"], { cwd: folder, env })).toMatchObject({ code: 2, err: expect.stringContaining("has no admin listener") });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
