/** What a leader opens: all at once, and none of it when a part fails. */
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import type { StateStore } from "../../src/ports/state-store.ts";
import { StateStoreError, SupersededError } from "../../src/ports/state-store.ts";
import type { ClusterAccess } from "../../src/roles/cluster-access.ts";
import { beginLeading } from "../../src/roles/leading.ts";
import { partsOf } from "../../src/roles/parts.ts";
import { createClusterWorld, withMethod, type ClusterWorld } from "../support/cluster-world.ts";
import { settle } from "../support/manual-clock.ts";
import { singletonConfig } from "../support/singleton-config.ts";

/** The namespace is never seen, and no right is ever told. */
function blind(on: ClusterWorld) {
  const stopped: string[] = [];
  const until = (signal: AbortSignal, what: string): Promise<never> =>
    new Promise((_, reject) => {
      const end = (): void => {
        stopped.push(what);
        reject(new Error("aborted"));
      };
      if (signal.aborted) end();
      else signal.addEventListener("abort", end);
    });
  const watch = { ...on.cluster.watch({}), seen: (signal: AbortSignal) => until(signal, "pods").catch(() => false), stop: async () => void stopped.push("watch") };
  const cluster = withMethod(withMethod(on.cluster, "watch", () => watch), "canI", (_rights, signal) => until(signal, "rights"));
  return { stopped, cluster };
}

async function begin(on: ClusterWorld, cluster: ClusterAccess["cluster"], state: () => Promise<StateStore>, signal: AbortSignal): Promise<unknown> {
  const access: ClusterAccess = { cluster, lease: { read: async () => null, write: async () => "conflict" }, state, ledger: async () => on.ledger, close: async () => undefined };
  const daemon = { config: await singletonConfig(), parts: partsOf("singleton"), env: {}, clock: on.clock, log: pino({ level: "silent" }) };
  const unseated = (): never => {
    throw new Error("the shift has begun");
  };
  return beginLeading({ daemon, access, epoch: 3, lookout: null, mayAct: () => true, seat: unseated, superseded: () => undefined }, signal);
}

describe("beginning to lead", () => {
  test.each<[string, Error]>([
    ["whose state cannot be reached", new StateStoreError("UNAVAILABLE", "no answer")],
    ["whose state another one has opened", new SupersededError(7)],
  ])("one %s waits for nothing else, and leaves nothing open", async (_what, error) => {
    const on = createClusterWorld();
    const { stopped, cluster } = blind(on);
    await expect(begin(on, cluster, () => Promise.reject(error), new AbortController().signal)).rejects.toBe(error);
    expect(stopped.toSorted()).toEqual(["pods", "rights", "watch"]);
  });

  test("one that loses the lease meanwhile waits for nothing, and closes what was open", async () => {
    const on = createClusterWorld();
    const { stopped, cluster } = blind(on);
    let closed = 0;
    const store: StateStore = { get: async () => null, list: async () => [], put: async () => 1, delete: async () => undefined, close: async () => void (closed += 1) };
    const lost = new AbortController();
    const beginning = begin(on, cluster, async () => store, lost.signal);
    await settle();
    lost.abort(new Error("somebody else holds the lease"));
    await expect(beginning).rejects.toThrow("somebody else holds the lease");
    expect([closed, stopped.toSorted()]).toEqual([1, ["pods", "rights", "watch"]]);
  });
});
