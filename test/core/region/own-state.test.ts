import { describe, expect, it } from "vitest";
import { GIVES_UP_AFTER, ownStateOf } from "../../../src/core/region/own-state.ts";
import type { LookView, Snapshot } from "../../../src/core/snapshot.ts";

const NOW = 1_000_000;

function look(check: string, target: string, verdict: LookView["verdict"], inactive: string | null = null): LookView {
  return { key: `${check}@${target}`, check, target, verdict, since: 0, run: null, unknowns: 0, last: null, nextLookAt: null, critical: true, suppressedBy: null, inactive, flapping: { flapping: false, percent: 0, since: null } };
}

function seen(looks: readonly LookView[], status: Snapshot["status"] = "healthy"): Pick<Snapshot, "status" | "looks" | "targets"> {
  return { status, looks, targets: [{ id: "shop", kind: "workload", workload: "shop" }, { id: "pod/a", kind: "pod", workload: "shop" }, { id: "pod/b", kind: "pod", workload: "shop" }] };
}

const API = look("shopify_api", "shop", "healthy");

describe("a region as its own checks know it", () => {
  it.each<[string, readonly LookView[], { readonly ready: number; readonly selling: boolean }]>([
    ["two pods and the API well", [look("application", "pod/a", "healthy"), look("application", "pod/b", "healthy"), API], { ready: 2, selling: true }],
    ["one pod ill", [look("application", "pod/a", "healthy"), look("application", "pod/b", "unhealthy"), API], { ready: 1, selling: true }],
    ["no pod judged yet", [look("application", "pod/a", "unknown"), API], { ready: 0, selling: false }],
    ["the API down", [look("application", "pod/a", "healthy"), look("shopify_api", "shop", "unhealthy")], { ready: 1, selling: false }],
    ["nobody can see the API", [look("application", "pod/a", "healthy"), look("shopify_api", "shop", "unknown")], { ready: 1, selling: false }],
    ["the API slow", [look("application", "pod/a", "healthy"), look("shopify_api", "shop", "degraded")], { ready: 1, selling: true }],
    ["no API configured", [look("application", "pod/a", "healthy"), look("shopify_api", "shop", "unknown", "no storefront configured")], { ready: 1, selling: true }],
    ["a workload is no instance", [look("application", "shop", "healthy"), API], { ready: 0, selling: false }],
  ])("%s", (_what, looks, expected) => {
    expect(ownStateOf(seen(looks), "not_measured", null, NOW)).toMatchObject(expected);
  });

  it("gives itself up once it has had no instance for a while, and not in the moment between two", () => {
    const empty = (since: number | null): string | null => ownStateOf(seen([], "unhealthy"), "not_measured", since, NOW).givesUp;
    expect(empty(null)).toBeNull();
    expect(empty(NOW - GIVES_UP_AFTER + 1)).toBeNull();
    expect(empty(NOW - GIVES_UP_AFTER)).toBe("it has no instance left");
  });
});
