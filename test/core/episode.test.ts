import { describe, expect, test } from "vitest";
import { escalatedBy, failedAttempts, fired, isOver, podMark, rearmed, withAttempts } from "../../src/core/episode.ts";
import { mark, NOW, past } from "../support/scene.ts";

const HOUR = 3_600_000;

describe("an episode", () => {
  test("goes on with a relapse within the hour, and is another one after it", () => {
    const first = fired(undefined, "web", "page", 0, HOUR);
    expect(fired(first, "web", "page", HOUR - 1, HOUR)).toEqual({ ...first, lastFiringAt: HOUR - 1 });
    expect(fired(first, "web", "page", HOUR, HOUR)).toEqual({ ...first, openedAt: HOUR, lastFiringAt: HOUR });
    expect(isOver(first, HOUR, HOUR)).toBe(true);
  });

  test("counts what belongs to its workload and cause since it began", () => {
    const actions = [past("web-1", 5), past("web-1", 20), past("web-1", 30, "verified", { cause: "application" }), past("x", 40, "verified", { workload: "other" })];
    expect(withAttempts(mark({ openedAt: 10 }), actions).attempts).toEqual([actions[1]]);
  });

  test("a person's act makes it count from there, and call again", () => {
    const called = escalatedBy(mark({ openedAt: 10 }), "ladder", "pod/a", 20);
    expect(rearmed(called, "pod/a", 30)).toEqual({ ...called, rearmedAt: 30, escalated: {}, pods: { "pod/a": { calledAt: null, rearmedAt: 30 } } });
    expect(rearmed(rearmed(called, "pod/a", 30), "pod/a", 30)).toEqual(rearmed(called, "pod/a", 30));
    expect(rearmed(called, "pod/a", 5)).toBe(called);
  });
});

describe("a pod by itself", () => {
  const called = escalatedBy(mark({ openedAt: 10 }), "crash_loop", "pod/a", 20);

  test("is remembered by the call for it, which another guard's is not", () => {
    expect(podMark(called, "pod/a")).toEqual({ calledAt: 20, rearmedAt: null });
    expect(podMark(called, "pod/b")).toEqual({ calledAt: null, rearmedAt: null });
    expect(escalatedBy(called, "ladder", "pod/b", 30).pods).toEqual(called.pods);
  });

  test("a person's act on it ends its call, and no other's; one on the workload ends all", () => {
    const both = escalatedBy(called, "crash_loop", "pod/b", 25);
    const acted = rearmed(both, "pod/a", 30);
    expect([podMark(acted, "pod/a"), podMark(acted, "pod/b")]).toEqual([{ calledAt: null, rearmedAt: 30 }, { calledAt: 25, rearmedAt: null }]);
    expect(podMark(rearmed(both, "web", 40), "pod/b")).toEqual({ calledAt: null, rearmedAt: 40 });
  });

  test("orders come in any order, and again and again", () => {
    const [first, second] = [rearmed(rearmed(called, "pod/a", 30), "pod/b", 20), rearmed(rearmed(called, "pod/b", 20), "pod/a", 30)];
    expect([podMark(first, "pod/b").rearmedAt, podMark(second, "pod/b").rearmedAt]).toEqual([20, 20]);
    expect(rearmed(rearmed(first, "pod/a", 30), "pod/b", 20)).toBe(first);
  });

  test("only so many are remembered, the newest", () => {
    const many = Array.from({ length: 60 }, (_, n) => `pod/${n}`).reduce((before, pod) => escalatedBy(before, "crash_loop", pod, 20), mark({ openedAt: 10 }));
    expect([Object.keys(many.pods).length, podMark(many, "pod/0").calledAt, podMark(many, "pod/59").calledAt]).toEqual([50, null, 20]);
  });
});

describe("a failed attempt", () => {
  test.each([
    ["one that was not verified", [past("web-1", NOW - 9)], 1],
    ["an uncertain one", [past("web-1", NOW - 9, "uncertain")], 1],
    ["a refused one", [past("web-1", NOW - 9, "refused")], 1],
    ["a verified one of the target that fails again", [past("web-1", NOW - 9, "verified")], 1],
    ["not a verified one of another target", [past("web-2", NOW - 9, "verified")], 0],
    ["not one that is open", [past("web-1", NOW - 9, "awaiting_verification")], 0],
    ["an open one that was followed by another", [past("web-1", NOW - 9, "awaiting_verification"), past("web-1", NOW - 8, "awaiting_verification")], 1],
    ["none that is too old", [past("web-1", NOW - HOUR)], 0],
  ])("is %s", (_what, actions, failed) => {
    expect(failedAttempts(withAttempts(mark(), actions.map((one) => one)), "web-1", HOUR, NOW)).toBe(actions[0]?.at === NOW - HOUR ? 0 : failed);
  });
});

describe("an attempt on a pod that seemed to help", () => {
  const helped = withAttempts(mark(), [past("pod/web-1", NOW - 60_000, "verified")]);
  test.each([
    ["has failed when its replacement needs it again", NOW - 59_000, 1],
    ["also when the cluster dates that to the same second", NOW - 60_999, 1],
    ["has not when an older pod needs it", NOW - 300_000, 0],
    ["has not when nobody knows how old the pod is", null, 0],
  ])("%s", (_what, bornAt, failed) => {
    expect(failedAttempts(helped, "pod/web-2", HOUR, NOW, bornAt)).toBe(failed);
  });
});
