import { describe, expect, test } from "vitest";
import type { Target } from "../../src/core/target.ts";
import { siblingLooks, whyNotLooked } from "../../src/engine/looks.ts";
import { Roll } from "../../src/engine/roll.ts";
import { checkOf } from "../support/watched-world.ts";

function pods(count: number, workload = "web"): readonly Target[] {
  return Array.from({ length: count }, (_, at) => ({ id: `pod/${workload}-${at}`, kind: "pod", workload }));
}

function roll(targets: readonly Target[], looksAt = targets.map(({ id }) => id)): Roll {
  return new Roll({ targets, checks: [checkOf("page", { targets: looksAt })], startupGrace: new Map() });
}

const PAGE = checkOf("page");

describe("the same look at siblings", () => {
  test("is at the other pods of the workload that are looked at, and at none of another", () => {
    const targets = [...pods(3), ...pods(2, "admin"), { id: "shop", kind: "workload" as const, workload: "web" }];
    expect(siblingLooks(PAGE, "pod/web-1", roll(targets))).toEqual(["page@pod/web-0", "page@pod/web-2"]);
    expect(siblingLooks(PAGE, "pod/web-1", roll(targets, ["pod/web-1", "pod/web-2"]))).toEqual(["page@pod/web-2"]);
  });

  test("is at fifty of many", () => {
    const looks = siblingLooks(PAGE, "pod/web-0", roll(pods(2_000)));
    expect([looks.length, looks[0], looks.at(-1)]).toEqual([50, "page@pod/web-1", "page@pod/web-50"]);
  });

  test("is nowhere for what is no pod, or is gone", () => {
    const app: Target = { id: "app", kind: "process", workload: "app" };
    expect(siblingLooks(PAGE, "app", roll([app, ...pods(2)]))).toEqual([]);
    expect(siblingLooks(PAGE, "pod/web-9", roll(pods(2)))).toEqual([]);
  });
});

test.each([
  ["page", "pod/web-0", null],
  ["page", "pod/web-1", "the check no longer looks at pod/web-1"],
  ["redis", "site", "the check is inactive: not configured"],
  ["cart", "site", "the check is no longer configured"],
])("why nobody looks at %s of %s: %s", (check, target, why) => {
  const checks = [checkOf("page", { targets: ["pod/web-0"] }), checkOf("redis", { targets: ["site"], inactive: "not configured" })];
  expect(whyNotLooked(check, target, checks)).toBe(why);
});
