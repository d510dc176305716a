import { describe, expect, test } from "vitest";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import type { Alert, AlertSeverity } from "../../src/core/alert.ts";
import { createOutbox, MAX_WAITING } from "../../src/engine/outbox.ts";
import type { Outbox } from "../../src/engine/outbox.ts";
import type { Alerts, Delivery } from "../../src/ports/alerts.ts";
import { createWorld } from "../support/acting-world.ts";
import type { World } from "../support/acting-world.ts";
import { settle } from "../support/manual-clock.ts";

function alert(key: string, severity: AlertSeverity = "page", state: Alert["state"] = "firing"): Alert {
  return { key, state, severity, site: "shop", target: "app", reason: "check_unhealthy", summary: `about ${key}`, startedAt: 1, at: 1_000_000, runbook: "r", details: {} };
}

function open(world: World, answer: (alert: Alert) => Promise<Delivery>, problems: string[] = []): Outbox & { readonly sent: string[] } {
  const sent: string[] = [];
  const alerts: Alerts = {
    send: (route, alert) => {
      sent.push(`${route} ${alert.key} ${alert.state}`);
      return answer(alert);
    },
    close: async () => undefined,
  };
  const outbox = createOutbox({ store: createMemoryStateStore(world.rows), alerts, ledger: world.ledger, clock: world.clock, problem: (text) => problems.push(text) });
  return Object.assign(outbox, { sent });
}

const delivered = async (): Promise<Delivery> => ({ kind: "delivered" });
const failed = async (): Promise<Delivery> => ({ kind: "failed", detail: "503" });
const hanging = (): Promise<Delivery> => new Promise(() => undefined);

describe("the outbox", () => {
  test("a delivered alert is forgotten, and the ledger knows who was told", async () => {
    const world = createWorld();
    const outbox = open(world, delivered);
    await outbox.enqueue("on_call", alert("k"));
    await outbox.idle();
    expect(world.rows.size).toBe(0);
    expect(await world.ledger.query({ kinds: ["alert"] })).toMatchObject([{ text: "told on_call: about k", details: { key: "k", route: "on_call", delivery: "delivered" } }]);
  });

  test("one that could not be delivered is tried again after a minute, for a day", async () => {
    const world = createWorld();
    const outbox = open(world, failed);
    await outbox.enqueue("on_call", alert("k"));
    await world.clock.advance(180_000);
    expect(outbox.sent).toHaveLength(4);
    await world.clock.advance(25 * 3_600_000);
    expect(world.rows.size).toBe(0);
    expect(world.clock.waiting).toBe(0);
    expect(await world.ledger.query({ kinds: ["alert"] })).toMatchObject([{ text: "could not tell on_call (503): about k" }]);
  });

  test("one that was refused for good is not tried again", async () => {
    const world = createWorld();
    const outbox = open(world, async () => ({ kind: "refused", detail: "410" }));
    await outbox.enqueue("on_call", alert("k"));
    await world.clock.advance(600_000);
    expect(outbox.sent).toHaveLength(1);
    expect(world.rows.size).toBe(0);
  });

  test("what a dead process left is sent by the next one", async () => {
    const world = createWorld();
    await open(world, hanging).enqueue("on_call", alert("k"));
    const next = open(world, delivered);
    await next.resume();
    await next.idle();
    expect(next.sent).toEqual(["on_call k firing"]);
    expect(world.rows.size).toBe(0);
  });

  test("firing and resolved of one incident are two alerts, the same state again is one", async () => {
    const world = createWorld();
    const outbox = open(world, hanging);
    await outbox.enqueue("on_call", alert("k"));
    await outbox.enqueue("on_call", alert("k"));
    await outbox.enqueue("on_call", alert("k", "page", "resolved"));
    expect(world.rows.size).toBe(2);
    expect(outbox.sent).toEqual(["on_call k firing", "on_call k resolved"]);
  });

  test("a newer version that came while the older was on its way is sent as well", async () => {
    const world = createWorld();
    const answers: ((delivery: Delivery) => void)[] = [];
    const outbox = open(world, () => new Promise((resolve) => answers.push(resolve)));
    await outbox.enqueue("on_call", alert("k", "notify"));
    await outbox.enqueue("on_call", alert("k", "page"));
    answers[0]?.({ kind: "delivered" });
    await world.clock.advance(1);
    answers[1]?.({ kind: "delivered" });
    await settle();
    expect(outbox.sent).toHaveLength(2);
    expect(world.rows.size).toBe(0);
  });

  test.each([1, 2, 3, 4, 5, 6])("a page that comes %i turns after the notice of the same incident was delivered is sent, and is stored until then", async (turns) => {
    const world = createWorld();
    const answers: ((delivery: Delivery) => void)[] = [];
    const outbox = open(world, () => new Promise((resolve) => answers.push(resolve)));
    await outbox.enqueue("on_call", alert("k", "notify"));
    answers[0]?.({ kind: "delivered" });
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    await outbox.enqueue("on_call", alert("k", "page"));
    await world.clock.advance(1);
    expect(outbox.sent).toHaveLength(2);
    expect([...world.rows.values()].map(({ value }) => value)).toEqual([expect.stringContaining('"page"')]);
    answers[1]?.({ kind: "delivered" });
    await settle();
    expect(world.rows.size).toBe(0);
  });

  test("beyond its bound the least severe goes first, and that is said", async () => {
    const world = createWorld();
    const problems: string[] = [];
    const outbox = open(world, hanging, problems);
    for (let n = 0; n < MAX_WAITING; n++) await outbox.enqueue("ops", alert(`k${n}`, n === 7 ? "info" : "page"));
    await outbox.enqueue("ops", alert("one more"));
    expect(world.rows.size).toBe(MAX_WAITING);
    expect(world.rows.has("outbox/ops/k7/firing")).toBe(false);
    expect(problems).toEqual([expect.stringContaining("about k7")]);
  });

  test("a stored alert that cannot be understood is left where it is, and said", async () => {
    const world = createWorld();
    world.rows.set("outbox/x", { key: "outbox/x", value: "{}", revision: 1 });
    const problems: string[] = [];
    const outbox = open(world, delivered, problems);
    await outbox.resume();
    expect(problems).toHaveLength(1);
    expect(outbox.sent).toEqual([]);
  });
});
