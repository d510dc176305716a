/** What a StateStore promises that leaders open under their epochs; run against each adapter that has them. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StateStore } from "../../src/ports/state-store.ts";

export type FencedHome = {
  readonly open: (epoch: number) => Promise<StateStore>;
  /** Writes something else in the place of the newest leader's epoch. */
  readonly spoilEpoch: (text: string) => Promise<void>;
  readonly cleanUp: () => Promise<void>;
};

export function fencedStateStoreContract(name: string, makeHome: () => Promise<FencedHome>): void {
  describe(`state store of leaders: ${name}`, () => {
    let home: FencedHome;
    const opened: StateStore[] = [];
    const open = async (epoch: number): Promise<StateStore> => {
      const store = await home.open(epoch);
      opened.push(store);
      return store;
    };

    beforeEach(async () => {
      home = await makeHome();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store.close()));
      await home.cleanUp();
    });

    test("a new leader reads what the one before wrote", async () => {
      await (await open(3)).put("intent/1", "old");
      expect(await (await open(4)).get("intent/1")).toEqual({ key: "intent/1", value: "old", revision: 1 });
    });

    test("from the moment a later leader has opened it, nothing of an earlier one is written any more", async () => {
      const before = await open(3);
      await before.put("cool-down/a", "1");
      const now = await open(4);
      await expect(before.put("cool-down/a", "2")).rejects.toMatchObject({ code: "SUPERSEDED", epoch: 4 });
      await expect(before.put("cool-down/b", "2")).rejects.toMatchObject({ code: "SUPERSEDED" });
      await expect(before.put("cool-down/a", "2", 7)).rejects.toMatchObject({ code: "SUPERSEDED" });
      await expect(before.delete("cool-down/a")).rejects.toMatchObject({ code: "SUPERSEDED" });
      expect(await now.list("cool-down/")).toEqual([{ key: "cool-down/a", value: "1", revision: 1 }]);
      expect(await now.put("cool-down/a", "3", 1)).toBe(2);
    });

    test("writes under way when a later leader opens it are there whole, or refused", async () => {
      const before = await open(1);
      const writes = Array.from({ length: 20 }, (_, n) => before.put(`k/${String(n).padStart(2, "0")}`, "x").then(() => n, () => null));
      const now = await open(2);
      const landed = (await now.list("k/")).map(({ key }) => Number(key.slice(2)));
      const settled = (await Promise.all(writes)).filter((n) => n !== null);
      expect((await now.list("k/")).map(({ key }) => Number(key.slice(2)))).toEqual(landed);
      expect(settled).toEqual(landed);
    });

    test("it is opened once under each epoch: neither by an earlier leader, nor by another that came to the same number", async () => {
      const first = await open(5);
      await first.put("k", "1");
      await expect(open(4)).rejects.toMatchObject({ code: "SUPERSEDED", epoch: 5 });
      await expect(open(5)).rejects.toMatchObject({ code: "SUPERSEDED", epoch: 5 });
      expect(await first.put("k", "2", 1)).toBe(2);
      expect(await (await open(6)).put("k", "3", 2)).toBe(3);
    });

    test.each(["2147483646", "2147483647", "99999999999", "soon", ""])("what stands in an epoch's place and is none, %j, is said with its place, and neither raised nor replaced", async (text) => {
      const before = await open(1);
      await before.put("k", "1");
      await home.spoilEpoch(text);
      await expect(open(2)).rejects.toMatchObject({ code: "CORRUPT", message: expect.stringMatching(/epoch.*is no epoch/) });
      // The last number there is fences all the same.
      await expect(before.put("k", "2")).rejects.toMatchObject({ code: text === "2147483646" ? "SUPERSEDED" : "CORRUPT" });
    });
  });
}
