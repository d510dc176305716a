import { describe, expect, test } from "vitest";
import type { SidecarReport } from "../../src/core/sidecar-report.ts";
import { storefrontBreaker } from "../../src/roles/follow-pods.ts";

function report(state: "closed" | "open" | null, since = 5): SidecarReport {
  return { status: "healthy", ready: true, copies: 1, version: "1", looks: [], breakers: state === null ? [] : [{ name: "egress:storefront", state, since }] };
}

describe("the Storefront API's breaker, as the sidecars have it", () => {
  test("is open where at least half of them have it open, since the first of those", () => {
    expect(storefrontBreaker([report("open", 9), report("open", 7), report("closed", 1)])).toMatchObject([{ name: "egress:storefront", effective: "open", since: 7 }]);
    expect(storefrontBreaker([report("open"), report("closed"), report("closed")])).toMatchObject([{ effective: "closed" }]);
  });

  test("is nobody's where none tells of one", () => {
    expect([storefrontBreaker([]), storefrontBreaker([report(null)])]).toEqual([[], []]);
  });
});
