import { describe, expect, test } from "vitest";
import { createMemoryCopies } from "../../src/adapters/memory-copies.ts";
import { copyStoreContract } from "../contract/copy-store.ts";

copyStoreContract("memory", createMemoryCopies);

describe("limits of the memory store", () => {
  test.each([
    [{ totalBytes: 1024, entryBytes: 1 }],
    [{ totalBytes: Number.NaN, entryBytes: 1 }],
    [{ totalBytes: 1 << 20, entryBytes: 1, canonicalShare: 1 }],
  ])("refuses %o", (limits) => {
    expect(() => createMemoryCopies(limits)).toThrow(RangeError);
  });
});
