import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import { ACTION_MS, LET_GO_MS, MAX_EXTRA_MS } from "../../src/engine/carry-out.ts";
import type { RefusalCode } from "../../src/ports/control.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { adminListener } from "../../src/server/admin-listener.ts";
import { PROBLEMS } from "../../src/server/problem.ts";
import { knownToken } from "../../src/server/tokens.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { entryOf, fakeControl, NOW, type FakeControl } from "./fake-control.ts";

const TOKENS = { ada: "token-of-ada", bob: "token-of-bob", eve: "token-of-eve" } as const;
type Who = keyof typeof TOKENS | null;

let app: ReturnType<typeof adminListener>;
let control: FakeControl;
let ledger: Ledger;
let troubles: string[];

beforeEach(() => {
  control = fakeControl();
  ledger = createMemoryLedger(new ManualClock(NOW), { maxAgeMs: 86_400_000, maxBytes: 1e7 });
  troubles = [];
  const tokens = [knownToken("ada", "operator", TOKENS.ada), knownToken("bob", "viewer", TOKENS.bob), knownToken("eve", "approver", TOKENS.eve)];
  app = adminListener({ control, ledger, regions: () => null, tokens, trouble: (detail) => troubles.push(detail) });
});
afterEach(async () => {
  await app.close();
  await ledger.close();
});

async function call(method: "GET" | "POST", path: string, who: Who = "ada", payload?: object | string) {
  const answer = await app.inject({
    method,
    url: `/api/v1/${path}`,
    headers: { ...(who === null ? {} : { authorization: `Bearer ${TOKENS[who]}` }), ...(payload === undefined ? {} : { "content-type": "application/json" }) },
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

const READ = ["status", "why/app", "ledger"];
const ORDERS: readonly (readonly [string, object])[] = [
  ["ack", { target: "app", why: "seen" }],
  ["pause", { scope: "all", why: "deploy" }],
  ["resume", { scope: "all", why: "done" }],
  ["restart", { target: "app", why: "stuck" }],
];

describe("who may what", () => {
  test.each([...READ.map((path) => ["GET", path] as const), ...ORDERS.map(([path]) => ["POST", path] as const)])("%s %s without a token is 401 and says how to ask", async (method, path) => {
    const answer = await call(method, path, null, method === "POST" ? {} : undefined);
    expect(answer).toMatchObject({ status: 401, headers: { "www-authenticate": 'Bearer realm="shopkeeper"', "content-type": "application/problem+json; charset=utf-8" }, body: { code: "UNAUTHORIZED", status: 401, type: "about:blank" } });
    expect(answer.body.detail).toContain("Authorization: Bearer");
  });

  test.each(READ)("any role reads %s", async (path) => {
    for (const who of ["ada", "bob", "eve"] as const) expect((await call("GET", path, who)).status).toBe(200);
  });

  test.each(ORDERS)("%s needs an operator: viewers and approvers get 403 before their body is looked at", async (path) => {
    expect(await call("POST", path, "bob", { nonsense: true })).toMatchObject({ status: 403, body: { code: "FORBIDDEN", detail: "bob is viewer; this needs operator" } });
    expect(await call("POST", path, "eve", { nonsense: true })).toMatchObject({ status: 403, body: { detail: "eve is approver; this needs operator" } });
    expect(control.orders).toEqual([]);
  });
});

describe("reading", () => {
  test("status is the whole snapshot", async () => {
    expect((await call("GET", "status")).body).toEqual({ ...control.state, regions: null });
  });

  test("why of an unknown target is 404 and names those there are", async () => {
    expect((await call("GET", "why/app")).body).toMatchObject({ target: "app", status: "unhealthy" });
    expect((await call("GET", "why/site")).status).toBe(200);
    expect(await call("GET", "why/nobody")).toMatchObject({ status: 404, body: { code: "NOT_FOUND", detail: 'no target "nobody"; there are: app, site' } });
  });

  test("the ledger is filtered by time, number, kind, target and count", async () => {
    for (const [index, kind] of (["hold", "intent", "outcome", "hold"] as const).entries()) {
      await ledger.append(entryOf({ at: NOW - 60_000 + index * 1_000, kind, target: index === 3 ? "other" : "app", text: `entry ${index}` }));
    }
    const texts = async (query: string): Promise<readonly string[]> => {
      const { entries } = (await call("GET", `ledger${query}`)).body as { entries: { text: string }[] };
      return entries.map((entry) => entry.text);
    };
    expect(await texts("")).toEqual(["entry 0", "entry 1", "entry 2", "entry 3"]);
    expect(await texts(`?since=${NOW - 58_000}`)).toEqual(["entry 2", "entry 3"]);
    expect(await texts("?after=2")).toEqual(["entry 2", "entry 3"]);
    expect(await texts("?kind=hold")).toEqual(["entry 0", "entry 3"]);
    expect(await texts("?target=other")).toEqual(["entry 3"]);
    expect(await texts("?kind=hold&target=app")).toEqual(["entry 0"]);
    expect(await texts("?limit=1")).toEqual(["entry 3"]);
  });

  test.each([
    ["?kind=holds", /kind: .*"hold"/],
    ["?limit=0", /limit: .*1/],
    ["?limit=10001", /limit: .*10000/],
    ["?since=yesterday", /since: .*number/],
    ["?until=5", /until/],
  ])("a ledger query %s is 400 and says what was expected", async (query, detail) => {
    expect(await call("GET", `ledger${query}`)).toMatchObject({ status: 400, body: { code: "INVALID_REQUEST", detail: expect.stringMatching(detail) } });
  });
});

describe("ordering", () => {
  test("each order reaches the daemon with who gave it, why and its end", async () => {
    await call("POST", "ack", "ada", { target: "app", check: "page", for: "2h", why: "looking" });
    await call("POST", "pause", "ada", { scope: "policy:pod_restart", for: "30m", why: "deploy" });
    await call("POST", "pause", "ada", { scope: "target:pod/a:b", why: "deploy" });
    await call("POST", "resume", "ada", { scope: "all", why: "done" });
    await call("POST", "restart", "ada", { target: "app", why: "stuck", dry_run: true });
    expect(control.orders).toEqual([
      { command: "ack", who: "ada", why: "looking", dryRun: false, target: "app", check: "page", forMs: 7_200_000 },
      { command: "pause", who: "ada", why: "deploy", dryRun: false, scope: { kind: "policy", policy: "pod_restart" }, forMs: 1_800_000 },
      { command: "pause", who: "ada", why: "deploy", dryRun: false, scope: { kind: "target", target: "pod/a:b" }, forMs: null },
      { command: "resume", who: "ada", why: "done", dryRun: false, scope: { kind: "all" } },
      { command: "restart", who: "ada", why: "stuck", dryRun: true, target: "app" },
    ]);
  });

  test("what was done, and what would be done, is the answer", async () => {
    expect(await call("POST", "restart", "ada", { target: "app", why: "stuck" })).toMatchObject({ status: 200, body: { kind: "done", text: "it was done", actionId: "a-1" } });
    expect((await call("POST", "restart", "ada", { target: "app", why: "stuck", dry_run: true })).body).toEqual({ kind: "would", text: "would restart" });
  });

  test.each<[RefusalCode, number, string]>([
    ["HELD", 409, "REFUSED"],
    ["NOTHING_TO_DO", 409, "REFUSED"],
    ["FAILED", 409, "REFUSED"],
    ["UNKNOWN_TARGET", 404, "NOT_FOUND"],
    ["UNKNOWN_POLICY", 404, "NOT_FOUND"],
    ["UNKNOWN_CHECK", 404, "NOT_FOUND"],
  ])("a refusal %s is %d %s with the reason", async (code, status, problem) => {
    control.answer = { kind: "refused", code, text: "the last copy would be lost" };
    expect(await call("POST", "restart", "ada", { target: "app", why: "stuck" })).toMatchObject({ status, body: { code: problem, detail: "the last copy would be lost" } });
  });

  test.each<[string, object | string, RegExp]>([
    ["restart", { target: "app" }, /^why: /],
    ["restart", { target: "app", why: "" }, /^why: /],
    ["restart", { target: "app", why: "x".repeat(501) }, /^why: .*500/],
    ["restart", { target: "app", why: "stuck", force: true }, /force/],
    ["restart", { target: 5, why: "stuck" }, /^target: .*string/],
    ["pause", { scope: "everything", why: "deploy" }, /^scope: "all", "policy:NAME" or "target:NAME" was expected/],
    ["pause", { scope: "all", why: "deploy", for: "30" }, /^for: a duration such as "30m" was expected, not "30"/],
    ["ack", [], /object/],
    ["ack", "{not json", /JSON/],
  ])("%s with a wrong body is 400 and says what was expected (%#)", async (path, payload, detail) => {
    expect(await call("POST", path, "ada", payload)).toMatchObject({ status: 400, body: { code: "INVALID_REQUEST", detail: expect.stringMatching(detail) } });
    expect(control.orders).toEqual([]);
  });

  test("a body of more than 16 KiB is refused without being read", async () => {
    expect(await call("POST", "restart", "ada", { target: "app", why: "x".repeat(20_000) })).toMatchObject({ status: 400, body: { code: "INVALID_REQUEST", detail: expect.stringContaining("too large") } });
    expect(control.orders).toEqual([]);
  });
});

describe("what goes wrong", () => {
  test("an unknown path or method is 404 as a problem", async () => {
    expect(await call("GET", "nothing")).toMatchObject({ status: 404, body: { code: "NOT_FOUND", detail: "there is no GET /api/v1/nothing" } });
    expect((await call("POST", "status", "ada", {})).status).toBe(404);
  });

  test("an error of ours is told to the log, not to the asker", async () => {
    await app.close();
    app = adminListener({ control, regions: () => null, tokens: [knownToken("ada", "operator", TOKENS.ada)], trouble: (detail) => troubles.push(detail), ledger: { query: () => Promise.reject(new Error("disk of the test is full")) } });
    expect(await call("GET", "ledger")).toMatchObject({ status: 500, body: { code: "INTERNAL", detail: "see the daemon's log" } });
    expect(troubles).toEqual([expect.stringContaining("disk of the test is full")]);
  });

  test("every problem has a status of 4xx or 5xx and a title", () => {
    for (const { status, title } of Object.values(PROBLEMS)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(title).toMatch(/^[A-Z].*[^.]$/);
    }
  });
});

test("a connection waits for the longest restart there may be", () => {
  expect(app.server.timeout).toBeGreaterThan(ACTION_MS + MAX_EXTRA_MS + LET_GO_MS);
});
