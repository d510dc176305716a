/** What every StateStore promises; run against each adapter. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MAX_STATE_VALUE_BYTES } from "../../src/ports/state-store.ts";
import type { StateStore } from "../../src/ports/state-store.ts";

export type StateStoreHome = {
  readonly open: () => Promise<StateStore>;
  readonly cleanUp: () => Promise<void>;
};

export function stateStoreContract(name: string, makeHome: () => Promise<StateStoreHome>): void {
  describe(`state store: ${name}`, () => {
    let home: StateStoreHome;
    let store: StateStore;

    beforeEach(async () => {
      home = await makeHome();
      store = await home.open();
    });
    afterEach(async () => {
      await store.close();
      await home.cleanUp();
    });

    test("what was never written is null", async () => {
      expect(await store.get("intent/1")).toBeNull();
    });

    test("a written value is read back with its revision, which grows with each write", async () => {
      expect(await store.put("intent/1", '{"a":1}')).toBe(1);
      expect(await store.put("intent/1", '{"a":2}')).toBe(2);
      expect(await store.get("intent/1")).toEqual({ key: "intent/1", value: '{"a":2}', revision: 2 });
    });

    test("a write over another revision than the one named is a conflict and changes nothing", async () => {
      await store.put("k", "1");
      expect(await store.put("k", "2", 0)).toBe("conflict");
      expect(await store.put("k", "2", 7)).toBe("conflict");
      expect((await store.get("k"))?.value).toBe("1");
      expect(await store.put("k", "2", 1)).toBe(2);
    });

    test("revision 0 writes only what is absent", async () => {
      expect(await store.put("k", "1", 0)).toBe(1);
      expect(await store.put("k", "1", 0)).toBe("conflict");
    });

    test("of two writers over the same revision exactly one wins", async () => {
      await store.put("k", "0");
      const results = await Promise.all(["a", "b", "c"].map((value) => store.put("k", value, 1)));
      expect(results.filter((result) => result === "conflict")).toHaveLength(2);
      expect(results).toContain(2);
    });

    test("deleting removes, and deleting what is not there is no error", async () => {
      await store.put("k", "1");
      await store.delete("k");
      await store.delete("k");
      expect(await store.get("k")).toBeNull();
      expect(await store.put("k", "2", 0)).toBe(1);
    });

    test("lists by prefix, in byte order, at most so many", async () => {
      for (const key of ["intent/b", "intent/a", "intent/\u00e9", "intent/Z", "intents", "pause/a", "intent_x"]) await store.put(key, key);
      expect((await store.list("intent/")).map((row) => row.key)).toEqual(["intent/Z", "intent/a", "intent/b", "intent/\u00e9"]);
      expect((await store.list("intent/", 2)).map((row) => row.key)).toEqual(["intent/Z", "intent/a"]);
      expect(await store.list("nothing/")).toEqual([]);
    });

    test("wildcards of query languages mean nothing in a prefix", async () => {
      await store.put("a%b", "1");
      await store.put("axb", "1");
      expect((await store.list("a%")).map((row) => row.key)).toEqual(["a%b"]);
    });

    test("a value at the bound is kept, one byte more is refused", async () => {
      await store.put("big", "x".repeat(MAX_STATE_VALUE_BYTES));
      expect((await store.get("big"))?.value).toHaveLength(MAX_STATE_VALUE_BYTES);
      await expect(store.put("big", "x".repeat(MAX_STATE_VALUE_BYTES + 1))).rejects.toMatchObject({ name: "StateStoreError", code: "TOO_LARGE" });
      await expect(store.put("k".repeat(513), "1")).rejects.toMatchObject({ code: "TOO_LARGE" });
    });

    test("what was written is there after closing and opening again", async () => {
      await store.put("intent/1", "one");
      await store.put("intent/1", "two");
      await store.close();
      store = await home.open();
      expect(await store.get("intent/1")).toEqual({ key: "intent/1", value: "two", revision: 2 });
    });

    test("a closed store says so", async () => {
      const other = store;
      await other.close();
      await expect(other.get("k")).rejects.toMatchObject({ code: "UNAVAILABLE" });
      store = await home.open();
    });
  });
}
