import { describe, expect, test } from "vitest";
import { createMemoryStateStore } from "../../../src/adapters/memory-state-store.ts";
import { RegionBook } from "../../../src/engine/region/region-book.ts";
import { parseBook } from "../../../src/engine/region/region-book-json.ts";
import { EMPTY_REGION_STATE, type RegionState } from "../../../src/engine/region/region-state.ts";
import { StateStoreError, type Stored } from "../../../src/ports/state-store.ts";

const NOW = 5_000_000;
const STATE: RegionState = {
  memory: { region: "us", epoch: 4, since: NOW - 70_000, found: false },
  acknowledged: 3,
  incident: { about: "us", since: NOW - 9_000, parity: "failed", readySince: NOW - 3_000 },
  repairedAt: [NOW - 60_000],
  intent: { id: "i", kind: "flip", to: "ap", from: "us", epoch: 5, cause: "down", who: "shopkeeper" },
  firing: { region_held: 123 },
};

describe("what the leader of a region must not forget", () => {
  test("goes over to a daemon with another clock as lengths of time", async () => {
    const rows = new Map<string, Stored>();
    await new RegionBook(createMemoryStateStore(rows)).save(STATE, NOW);
    const other = NOW - 250_000;
    const { state } = await new RegionBook(createMemoryStateStore(rows)).load(other);
    expect(state).toEqual({
      ...STATE,
      memory: { ...STATE.memory, since: other - 70_000 },
      incident: { ...STATE.incident, since: other - 9_000, readySince: other - 3_000 },
      repairedAt: [other - 60_000],
    });
  });

  test("is written when it changes, and once a minute while lengths of time grow", async () => {
    const rows = new Map<string, Stored>();
    const book = new RegionBook(createMemoryStateStore(rows));
    const revision = (): number => rows.get("region/state")?.revision ?? 0;
    await book.save(STATE, NOW);
    await book.save(STATE, NOW + 59_999);
    expect(revision()).toBe(1);
    await book.save(STATE, NOW + 60_000);
    await book.save({ ...STATE, intent: null }, NOW + 60_001);
    expect(revision()).toBe(3);
  });

  test("written twice at once is no stranger's", async () => {
    const book = new RegionBook(createMemoryStateStore());
    await expect(Promise.all([book.save(STATE, NOW), book.save({ ...STATE, intent: null }, NOW)])).resolves.toHaveLength(2);
  });

  test("is not written over another daemon's", async () => {
    const store = createMemoryStateStore();
    const [one, two] = [new RegionBook(store), new RegionBook(store)];
    await one.save(STATE, NOW);
    await expect(two.save({ ...STATE, acknowledged: 4 }, NOW)).rejects.toThrow("changed by another daemon");
    await two.load(NOW);
    await two.save({ ...STATE, acknowledged: 4 }, NOW);
    expect((await new RegionBook(store).load(NOW)).state.acknowledged).toBe(4);
  });

  test("is written over its own write that nobody answered", async () => {
    const store = createMemoryStateStore();
    let lose = true;
    const book = new RegionBook({
      ...store,
      get: (key) => store.get(key),
      put: async (key, value, over) => {
        const revision = await store.put(key, value, over);
        if (!lose) return revision;
        lose = false;
        throw new StateStoreError("UNAVAILABLE", "no answer");
      },
    });
    await expect(book.save(STATE, NOW)).rejects.toThrow("no answer");
    await book.save({ ...STATE, intent: null }, NOW);
    expect((await new RegionBook(store).load(NOW)).state.intent).toBeNull();
  });

  test.each([
    ["no JSON", "{"],
    ["an array", "[]"],
    ["a length below zero", JSON.stringify({ memory: { region: "us", epoch: 4, forMs: -1, found: true }, acknowledged: 0, incident: null, repairedAgoMs: [], intent: null, firing: {} })],
    ["an unknown parity", JSON.stringify({ memory: null, acknowledged: 0, incident: { about: "eu", forMs: 1, parity: "likely", readyForMs: null }, repairedAgoMs: [], intent: null, firing: {} })],
    ["an intent of another kind", JSON.stringify({ memory: null, acknowledged: 0, incident: null, repairedAgoMs: [], intent: { id: "i", kind: "drill", to: "us", from: null, epoch: 1, cause: "", who: "" }, firing: {} })],
    ["firing that is no instant", JSON.stringify({ memory: null, acknowledged: 0, incident: null, repairedAgoMs: [], intent: null, firing: { region_held: "now" } })],
    ["a field missing", JSON.stringify({ memory: null, incident: null, repairedAgoMs: [], intent: null, firing: {} })],
  ])("is none where it cannot be understood: %s", async (_, value) => {
    expect(parseBook(value, NOW)).toBeNull();
    const store = createMemoryStateStore();
    await store.put("region/state", value);
    const book = new RegionBook(store);
    expect(await book.load(NOW)).toEqual({ state: EMPTY_REGION_STATE, understood: false });
    await book.save(STATE, NOW);
    expect((await new RegionBook(store).load(NOW)).state).toEqual(STATE);
  });
});
