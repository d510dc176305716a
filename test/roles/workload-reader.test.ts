import { describe, expect, test } from "vitest";
import { labelQuery } from "../../src/roles/workload-reader.ts";
import { parseLabelQuery } from "../../src/simulation/label-query.ts";

describe("a selector as text", () => {
  test.each([
    [[{ key: "app", operator: "In", values: ["web"] }], "app=web"],
    [[{ key: "app", operator: "In", values: ["web", "shop"] }, { key: "tier", operator: "NotIn", values: ["canary"] }], "app in (web,shop),tier notin (canary)"],
    [[{ key: "app", operator: "Exists", values: [] }, { key: "old", operator: "DoesNotExist", values: [] }], "app,!old"],
    [[], ""],
  ] as const)("%j", (selector, text) => {
    expect(labelQuery(selector)).toBe(text);
  });

  test("the simplest reads back as it was", () => {
    const selector = [{ key: "app", operator: "In", values: ["web"] }] as const;
    expect(parseLabelQuery(labelQuery(selector))).toEqual(selector);
  });
});
