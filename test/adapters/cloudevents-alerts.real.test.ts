import { createHmac } from "node:crypto";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCloudEventsAlerts, retryAfter } from "../../src/adapters/cloudevents-alerts.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createLeanHttp } from "../../src/adapters/lean-http.ts";
import { Secret } from "../../src/config/secret.ts";
import type { Alert } from "../../src/core/alert.ts";
import type { Alerts } from "../../src/ports/alerts.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Http } from "../../src/ports/http.ts";

const ALERT: Alert = {
  key: "00ff", state: "firing", severity: "page", site: "shop eu", target: "app", reason: "check_unhealthy", summary: "application is unhealthy — öffnen",
  startedAt: 1_760_000_000_000, at: 1_760_000_001_000, runbook: "docs/runbooks/check-unhealthy.md", details: { check: "application" },
};

type Received = { readonly headers: http.IncomingHttpHeaders; readonly body: string; readonly url: string };
type Answer = { readonly status: number; readonly headers?: Readonly<Record<string, string>> };

let server: http.Server;
let origin: string;
let received: Received[];
let answers: Answer[];
let out: Http;
let alerts: Alerts;

/** The system's clock, but waiting takes no time: what would have been waited is kept. */
let waited: number[];
let passed: number;
const system = createSystemClock();
const hasty: Clock = {
  now: () => system.now() + passed,
  wall: () => system.wall(),
  after: (delay, fn) => {
    waited.push(delay);
    return system.after(0, () => {
      passed += delay;
      fn();
    });
  },
};

beforeEach(async () => {
  received = [];
  answers = [];
  waited = [];
  passed = 0;
  server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8"), url: request.url ?? "" });
      const answer = answers.shift() ?? { status: 202 };
      response.writeHead(answer.status, answer.headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Its deadlines are real ones; only the alerts' own waiting is hasty.
  out = createLeanHttp({ clock: system });
  alerts = createCloudEventsAlerts({
    http: out, clock: hasty,
    destinations: [
      { name: "on_call", url: new Secret(`${origin}/hook`, "test"), signingKey: new Secret("a key", "test") },
      { name: "ops", url: `${origin}/ops`, signingKey: null },
      { name: "nobody", url: "http://127.0.0.1:1/", signingKey: null },
    ],
  });
});
afterEach(async () => {
  await alerts.close();
  await out.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe("a delivered alert", () => {
  test("is one structured CloudEvent, whose id is the incident's key and state", async () => {
    expect(await alerts.send("on_call", ALERT)).toEqual({ kind: "delivered" });
    expect(received[0]?.url).toBe("/hook");
    expect(received[0]?.headers["content-type"]).toBe("application/cloudevents+json; charset=utf-8");
    expect(JSON.parse(received[0]?.body ?? "")).toEqual({
      specversion: "1.0", id: "00ff.firing", source: "/shopkeeper/shop%20eu", type: "dev.shopkeeper.alert.firing", subject: "app", time: "2025-10-09T08:53:21.000Z",
      datacontenttype: "application/json", data: ALERT,
    });
  });

  test("carries an HMAC of the very body where a key is configured, and none where not", async () => {
    await alerts.send("on_call", ALERT);
    await alerts.send("ops", ALERT);
    const expected = createHmac("sha256", "a key").update(received[0]?.body ?? "", "utf8").digest("hex");
    expect(received.map(({ headers }) => headers["x-shopkeeper-signature"])).toEqual([`sha256=${expected}`, undefined]);
  });
});

describe("a receiver that does not take it", () => {
  test.each([408, 429, 500, 503])("with %i is asked again, with growing waits", async (status) => {
    answers = [{ status }, { status }, { status }];
    expect(await alerts.send("ops", ALERT)).toEqual({ kind: "delivered" });
    expect(received).toHaveLength(4);
    expect(waited).toEqual([1_000, 2_000, 4_000]);
  });

  test("and says when to come again is obeyed, within bounds", async () => {
    answers = [{ status: 429, headers: { "retry-after": "7" } }, { status: 503, headers: { "retry-after": "86400" } }];
    expect(await alerts.send("ops", ALERT)).toEqual({ kind: "delivered" });
    expect(waited).toEqual([7_000, 30_000]);
  });

  test("is given up after about a minute", async () => {
    answers = Array.from({ length: 50 }, () => ({ status: 503 }));
    expect(await alerts.send("ops", ALERT)).toMatchObject({ kind: "failed", detail: expect.stringContaining("503") });
    expect(received.length).toBeGreaterThan(3);
    expect(waited.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(60_000);
  });

  test.each([400, 401, 404, 422])("with %i is not asked again", async (status) => {
    answers = [{ status }];
    expect(await alerts.send("ops", ALERT)).toMatchObject({ kind: "refused", detail: expect.stringContaining(String(status)) });
    expect(received).toHaveLength(1);
  });

  test("because it is gone for good is never asked again, while others are", async () => {
    answers = [{ status: 410 }];
    expect(await alerts.send("ops", ALERT)).toMatchObject({ kind: "refused" });
    expect(await alerts.send("ops", { ...ALERT, key: "other" })).toMatchObject({ kind: "refused" });
    expect(received).toHaveLength(1);
    expect(await alerts.send("on_call", ALERT)).toEqual({ kind: "delivered" });
  });

  test("but points elsewhere is not followed", async () => {
    answers = [{ status: 307, headers: { location: "/elsewhere" } }];
    expect(await alerts.send("ops", ALERT)).toMatchObject({ kind: "refused", detail: expect.stringContaining("redirects are not followed") });
    expect(received.map(({ url }) => url)).toEqual(["/ops"]);
  });

  test("because nobody listens is tried again and then given up", async () => {
    expect(await alerts.send("nobody", ALERT)).toMatchObject({ kind: "failed", detail: expect.stringContaining("refused") });
  });

  test("because it is not configured is refused", async () => {
    expect(await alerts.send("moon", ALERT)).toMatchObject({ kind: "refused", detail: expect.stringContaining("moon") });
  });
});

test("alerts of one destination go in order, whatever the first ones meet", async () => {
  answers = [{ status: 503 }];
  await Promise.all([alerts.send("ops", ALERT), alerts.send("ops", { ...ALERT, state: "resolved" })]);
  expect(received.map(({ body }) => (JSON.parse(body) as { id: string }).id)).toEqual(["00ff.firing", "00ff.firing", "00ff.resolved"]);
});

test("more than the queue holds fail at once", async () => {
  const results = await Promise.all(Array.from({ length: 130 }, (_, n) => alerts.send("ops", { ...ALERT, key: `k${n}` })));
  expect(results.filter(({ kind }) => kind === "failed")).toHaveLength(30);
  expect(received).toHaveLength(100);
});

test("called off, it is not tried again", async () => {
  answers = [{ status: 503 }];
  const controller = new AbortController();
  const sent = alerts.send("ops", ALERT, controller.signal);
  controller.abort();
  expect(await sent).toMatchObject({ kind: "failed" });
  expect(received.length).toBeLessThanOrEqual(1);
});

test.each([
  [undefined, null], ["", null], ["soon", null], ["0", 0], ["5", 5_000], ["999", 30_000], ["Thu, 09 Oct 2025 08:53:31 GMT", 10_000], ["Thu, 09 Oct 2025 08:00:00 GMT", 0],
])("Retry-After %s is %s ms", (value, ms) => {
  expect(retryAfter(value, Date.parse("2025-10-09T08:53:21Z"))).toBe(ms);
});
