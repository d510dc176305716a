import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Claim, SizeStep, WorkloadClaims } from "../../src/core/claims.ts";
import { claim, claimedSize, inForce, MAX_CLAIMS, sizeStep, withdraw } from "../../src/core/claims.ts";

const base: Claim = { holder: "base", size: 3, until: null, why: "always" };
const sale: Claim = { holder: "sale", size: 12, until: 1_000, why: "flash sale" };

describe("claimedSize", () => {
  test("is the largest claim in force, and says whose", () => {
    expect(claimedSize([base, sale], 20, 500)).toEqual({ size: 12, by: sale });
  });

  test("falls back when a claim has expired", () => {
    expect(claimedSize([base, sale], 20, 1_000)).toEqual({ size: 3, by: base });
  });

  test("without claims nobody decides", () => {
    expect(claimedSize([], 20, 0)).toEqual({ size: 0, by: null });
  });

  test("is never above the maximum and never below a claim that fits", () => {
    const claims = fc.array(fc.record({ holder: fc.string(), size: fc.nat(100), until: fc.option(fc.nat(1_000)), why: fc.constant("") }));
    fc.assert(
      fc.property(claims, fc.nat(50), fc.nat(1_000), (made, max, now) => {
        const { size } = claimedSize(made, max, now);
        expect(size).toBeLessThanOrEqual(max);
        for (const one of inForce(made, now)) expect(size).toBeGreaterThanOrEqual(Math.min(one.size, max));
      }),
    );
  });
});

test("a holder has one claim, and may withdraw it", () => {
  const claims = claim(claim([base], sale, 0), { ...sale, size: 5 }, 0);
  expect(claims.map((one) => one.size)).toEqual([3, 5]);
  expect(withdraw(claims, "sale")).toEqual([base]);
});

test("claims are bounded: those that end first are forgotten", () => {
  let claims: readonly Claim[] = [base];
  for (let index = 0; index < MAX_CLAIMS + 10; index += 1) claims = claim(claims, { ...sale, holder: `sale-${index}`, until: 1_000 + index }, 0);
  expect(claims).toHaveLength(MAX_CLAIMS);
  expect(claims).toContainEqual(base);
  expect(claims.some((one) => one.holder === "sale-0")).toBe(false);
});

describe("sizeStep: base 3, a sale of 12 until 1,000", () => {
  const kept = (more: Partial<WorkloadClaims> = {}): WorkloadClaims => ({ workload: "web", claims: [base, sale], of: "autoscaler", name: "web", written: 12, left: null, ...more });
  const argo = { wanted: 12, manager: "argocd-controller" };
  test.each<[string, WorkloadClaims, number, number, SizeStep]>([
    ["a claim is new", kept({ written: 3 }), 3, 500, { kind: "write", to: 12 }],
    ["it is as claimed", kept(), 12, 500, { kind: "reached", size: 12 }],
    ["it was written, and we died before we knew", kept({ written: 3 }), 12, 500, { kind: "reached", size: 12 }],
    ["somebody wrote over it", kept(), 3, 500, { kind: "overwritten", wanted: 12 }],
    ["that was left to them", kept({ left: argo }), 3, 500, { kind: "keep" }],
    ["another size is claimed than the one left", kept({ left: { ...argo, wanted: 8 } }), 3, 500, { kind: "overwritten", wanted: 12 }],
    ["another size is claimed since somebody wrote", kept({ written: 8, left: { ...argo, wanted: 8 } }), 3, 500, { kind: "write", to: 12 }],
    ["somebody made it larger before a claim changed", kept({ written: 8 }), 15, 500, { kind: "keep" }],
    ["the sale is over", kept(), 12, 1_000, { kind: "write", to: 3 }],
    ["the sale is over and the base is there", kept({ written: 3 }), 3, 1_000, { kind: "over" }],
    ["the sale is over and somebody chose another size", kept(), 7, 1_000, { kind: "over" }],
    ["nothing is claimed at all", kept({ claims: [] }), 7, 500, { kind: "over" }],
  ])("%s", (_what, claims, size, now, expected) => {
    expect(sizeStep(claims, { size, max: 20 }, now)).toEqual(expected);
  });

  test("what may not be larger counts as reached", () => {
    expect(sizeStep(kept({ written: 3 }), { size: 3, max: 10 }, 500)).toEqual({ kind: "write", to: 10 });
    expect(sizeStep(kept({ written: 10 }), { size: 10, max: 10 }, 500)).toEqual({ kind: "reached", size: 10 });
  });

  test("nothing bounds a Deployment", () => {
    expect(sizeStep(kept({ claims: [base, { ...sale, size: 400 }], written: 3 }), { size: 3, max: null }, 500)).toEqual({ kind: "write", to: 400 });
  });
});
