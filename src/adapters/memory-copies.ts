/**
 * Stored pages in this process's memory, by lru-cache.
 *
 * Two segments, each bounded in bytes: canonical pages, and variants of them (queries).
 */
import { LRUCache } from "lru-cache";
import type { CopyStore, CopyStoreLimits, CopySummary, SharedCopy } from "../ports/copy-store.ts";

/** Counted for each entry beside its body, key and header fields: maps, objects, offsets. */
const ENTRY_OVERHEAD_BYTES = 512;

const MIN_TOTAL_BYTES = 1024 * 1024;

type Segment = LRUCache<string, SharedCopy>;

/**
 * @throws {RangeError} when `totalBytes` is below 1 MiB or `canonicalShare` not between 0 and 1.
 */
export function createMemoryCopies({ totalBytes, entryBytes, canonicalShare = 0.75 }: CopyStoreLimits): CopyStore {
  if (!(totalBytes >= MIN_TOTAL_BYTES)) throw new RangeError(`totalBytes must be at least ${MIN_TOTAL_BYTES}, not ${totalBytes}`);
  if (!(canonicalShare > 0 && canonicalShare < 1)) throw new RangeError(`canonicalShare must lie between 0 and 1, not ${canonicalShare}`);

  let evicted: string[] = [];
  const segment = (bytes: number): Segment =>
    new LRUCache<string, SharedCopy>({
      maxSize: Math.floor(bytes),
      sizeCalculation: weigh,
      dispose: (_, key, reason) => {
        if (reason === "evict") evicted.push(key);
      },
    });
  const canonical = segment(totalBytes * canonicalShare);
  const variants = segment(totalBytes * (1 - canonicalShare));

  return {
    get: (key) => canonical.get(key) ?? variants.get(key) ?? null,
    has: (key) => canonical.has(key) || variants.has(key),
    put(copy) {
      const home = copy.meta.canonical ? canonical : variants;
      const limitBytes = Math.min(entryBytes, home.maxSize - (weigh(copy, copy.meta.key) - copy.body.byteLength));
      if (copy.body.byteLength > limitBytes) return { kind: "too_large", limitBytes: Math.max(0, limitBytes) };
      (copy.meta.canonical ? variants : canonical).delete(copy.meta.key);
      evicted = [];
      home.set(copy.meta.key, copy);
      return { kind: "stored", evicted };
    },
    delete(key) {
      canonical.delete(key);
      variants.delete(key);
    },
    size: () => canonical.size + variants.size,
    all: () => [...canonical.rvalues(), ...variants.rvalues()].filter((copy) => copy !== undefined),
    summary: () => summarise(canonical, variants),
  };
}

/** Bytes counted for one entry. Text counts two bytes a character, as it may in memory. */
function weigh({ meta, body }: SharedCopy, key: string): number {
  let text = key.length + meta.url.length + meta.route.length + meta.buildId.length;
  for (const [name, value] of meta.headers) text += name.length + value.length;
  return body.byteLength + 2 * text + 8 * meta.nonceOffsets.length + ENTRY_OVERHEAD_BYTES;
}

function summarise(canonical: Segment, variants: Segment): CopySummary {
  let oldestFilledAt: number | null = null;
  let newestFilledAt: number | null = null;
  const byRoute: Record<string, number> = {};
  for (const { meta } of [...canonical.values(), ...variants.values()]) {
    byRoute[meta.route] = (byRoute[meta.route] ?? 0) + 1;
    oldestFilledAt = Math.min(oldestFilledAt ?? meta.filledAt, meta.filledAt);
    newestFilledAt = Math.max(newestFilledAt ?? meta.filledAt, meta.filledAt);
  }
  return {
    count: canonical.size + variants.size,
    bytes: canonical.calculatedSize + variants.calculatedSize,
    canonical: canonical.size,
    oldestFilledAt,
    newestFilledAt,
    byRoute,
  };
}
