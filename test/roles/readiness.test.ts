import { describe, expect, test } from "vitest";
import type { Evidence } from "../../src/core/evidence.ts";
import type { SiteStatus } from "../../src/core/status.ts";
import { readinessOf } from "../../src/roles/readiness.ts";
import { wellbeing } from "../server/fake-control.ts";

function holding(copies: number): Evidence {
  return { lastGoodAt: null, lastFailedAt: null, succeeded: 0, failed: 0, inFlight: 0, oldestInFlightMs: 0, copies };
}

describe("readiness", () => {
  test.each<[string, SiteStatus, boolean, number | null, number | null, boolean, string]>([
    ["not before it has started", "healthy", false, 8080, 5, false, "starting"],
    ["a healthy site behind a gateway", "healthy", true, 8080, 0, true, "the gateway listens and the site is healthy"],
    ["a degraded one keeps its traffic", "degraded", true, 8080, 0, true, "the gateway listens and the site is degraded"],
    ["one not looked at yet is not turned away", "unknown", true, 8080, 0, true, "the gateway listens and the site is unknown"],
    ["an unhealthy one with copies serves them", "unhealthy", true, 8080, 12, true, "the site is unhealthy; 12 stored pages are served"],
    ["an unhealthy one without copies has nothing to serve", "unhealthy", true, 8080, 0, false, "the site is unhealthy and there is no stored page to serve"],
    ["an unhealthy one that cannot tell its copies", "unhealthy", true, 8080, null, false, "the site is unhealthy and there is no stored page to serve"],
    ["without a gateway the application itself is what is ready", "degraded", true, null, null, true, "the site is degraded"],
    ["without a gateway an unhealthy application is not", "unhealthy", true, null, null, false, "the site is unhealthy"],
  ])("%s", (_what, status, started, port, copies, ready, reason) => {
    expect(readinessOf(wellbeing({ status }), started, port, copies === null ? null : holding(copies))).toEqual({ ready, reason });
  });
});
