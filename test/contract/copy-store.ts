/** What every copy store promises, held against each adapter. */
import { describe, expect, test } from "vitest";
import type { CopyMeta } from "../../src/core/copy.ts";
import type { CopyStore, CopyStoreLimits, SharedCopy } from "../../src/ports/copy-store.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** A copy whose body is `bytes` long and filled with its key's first character code. */
export function copyOf(key: string, overrides: Partial<CopyMeta> & { readonly size?: number } = {}): SharedCopy {
  const { size = 10 * KIB, ...meta } = overrides;
  const body = new SharedArrayBuffer(size);
  new Uint8Array(body).fill(key.charCodeAt(0));
  return {
    meta: {
      key,
      route: "product",
      url: `/${key}`,
      status: 200,
      headers: [["content-type", "text/html; charset=utf-8"]],
      bytes: size,
      filledAt: 1_000,
      ttl: 60_000,
      staleWhileRevalidate: 60_000,
      staleIfError: 86_400_000,
      nonceLength: 0,
      nonceOffsets: [],
      neutraliseAt: null,
      buildId: "",
      canonical: true,
      ...meta,
    },
    body,
  };
}

export function copyStoreContract(name: string, create: (limits: CopyStoreLimits) => CopyStore): void {
  const limits: CopyStoreLimits = { totalBytes: 4 * MIB, entryBytes: 512 * KIB };

  describe(`${name} as a copy store`, () => {
    test("gives back the very body that was put, unchanged", () => {
      const store = create(limits);
      const copy = copyOf("a");
      expect(store.put(copy)).toEqual({ kind: "stored", evicted: [] });
      expect(store.get("a")?.body).toBe(copy.body);
      expect(store.get("a")?.meta).toEqual(copy.meta);
    });

    test("a miss is null, and deleting what is not there no error", () => {
      const store = create(limits);
      store.delete("nothing");
      expect([store.get("nothing"), store.has("nothing"), store.size()]).toEqual([null, false, 0]);
    });

    test("a later copy replaces the earlier one of its key", () => {
      const store = create(limits);
      store.put(copyOf("a", { filledAt: 1 }));
      store.put(copyOf("a", { filledAt: 2 }));
      expect([store.size(), store.get("a")?.meta.filledAt]).toEqual([1, 2]);
    });

    test("a copy that changed its segment is held once", () => {
      const store = create(limits);
      store.put(copyOf("a", { canonical: false }));
      store.put(copyOf("a", { canonical: true }));
      expect(store.summary()).toMatchObject({ count: 1, canonical: 1 });
    });

    test("turns down a body above the limit per entry, and keeps the copy it had", () => {
      const store = create(limits);
      store.put(copyOf("a", { filledAt: 1 }));
      expect(store.put(copyOf("a", { filledAt: 2, size: 512 * KIB + 1 }))).toEqual({ kind: "too_large", limitBytes: 512 * KIB });
      expect(store.get("a")?.meta.filledAt).toBe(1);
    });

    test("turns down a body that its whole segment could not hold", () => {
      const store = create({ totalBytes: 2 * MIB, entryBytes: 100 * MIB });
      expect(store.put(copyOf("a", { size: 2 * MIB })).kind).toBe("too_large");
      expect(store.size()).toBe(0);
    });

    test("stays within its bytes and names what it evicted, least recently used first", () => {
      const store = create(limits);
      const evicted: string[] = [];
      for (let page = 0; page < 100; page += 1) {
        store.get("page-0");
        const put = store.put(copyOf(`page-${page}`, { size: 100 * KIB }));
        if (put.kind === "stored") evicted.push(...put.evicted);
      }
      expect(store.summary().bytes).toBeLessThanOrEqual(4 * MIB);
      expect(store.has("page-0")).toBe(true);
      expect(evicted[0]).toBe("page-1");
      expect(store.size()).toBe(100 - evicted.length);
      expect(evicted.some((key) => store.has(key))).toBe(false);
    });

    test("a flood of queries evicts no canonical page", () => {
      const store = create(limits);
      for (let page = 0; page < 20; page += 1) store.put(copyOf(`page-${page}`, { size: 100 * KIB }));
      for (let query = 0; query < 1_000; query += 1) store.put(copyOf(`search?q=${query}`, { size: 100 * KIB, canonical: false }));
      expect(store.summary().canonical).toBe(20);
      expect(store.summary().bytes).toBeLessThanOrEqual(4 * MIB);
    });

    test("counts what small bodies cost beside their bytes", () => {
      const store = create({ totalBytes: MIB, entryBytes: KIB });
      for (let page = 0; page < 20_000; page += 1) store.put(copyOf(`page-${page}`, { size: 1 }));
      expect(store.size()).toBeLessThan(2_500);
    });

    test("sums up what it holds", () => {
      const store = create(limits);
      expect(store.summary()).toEqual({ count: 0, bytes: 0, canonical: 0, oldestFilledAt: null, newestFilledAt: null, byRoute: {} });
      store.put(copyOf("a", { route: "home", filledAt: 30 }));
      store.put(copyOf("b", { filledAt: 10 }));
      store.put(copyOf("c", { filledAt: 20, canonical: false }));
      expect(store.summary()).toMatchObject({ count: 3, canonical: 2, oldestFilledAt: 10, newestFilledAt: 30, byRoute: { home: 1, product: 2 } });
      expect(store.all().map(({ meta }) => meta.key)).toEqual(["a", "b", "c"]);
    });
  });
}
