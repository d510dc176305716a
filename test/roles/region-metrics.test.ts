/** What a site with regions exports: levels as they stand when they are read, and counts of acts. */
import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { createRegionMetrics, createRegionSight, REGION_METRICS, type CountedAct } from "../../src/adapters/region-metrics.ts";
import type { RegionsView } from "../../src/core/region/view.ts";
import { parseExposition } from "./exposition.ts";

const NOW = 10_000_000;
const region = (name: string, sees: RegionsView["regions"][number]["sees"]): RegionsView["regions"][number] => ({ name, floor: 2, sees, since: 0, detail: "", says: null });
const VIEW: RegionsView = {
  here: "us", leadsTo: "us", standing: "", epoch: 7, blockedUntil: NOW + 90_500, provider: "route53", onlyRecords: null, decision: "", entries: [],
  regions: [region("eu", "down"), region("us", "up"), region("ap", "copies-only"), region("sa", "unknown")],
  observers: [{ observer: "eu", askedAt: NOW, heardAt: null, why: "refused" }, { observer: "w1", askedAt: NOW, heardAt: NOW, why: null }, { observer: "w2", askedAt: null, heardAt: null, why: null }],
};

function exported() {
  const registry = new Registry();
  const metrics = createRegionMetrics(registry);
  const families = async () => parseExposition(await registry.metrics());
  /** "eu 2, us 0" */
  const values = async (name: keyof typeof REGION_METRICS, sample: string = name): Promise<string> =>
    ((await families()).get(name)?.samples ?? []).filter((one) => one.name === sample).map(({ labels, value }) => [...Object.values(labels), value].join(" ")).join(", ");
  const act = (over: Partial<CountedAct>): void => metrics.acted({ kind: "flip", cause: "down", outcome: "done", sinceFaultMs: null, ...over });
  return { metrics, families, values, act };
}

test("every one appears with its help, its labels and nothing else", async () => {
  const { metrics, families, act } = exported();
  metrics.stand(VIEW, NOW);
  act({ sinceFaultMs: 7_000 });
  const found = await families();
  expect([...found.keys()].toSorted()).toEqual(Object.keys(REGION_METRICS).toSorted());
  for (const [name, { help, labels }] of Object.entries(REGION_METRICS)) {
    const family = found.get(name);
    const sets = new Set((family?.samples ?? []).map((sample) => Object.keys(sample.labels).filter((label) => label !== "le").toSorted().join()));
    expect({ name, help: family?.help, sets: [...sets] }).toEqual({ name, help, sets: [[...labels].toSorted().join()] });
  }
});

describe("levels", () => {
  test("say what each region looks like, where buyers are led under which epoch, who could speak, and how long the pause still is", async () => {
    const { metrics, values } = exported();
    metrics.stand(VIEW, NOW);
    expect(await values("shopkeeper_region_status")).toBe("eu 2, us 0, ap 1, sa 3");
    expect(await values("shopkeeper_region_serving")).toBe("eu 0, us 1, ap 0, sa 0");
    expect([await values("shopkeeper_region_epoch"), await values("shopkeeper_region_block_seconds")]).toEqual(["7", "90.5"]);
    // Who was not asked yet is neither.
    expect(await values("shopkeeper_region_observer_able")).toBe("eu 0, w1 1");
  });

  test("follow what changes, and lead nowhere while it is not known", async () => {
    const { metrics, values } = exported();
    metrics.stand(VIEW, NOW);
    metrics.stand({ ...VIEW, leadsTo: null, epoch: null, blockedUntil: null, regions: VIEW.regions.map((one) => ({ ...one, sees: "up" })) }, NOW);
    expect(await values("shopkeeper_region_status")).toBe("eu 0, us 0, ap 0, sa 0");
    expect(await values("shopkeeper_region_serving")).toBe("eu 0, us 0, ap 0, sa 0");
    expect([await values("shopkeeper_region_epoch"), await values("shopkeeper_region_block_seconds")]).toEqual(["0", "0"]);
    metrics.stand({ ...VIEW, blockedUntil: NOW - 1 }, NOW);
    expect(await values("shopkeeper_region_block_seconds")).toBe("0");
  });

  test("of one that only looks are what it sees", async () => {
    const registry = new Registry();
    createRegionSight(registry)(new Map([["eu", "down"], ["us", "unknown"]]));
    const found = parseExposition(await registry.metrics());
    expect([...found.keys()]).toEqual(["shopkeeper_region_status"]);
    expect(found.get("shopkeeper_region_status")?.samples.map(({ value }) => value)).toEqual([2, 3]);
  });
});

describe("acts", () => {
  test("are counted by cause and outcome, each of which is there from the start", async () => {
    const { values, act } = exported();
    expect((await values("shopkeeper_region_failovers_total")).split(", ")).toHaveLength(16);
    act({ outcome: "uncertain" });
    act({});
    act({ cause: "manual", outcome: "refused" });
    const counted = (await values("shopkeeper_region_failovers_total")).split(", ").filter((one) => !one.endsWith(" 0"));
    expect(counted).toEqual(["down done 1", "down uncertain 1", "manual refused 1"]);
  });

  test("with a cause that no version of today knows get no label of their own", async () => {
    const { values, act } = exported();
    for (const cause of ["over ap epoch 6", "whim"]) act({ cause });
    expect(await values("shopkeeper_region_failovers_total")).toContain("other done 2");
  });

  test("of repair are counted once they are done, and are no failovers", async () => {
    const { values, act } = exported();
    for (const outcome of ["uncertain", "refused", "done", "done"] as const) act({ kind: "repair", cause: "over ap epoch 6", outcome });
    expect(await values("shopkeeper_region_late_writes_repaired_total")).toBe("2");
    expect(await values("shopkeeper_region_failovers_total")).not.toContain("other");
  });

  test("took as long as from the fault, where that is known and they were done", async () => {
    const { values, act } = exported();
    act({ sinceFaultMs: 7_400 });
    act({ cause: "copies-only", sinceFaultMs: 63_000 });
    act({ sinceFaultMs: null });
    act({ outcome: "partly", sinceFaultMs: 5_000 });
    const name = "shopkeeper_region_failover_duration_seconds";
    expect([await values(name, `${name}_sum`), await values(name, `${name}_count`)]).toEqual(["down 7.4, copies-only 63", "down 1, copies-only 1"]);
  });
});
