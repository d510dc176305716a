import { describe, expect, test } from "vitest";
import { flawOfLeaseTimes, LEASE_TIMES, mayAct, nextLeaseMove, seeLease, type LeaseRecord } from "../../src/core/lease.ts";

const record = (over: Partial<LeaseRecord> = {}): LeaseRecord => ({ holder: "a", epoch: 3, version: "7", ...over });

describe("the next move of a candidate", () => {
  test.each([
    ["nobody wrote one yet", null, 0, { kind: "create" }],
    ["it holds it itself", record({ holder: "me" }), 0, { kind: "renew", over: record({ holder: "me" }) }],
    ["it holds it itself, long after its expiry", record({ holder: "me" }), 60_000, { kind: "renew", over: record({ holder: "me" }) }],
    ["another holds it", record(), 0, { kind: "wait", until: 2_000 }],
    ["another's is about to expire", record(), 14_500, { kind: "wait", until: 15_000 }],
    ["another's has not changed for its whole duration", record(), 15_000, { kind: "take", over: record(), epoch: 4 }],
    ["it was given back", record({ holder: "" }), 0, { kind: "take", over: record({ holder: "" }), epoch: 4 }],
  ] as const)("where %s", (_, seen, now, move) => {
    expect(nextLeaseMove({ record: seen, since: 0 }, "me", now, LEASE_TIMES)).toEqual(move);
  });
});

describe("a record as it is seen", () => {
  test("expires by the time since it last changed, however often it is read", () => {
    const first = seeLease(null, record(), 100);
    expect(seeLease(first, record(), 9_000)).toBe(first);
    expect(seeLease(first, record({ version: "8" }), 9_000).since).toBe(9_000);
  });
});

describe("a leader may act", () => {
  test.each([
    [0, true],
    [9_999, true],
    [10_000, false],
  ])("%i ms after its last renewal was sent: %s", (now, may) => {
    expect(mayAct({ epoch: 1, since: 0, renewedAt: 0 }, now, LEASE_TIMES)).toBe(may);
  });

  test("only while it is one", () => expect(mayAct(null, 0, LEASE_TIMES)).toBe(false));
});

describe("times that cannot work", () => {
  test.each([
    [{ duration: 15_000, renewWithin: 10_000, retry: 2_000 }, null],
    [{ duration: 10_000, renewWithin: 10_000, retry: 2_000 }, "duration must be above renew_within: else two may lead at once"],
    [{ duration: 15_000, renewWithin: 4_000, retry: 2_000 }, "renew_within must be more than twice retry"],
    [{ duration: 15_000, renewWithin: 10_000, retry: 0 }, "retry must be above 0"],
  ])("%o: %s", (times, flaw) => expect(flawOfLeaseTimes(times)).toBe(flaw));
});
