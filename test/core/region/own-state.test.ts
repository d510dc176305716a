import { describe, expect, it } from "vitest";
import { GIVES_UP_AFTER, ownStateOf } from "../../../src/core/region/own-state.ts";
import type { LookView, Snapshot } from "../../../src/core/snapshot.ts";

const NOW = 1_000_000;

function look(check: string, target: string, verdict: LookView["verdict"], inactive: string | null = null): LookView {
  return { key: `${check}@${target}`, check, target, verdict, since: 0, run: null, unknowns: 0, last: null, nextLookAt: null, critical: true, suppressedBy: null, inactive, flapping: { flapping: false, percent: 0, since: null } };
}

function seen(looks: readonly LookView[]): Pick<Snapshot, "looks" | "targets"> {
  return { looks, targets: [{ id: "shop", kind: "workload", workload: "shop" }, { id: "pod/a", kind: "pod", workload: "shop" }, { id: "pod/b", kind: "pod", workload: "shop" }] };
}

const API = look("shopify_api", "site", "healthy");
const pods = (a: LookView["verdict"], b: LookView["verdict"]): readonly LookView[] => [look("application", "pod/a", a), look("application", "pod/b", b)];

describe("a region as its own checks know it", () => {
  it.each<[string, readonly LookView[], object]>([
    ["two pods and the API well", [...pods("healthy", "healthy"), API], { status: "healthy", ready: 2, selling: true }],
    ["one pod ill, the floor reached", [...pods("healthy", "unhealthy"), look("page", "pod/b", "unhealthy"), API], { status: "healthy", ready: 1, selling: true }],
    ["a degraded pod still serves", [...pods("degraded", "unhealthy"), API], { status: "healthy", ready: 1, selling: true }],
    ["all pods ill", [...pods("unhealthy", "unhealthy"), API], { status: "unhealthy", ready: 0, selling: false }],
    ["no pod judged yet", [...pods("unknown", "unknown"), API], { status: "unknown", ready: 0, selling: false }],
    ["no pod at all", [API], { status: "unhealthy", ready: 0, selling: false }],
    ["the API down", [...pods("healthy", "healthy"), look("shopify_api", "site", "unhealthy")], { status: "unhealthy", selling: false }],
    ["nobody can see the API", [...pods("healthy", "healthy"), look("shopify_api", "site", "unknown")], { status: "unknown", selling: false }],
    ["the API slow", [...pods("healthy", "healthy"), look("shopify_api", "site", "degraded")], { status: "degraded", selling: true }],
    ["no API configured", [...pods("healthy", "healthy"), look("shopify_api", "site", "unknown", "no storefront configured")], { status: "healthy", selling: true }],
    ["what they share is down", [...pods("healthy", "healthy"), look("dependencies", "site", "unhealthy")], { status: "unhealthy", selling: true }],
    ["what is not critical says nothing", [...pods("healthy", "healthy"), { ...look("cdn", "site", "unhealthy"), critical: false }], { status: "healthy" }],
    ["a workload is no instance", [look("application", "shop", "healthy"), API], { ready: 0, selling: false }],
  ])("%s", (_what, looks, expected) => {
    expect(ownStateOf(seen(looks), 1, "not_measured", null, NOW)).toMatchObject(expected);
  });

  it("with fewer instances than its floor is degraded", () => {
    expect(ownStateOf(seen([...pods("healthy", "unhealthy"), API]), 2, "not_measured", null, NOW)).toMatchObject({ status: "degraded", ready: 1 });
  });

  it("does not call itself degraded while those it has not looked at may be well", () => {
    const status = (a: LookView["verdict"], b: LookView["verdict"], floor: number): string => ownStateOf(seen([...pods(a, b), API]), floor, "not_measured", null, NOW).status;
    expect([status("healthy", "unknown", 2), status("healthy", "unknown", 3), status("healthy", "unknown", 1), status("unhealthy", "unknown", 1)]).toEqual(["unknown", "degraded", "healthy", "unhealthy"]);
  });

  it("gives itself up once it has had no instance for a while, and not in the moment between two", () => {
    const empty = (since: number | null): string | null => ownStateOf(seen([]), 1, "not_measured", since, NOW).givesUp;
    expect(empty(null)).toBeNull();
    expect(empty(NOW - GIVES_UP_AFTER + 1)).toBeNull();
    expect(empty(NOW - GIVES_UP_AFTER)).toBe("it has no instance left");
  });
});
