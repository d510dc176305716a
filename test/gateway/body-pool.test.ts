import { describe, expect, test } from "vitest";
import { createBodyPool } from "../../src/gateway/body-pool.ts";
import { createContradictions } from "../../src/gateway/contradictions.ts";

describe("the pool of bodies", () => {
  const page = {};

  test("gives back what it was given, once", () => {
    const pool = createBodyPool(1_000);
    const buffer = Buffer.from("page");
    pool.give(page, buffer);
    expect(pool.take(page)).toBe(buffer);
    expect(pool.take(page)).toBeNull();
  });

  test("never gives one page's buffer to another", () => {
    const pool = createBodyPool(1_000);
    pool.give(page, Buffer.from("page"));
    expect(pool.take({})).toBeNull();
  });

  test("lets the first pages go beyond its bound", () => {
    const pool = createBodyPool<object>(100);
    const pages = Array.from({ length: 5 }, () => ({}));
    for (const one of pages) pool.give(one, Buffer.alloc(40));
    expect(pages.map((one) => pool.take(one) !== null)).toEqual([false, false, false, true, true]);
  });

  test("keeps a few of one page", () => {
    const pool = createBodyPool(1_000_000);
    for (let turn = 0; turn < 20; turn += 1) pool.give(page, Buffer.alloc(10));
    let taken = 0;
    while (pool.take(page) !== null) taken += 1;
    expect(taken).toBe(8);
  });
});

describe("contradictions", () => {
  test("count from the first 404 until a page clears them", () => {
    const contradictions = createContradictions();
    expect([contradictions.seen("a", 100), contradictions.seen("a", 150), contradictions.seen("b", 150)]).toEqual([0, 50, 0]);
    contradictions.clear("a");
    expect(contradictions.seen("a", 200)).toBe(0);
  });

  test("forget the oldest of too many", () => {
    const contradictions = createContradictions();
    contradictions.seen("first", 0);
    for (let page = 0; page < 1_024; page += 1) contradictions.seen(`p${page}`, 1);
    expect(contradictions.seen("first", 10)).toBe(0);
    expect(contradictions.seen("p1023", 10)).toBe(9);
  });
});
