import { describe, expect, test } from "vitest";
import { lockOutOf, rateLimitOf } from "../../../src/adapters/cloudflare/rate-limit.ts";

describe("Cloudflare's rate limit", () => {
  test.each([
    ["one limit", '"default";r=50;t=30', '"default";q=1200;w=300', { remaining: 50, resetsInMs: 30_000, quota: 1_200 }],
    ["blanks between", '"default"; r=50 ; t=30', undefined, { remaining: 50, resetsInMs: 30_000, quota: null }],
    ["several, of which the scarcest counts", '"default";r=50;t=30, "burst";r=3;t=1', '"burst";q=200;w=1, "default";q=1200;w=300', { remaining: 3, resetsInMs: 1_000, quota: 200 }],
    ["one that is not told whole", '"default";r=50', undefined, null],
    ["numbers that are none", '"default";r=-1;t=x', undefined, null],
    ["none", undefined, '"default";q=1200;w=300', null],
  ])("is read: %s", (_what, ratelimit, policy, expected) => {
    expect(rateLimitOf({ ...(ratelimit === undefined ? {} : { ratelimit }), ...(policy === undefined ? {} : { "ratelimit-policy": policy }) })).toEqual(expected);
  });

  test.each([
    ["as long as is asked for", { "retry-after": "7" }, 7_000],
    ["never longer than a lock-out", { "retry-after": "86400" }, 300_000],
    ["until the window's end, where that alone is told", { ratelimit: '"default";r=0;t=120' }, 120_000],
    ["a while, where nothing is told", {}, 15_000],
    ["a while, where what is told is not understood", { "retry-after": "soon" }, 15_000],
    ["a while, where calls are left", { ratelimit: '"default";r=5;t=120' }, 15_000],
  ])("locks out %s", (_what, headers, expected) => {
    expect(lockOutOf(headers)).toBe(expected);
  });
});
