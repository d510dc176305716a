import { describe, expect, test } from "vitest";
import type { Right } from "../../src/ports/cluster.ts";
import { ASK_EVERY_MS, watchRights } from "../../src/roles/right-watch.ts";
import { createClusterWorld, withMethod } from "../support/cluster-world.ts";
import { singletonConfig } from "../support/singleton-config.ts";

const EVICT: Right = { verb: "create", group: "", resource: "pods", subresource: "eviction" };
const MISSING = "missing right: create pods/eviction";

async function watched(forbidden: readonly Right[]) {
  const { clock, cluster } = createClusterWorld();
  cluster.forbid(forbidden);
  const told: string[] = [];
  const rights = await watchRights({
    config: await singletonConfig(), cluster, clock,
    changed: (right, purpose, allowed) => void told.push(`${allowed ? "there" : "missing"}: ${right} (${purpose})`),
    unknown: (why) => void told.push(`unknown: ${why}`),
  }, new AbortController().signal);
  return { clock, cluster, told, rights };
}

describe("rights during a shift", () => {
  test("one that is granted counts from the next time they are asked for", async () => {
    const { clock, cluster, told, rights } = await watched([EVICT]);
    expect([rights.missing("pod_restart"), rights.missing("auto_scale_up")]).toEqual([MISSING, null]);
    cluster.forbid([]);
    await clock.advance(ASK_EVERY_MS);
    expect(rights.missing("pod_restart")).toBeNull();
    expect(told).toEqual(["missing: create pods/eviction (restart_pod)", "there: create pods/eviction (restart_pod)"]);
    rights.stop();
  });

  test("one that is taken counts too, and is told once", async () => {
    const { clock, cluster, told, rights } = await watched([]);
    expect(rights.missing("pod_restart")).toBeNull();
    cluster.forbid([EVICT]);
    await clock.advance(3 * ASK_EVERY_MS);
    expect(rights.missing("pod_restart")).toBe(MISSING);
    expect(told).toEqual(["missing: create pods/eviction (restart_pod)"]);
    rights.stop();
  });

  test("while nobody answers, what was known counts", async () => {
    const { clock, cluster, told, rights } = await watched([EVICT]);
    cluster.fail({ code: "UNAVAILABLE", detail: "no answer" });
    await clock.advance(ASK_EVERY_MS);
    expect([rights.missing("pod_restart"), told.at(-1)]).toEqual([MISSING, "unknown: no answer"]);
    rights.stop();
  });

  test("nothing is asked after its end", async () => {
    const { clock, rights } = await watched([]);
    rights.stop();
    expect(clock.waiting).toBe(0);
  });

  test("the first asking ends with whoever waits for it", async () => {
    const { clock, cluster } = createClusterWorld();
    const told: string[] = [];
    const waiting = new AbortController();
    const hangs = withMethod(cluster, "canI", (_rights, signal) => new Promise((_, reject) => (signal.aborted ? reject(new Error("aborted")) : signal.addEventListener("abort", () => reject(new Error("aborted"))))));
    const watching = watchRights({ config: await singletonConfig(), cluster: hangs, clock, changed: () => told.push("changed"), unknown: () => told.push("unknown") }, waiting.signal);
    waiting.abort(new Error("not needed any more"));
    const rights = await watching;
    expect([rights.missing("pod_restart"), told]).toEqual([null, []]);
    rights.stop();
  });
});
