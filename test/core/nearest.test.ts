import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { editDistance, nearest } from "../../src/core/nearest.ts";

describe("editDistance", () => {
  test.each([
    ["", "", 0],
    ["interval", "interval", 0],
    ["intervall", "interval", 1],
    ["intreval", "interval", 1],
    ["kitten", "sitting", 3],
    ["", "abc", 3],
  ])("%s to %s takes %i edits", (from, to, edits) => {
    expect(editDistance(from, to)).toBe(edits);
  });

  test("is symmetric and never longer than the longer word", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (one, other) => {
        const distance = editDistance(one, other);
        expect(distance).toBe(editDistance(other, one));
        expect(distance).toBeLessThanOrEqual(Math.max(one.length, other.length));
      }),
    );
  });
});

describe("nearest", () => {
  test.each([
    ["aplication", "application"],
    ["Application", "application"],
    ["shopify-api", "shopify_api"],
    ["dog", undefined],
    ["x".repeat(100), undefined],
  ])("%s is meant as %s", (word, meant) => {
    expect(nearest(word, ["application", "page", "shopify_api"])).toBe(meant);
  });
});
