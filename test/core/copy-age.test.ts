import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { copyAge } from "../../src/core/copy-age.ts";

const META = { filledAt: 1_000, ttl: 100, staleWhileRevalidate: 200, staleIfError: 900 };

describe("copyAge", () => {
  test.each([
    [1_000, "fresh", 100, 1_000],
    [1_099, "fresh", 1, 901],
    [1_100, "revalidate", 0, 900],
    [1_299, "revalidate", -199, 701],
    [1_300, "error_only", -200, 700],
    [1_999, "error_only", -899, 1],
    [2_000, "expired", -900, 0],
  ])("at %i it is %s, with %i ms of freshness and %i ms of runway", (now, freshness, ttlLeft, runway) => {
    expect(copyAge(META, now)).toMatchObject({ freshness, ttlLeft, runway, onError: runway > 0 });
  });

  test("a copy from the future is new", () => {
    expect(copyAge(META, 0)).toMatchObject({ age: 0, freshness: "fresh" });
  });

  test("what may be served while all is well may be served when it is not", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), fc.nat(), (now, ttl, staleWhileRevalidate, staleIfError) => {
        const { freshness, onError } = copyAge({ filledAt: 0, ttl, staleWhileRevalidate, staleIfError }, now);
        return freshness === "expired" ? !onError : onError;
      }),
    );
  });
});
