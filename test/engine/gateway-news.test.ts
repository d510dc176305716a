/** What the gateway tells of itself: once to whoever listens, once in the ledger. */
import { expect, test } from "vitest";
import type { GatewayView } from "../../src/core/gateway-view.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { LedgerEntry } from "../../src/core/ledger-entry.ts";
import { createWatch, createWatchedWorld, type WatchedWorld } from "../support/watched-world.ts";

const CLASS = "GET product cart";

function setUp(): { readonly world: WatchedWorld; readonly engine: Engine; readonly entries: () => Promise<readonly LedgerEntry[]> } {
  const world = createWatchedWorld();
  const engine = createWatch(world, { application: () => "." });
  return { world, engine, entries: async () => (await engine.idle(), world.ledger.query({ kinds: ["quarantine", "worker_lost"] })) };
}

test("a class that is not forwarded any more is one entry, and one when it is again", async () => {
  const { world, engine, entries } = setUp();
  engine.quarantineChanged({ at: 1_000, target: "app", requestClass: CLASS, quarantined: true, why: "in flight at two deaths of the application", total: 1 });
  engine.quarantineChanged({ at: 9_000, target: "app", requestClass: CLASS, quarantined: false, why: "the Storefront API is healthy", total: 0 });
  expect(world.events.map((event) => event.kind)).toEqual(["quarantine", "quarantine"]);
  expect(await entries()).toMatchObject([
    { at: 1_000, kind: "quarantine", target: "app", subject: CLASS, count: 1, text: `"${CLASS}" is not forwarded for now: in flight at two deaths of the application` },
    { at: 9_000, kind: "quarantine", target: "app", subject: CLASS, count: 1, text: `"${CLASS}" is forwarded again: the Storefront API is healthy` },
  ]);
});

test("a lost worker is one entry with its reason; the same loss again is counted on it", async () => {
  const { world, engine, entries } = setUp();
  engine.workerLost({ at: 1_000, worker: 1, loss: "crashed", detail: "RangeError: out of luck" });
  engine.workerLost({ at: 2_000, worker: 2, loss: "crashed", detail: "RangeError: out of luck" });
  engine.workerLost({ at: 3_000, worker: 3, loss: "stuck", detail: "its loop did not turn for 5000 ms" });
  engine.workerLost({ at: 4_000, worker: 4, loss: "not_ready", detail: "no ready within 15000 ms" });
  expect(world.events.filter((event) => event.kind === "worker_lost")).toHaveLength(4);
  expect((await entries()).map(({ text, count, lastAt, details }) => [text, count, lastAt, details["loss"]])).toEqual([
    ["a worker of the gateway crashed and is replaced: RangeError: out of luck", 2, 2_000, "crashed"],
    ["a worker of the gateway stood still and is replaced: its loop did not turn for 5000 ms", 1, 3_000, "stuck"],
    ["a worker of the gateway cannot start and is replaced: no ready within 15000 ms", 1, 4_000, "not_ready"],
  ]);
});

test("the snapshot shows the gateway as it is, and none where none runs", () => {
  const { engine } = setUp();
  expect(engine.snapshot().gateway).toBeNull();
  const view: GatewayView = { quarantined: [{ requestClass: CLASS, since: 1_000, until: null }], workersLost: [{ loss: "stuck", count: 1, lastAt: 2_000, lastDetail: "its loop did not turn for 5000 ms" }] };
  engine.gatewayFrom(() => view);
  expect(engine.snapshot().gateway).toEqual(view);
  expect(engine.snapshot().gateway).not.toBe(view);
});
