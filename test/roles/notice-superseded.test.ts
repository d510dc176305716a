import { expect, test } from "vitest";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import { StateStoreError, SupersededError } from "../../src/ports/state-store.ts";
import { noticeSuperseded } from "../../src/roles/notice-superseded.ts";

test("whoever leads is told once that its state was opened by another, however often a write is refused; other refusals are its user's", async () => {
  const memory = createMemoryStateStore();
  let refusal: Error | null = null;
  const told: number[] = [];
  const store = noticeSuperseded({ get: (key) => memory.get(key), list: (prefix) => memory.list(prefix), delete: (key) => memory.delete(key), close: () => memory.close(), put: (key, value) => (refusal === null ? memory.put(key, value) : Promise.reject(refusal)) }, ({ epoch }) => told.push(epoch));
  await store.put("k", "1");
  refusal = new StateStoreError("UNAVAILABLE", "no answer");
  await expect(store.put("k", "2")).rejects.toBe(refusal);
  expect(told).toEqual([]);
  refusal = new SupersededError(7);
  await expect(store.put("k", "2")).rejects.toBe(refusal);
  await expect(store.put("k", "3")).rejects.toBe(refusal);
  expect(told).toEqual([7]);
  expect(await store.get("k")).toMatchObject({ value: "1" });
});

test("a delete that is refused tells it as well", async () => {
  const told: number[] = [];
  const memory = createMemoryStateStore();
  const store = noticeSuperseded({ get: (key) => memory.get(key), list: (prefix) => memory.list(prefix), put: (key, value) => memory.put(key, value), delete: () => Promise.reject(new SupersededError(9)), close: () => memory.close() }, ({ epoch }) => told.push(epoch));
  await expect(store.delete("k")).rejects.toMatchObject({ epoch: 9 });
  expect(told).toEqual([9]);
});
