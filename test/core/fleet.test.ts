import { describe, expect, test } from "vitest";
import type { CheckVerdict } from "../../src/core/check-state.ts";
import type { Member } from "../../src/core/fleet.ts";
import { failingShares, recoveryShare } from "../../src/core/fleet.ts";

function pod(id: string, verdict: CheckVerdict, zone?: string): Member {
  return { target: { id, kind: "pod", workload: "storefront", region: "eu", ...(zone === undefined ? {} : { zone }) }, verdict };
}

describe("shares of targets failing one check", () => {
  const members = [pod("a", "unhealthy", "z1"), pod("b", "unhealthy", "z1"), pod("c", "healthy", "z2"), pod("d", "degraded", "z2"), pod("e", "unknown", "z2")];

  test.each([
    ["workload", "storefront", 4, ["a", "b"], 0.5],
    ["zone", "z1", 2, ["a", "b"], 1],
    ["zone", "z2", 2, [], 0],
    ["region", "eu", 4, ["a", "b"], 0.5],
  ])("%s %s: of %i judged, %j fail", (scope, name, judged, failing, share) => {
    const found = failingShares("application", members).find((one) => one.scope === scope && one.name === name);
    expect(found).toEqual({ scope, name, check: "application", judged, failing, share });
  });

  test("a target without a zone counts for its workload only", () => {
    expect(failingShares("application", [pod("a", "unhealthy")]).map((share) => share.scope)).toEqual(["workload", "region"]);
  });

  test("nothing judged, nothing said", () => {
    expect(failingShares("application", [pod("a", "unknown")])).toEqual([]);
  });
});

test("the share in recovery counts a workload's own targets only", () => {
  const targets = [pod("a", "healthy").target, pod("b", "healthy").target, { id: "x", kind: "process" as const, workload: "other" }];
  expect(recoveryShare("storefront", targets, new Set(["a", "x"]))).toEqual({ workload: "storefront", total: 2, inRecovery: ["a"], share: 0.5 });
  expect(recoveryShare("nothing", targets, new Set(["a"])).share).toBe(0);
});
