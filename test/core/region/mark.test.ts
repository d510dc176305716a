import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_EPOCH } from "../../../src/core/lease.ts";
import { formatMark, MAX_MARK_CHARACTERS, MAX_MARKED_NAME, parseMark } from "../../../src/core/region/mark.ts";

const name = fc.stringMatching(new RegExp(`^[a-z][a-z0-9_-]{0,${MAX_MARKED_NAME - 1}}$`));

describe("the mark beside a record", () => {
  it("is read as it was written, and fits a free zone's comment", () => {
    fc.assert(
      fc.property(name, name, fc.nat({ max: MAX_EPOCH }), fc.nat({ max: 99_999_999 * 100 }), (site, region, epoch, flippedAt) => {
        const text = formatMark({ site, region, epoch, flippedAt });
        expect(text.length).toBeLessThanOrEqual(MAX_MARK_CHARACTERS);
        expect(parseMark(text)).toEqual({ site, region, epoch, flippedAt });
      }),
    );
  });

  it.each([
    ["nothing", ""],
    ["somebody's words", "do not touch, ask Ann"],
    ["ours with somebody's words behind it", "shopkeeper site=shop region=eu epoch=1 at=2 (ask Ann)"],
    ["a number too large to be an epoch", "shopkeeper site=shop region=eu epoch=2147483647 at=2"],
    ["no number", "shopkeeper site=shop region=eu epoch=x at=2"],
    ["a line break", "shopkeeper site=shop region=eu epoch=1 at=2\n"],
  ])("is none where there is %s", (_what, text) => {
    expect(parseMark(text)).toBeNull();
  });
});
