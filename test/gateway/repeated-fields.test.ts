import { describe, expect, test } from "vitest";
import { nameSet } from "../../src/core/name-set.ts";
import { field } from "../../src/gateway/headers.ts";
import { mayKeep } from "../../src/gateway/page-copy.ts";

const VARIES = nameSet(["", "accept-encoding"]);

describe("a field that stands on several lines", () => {
  test("is read as one list", () => {
    expect(field({ "x-a": ["1", "2"] }, "x-a")).toBe("1, 2");
  });

  test.each([
    ["private on the second line", { "cache-control": ["public", "private"] }],
    ["no-store on the second line", { "cache-control": ["max-age=60", "no-store"] }],
    ["what is not in the key on the second line of Vary", { vary: ["accept-encoding", "accept-language"] }],
  ])("keeps a page from being stored: %s", (_what, headers) => {
    expect(mayKeep(headers as never, VARIES)).toBe(false);
  });

  test("of harmless words does not", () => {
    expect(mayKeep({ "cache-control": ["public", "max-age=60"], vary: ["accept-encoding"] } as never, VARIES)).toBe(true);
  });
});
