import { describe, expect, test } from "vitest";
import { parseEnviron, parseStat } from "../../src/adapters/proc-files.ts";

describe("parseStat", () => {
  test("counts fields after the name, which may itself hold spaces and brackets", () => {
    const line = "4242 (a) b (c) R 1 4242 4242 0 -1 4194560 101 0 0 0 7 3 0 0 20 0 11 0 987654 1086017536 12000 18446744073709551615";
    expect(parseStat(line)).toEqual({ pid: 4242, state: "R", group: 4242, session: 4242, startTicks: "987654" });
  });

  test("what is cut off is nothing", () => {
    expect(parseStat("4242 (node) R 1 4242")).toBeNull();
    expect(parseStat("")).toBeNull();
  });
});

describe("parseEnviron", () => {
  test("takes the named variables only, the first of each, equals signs and all", () => {
    expect(parseEnviron("A=1\0SHOPKEEPER_CHILD=shop/app=x\0B=2\0SHOPKEEPER_CHILD=second\0", ["SHOPKEEPER_CHILD"])).toEqual({ SHOPKEEPER_CHILD: "shop/app=x" });
  });

  test("an unreadable environment holds nothing", () => {
    expect(parseEnviron("", ["A"])).toEqual({});
  });
});
