import { describe, expect, test } from "vitest";
import { conditionOf, cpuShare, rolledOut, selects, withZones } from "../../src/core/cluster.ts";
import type { Deployment, LabelRule, Pod } from "../../src/core/cluster.ts";

const rule = (operator: LabelRule["operator"], ...values: string[]): LabelRule => ({ key: "app", operator, values });

describe("selects", () => {
  test.each([
    [[rule("In", "web")], { app: "web" }, true],
    [[rule("In", "web", "shop")], { app: "shop" }, true],
    [[rule("In", "web")], {}, false],
    [[rule("In")], { app: "web" }, false],
    [[rule("NotIn", "web")], { app: "web" }, false],
    [[rule("NotIn", "web")], {}, true],
    [[rule("Exists")], { app: "" }, true],
    [[rule("DoesNotExist")], { app: "web" }, false],
    [[rule("In", "web"), { key: "tier", operator: "Exists", values: [] }], { app: "web" }, false],
    [[], { app: "web" }, true],
  ] as const)("%j of %j: %s", (selector, labels, expected) => {
    expect(selects(selector, labels)).toBe(expected);
  });
});

describe("rolledOut", () => {
  const done: Deployment = {
    name: "web", uid: "u", version: "1", generation: 4, observedGeneration: 4, selector: [], wanted: 3, replicas: 3, updated: 3, ready: 3, available: 3, paused: false, conditions: [],
  };
  test.each([
    ["all are new and available", {}, true],
    ["its controller has not looked yet", { observedGeneration: 3 }, false],
    ["some are old", { updated: 2 }, false],
    ["an old one is left over", { replicas: 4 }, false],
    ["a new one is not available", { available: 2 }, false],
  ])("%s: %s", (_, over, expected) => {
    expect(rolledOut({ ...done, ...over })).toBe(expected);
  });
});

describe("cpuShare", () => {
  const pod = (...requests: (number | null)[]): Pod => ({
    name: "web-1", uid: "u", version: "1", labels: {}, node: null, zone: null, ip: null, phase: "Running", ready: true, workload: null, startedAt: null, deletingAt: null,
    containers: requests.map((cpuRequestMilli, index) => ({ name: `c${index}`, sidecar: false, main: true, ready: true, restarts: 0, waitingFor: "", lastTermination: null, cpuRequestMilli })),
  });
  const usage = { pod: "web-1", at: 0, cpuMilli: 150, memoryBytes: 0 };

  test.each([
    ["of all containers' requests", [200, 100], 0.5],
    ["of nothing where one requests nothing, as for an HPA", [200, null], null],
    ["of nothing where zero is requested", [0], null],
  ])("is a share %s", (_, requests, expected) => {
    expect(cpuShare(pod(...requests), usage)).toBe(expected);
  });

  test("a pod's own zone goes before what its endpoints say", () => {
    const endpoint = { pod: { name: "web-1", uid: "u" }, addresses: [], ready: true, serving: true, terminating: false, node: null, zone: "zone-a" };
    expect(withZones([pod()], [endpoint])[0]?.zone).toBe("zone-a");
    expect(withZones([{ ...pod(), zone: "zone-b" }], [endpoint])[0]?.zone).toBe("zone-b");
    expect(withZones([{ ...pod(), uid: "another" }], [endpoint])[0]?.zone).toBeNull();
  });
});

test("a condition nobody stated is unknown, not false", () => {
  expect(conditionOf([], "ScalingActive").status).toBe("Unknown");
});
