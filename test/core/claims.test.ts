import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Claim } from "../../src/core/claims.ts";
import { claim, claimedSize, inForce, MAX_CLAIMS, withdraw } from "../../src/core/claims.ts";

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
