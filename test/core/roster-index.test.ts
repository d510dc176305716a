import { describe, expect, test } from "vitest";
import { isAmong, looksOf, replicasIn, targetIn } from "../../src/core/roster-index.ts";
import type { Target } from "../../src/core/target.ts";
import { checkOf } from "../support/watched-world.ts";

const TARGETS: readonly Target[] = [
  { id: "shop", kind: "workload", workload: "web" },
  { id: "pod/b", kind: "pod", workload: "web" },
  { id: "pod/a", kind: "pod", workload: "web" },
  { id: "pod/c", kind: "pod", workload: "admin" },
];

describe("the index of a roster", () => {
  test("finds a target by its name, and none of another roster's", () => {
    expect(targetIn(TARGETS, "pod/a")).toBe(TARGETS[2]);
    expect(targetIn(TARGETS, "pod/z")).toBeUndefined();
    expect(targetIn(TARGETS.slice(0, 2), "pod/a")).toBeUndefined();
  });

  test("has the replicas of a workload in their order, without the workload as a whole", () => {
    expect(replicasIn(TARGETS, "web").map(({ id }) => id)).toEqual(["pod/b", "pod/a"]);
    expect(replicasIn(TARGETS, "nothing")).toEqual([]);
    expect(replicasIn(TARGETS.slice(0, 2), "web").map(({ id }) => id)).toEqual(["pod/b"]);
  });

  test("knows what a check looks at, and by which keys", () => {
    const check = checkOf("page", { targets: ["pod/b", "pod/a"] });
    expect(["pod/a", "pod/c"].map((id) => isAmong(check.targets, id))).toEqual([true, false]);
    expect(looksOf(check)).toEqual([{ key: "page@pod/b", target: "pod/b" }, { key: "page@pod/a", target: "pod/a" }]);
    const later = { ...check, targets: ["pod/c"] };
    expect(isAmong(later.targets, "pod/a")).toBe(false);
    expect(looksOf(later).map(({ key }) => key)).toEqual(["page@pod/c"]);
  });
});
