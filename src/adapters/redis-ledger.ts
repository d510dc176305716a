/** The ledger of a daemon whose state is in Redis: a line per entry, and the newest as a ring there. */
import type { LedgerEntry } from "../core/ledger-entry.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import { StateStoreError } from "../ports/state-store.ts";
import type { LedgerLimits } from "./ledger-bounds.ts";
import { mergeEntries, parseEntries, printEntries } from "./ledger-merge.ts";
import type { RedisLine } from "./redis-line.ts";
import { openRingLedger, type LedgerVoice, type RingHome } from "./ring-ledger.ts";

/** A write sends all of it. */
export const MAX_RING_BYTES = 1024 * 1024;
/** Times that others may come between before a write is given up. */
const MAX_TRIES = 8;

/** With its digest: what is no UTF-8 would not be the same bytes when it is sent back. */
const READ = `
local text = redis.call('GET', KEYS[1]) or ''
return { text, redis.sha1hex(text) }`;
/** ARGV: digest of what was read, what it becomes. */
const REPLACE = `
if redis.sha1hex(redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`;

export type RedisLedgerOptions = LedgerVoice & {
  readonly redis: RedisLine;
  readonly site: string;
  readonly clock: Clock;
  /** `maxBytes` counts up to MAX_RING_BYTES. */
  readonly limits: LedgerLimits;
};

/** Reads what is there; begins empty, and says so, where it cannot. */
export function openRedisLedger({ redis, site, clock, limits, line, problem }: RedisLedgerOptions): Promise<Ledger> {
  const maxBytes = Math.min(limits.maxBytes, MAX_RING_BYTES);
  return openRingLedger({ home: redisHome(redis, `shopkeeper:{${site}}:ledger`, maxBytes), clock, limits: { ...limits, maxBytes }, line, problem });
}

function redisHome(redis: RedisLine, key: string, maxBytes: number): RingHome {
  const read = async (): Promise<{ readonly text: string; readonly digest: string }> => {
    const [text, digest] = (await redis.run(READ, [key], [])) as readonly [string, string];
    return { text, digest };
  };
  return {
    read: async () => parseEntries((await read()).text),
    save: async (ours: readonly LedgerEntry[], savedSeq: number) => {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const before = await read();
        const merged = mergeEntries(parseEntries(before.text), ours, savedSeq);
        if ((await redis.run(REPLACE, [key], [before.digest, printEntries(merged.entries, maxBytes)])) === 1) return merged;
      }
      throw new StateStoreError("UNAVAILABLE", `others wrote the ledger's ring ${MAX_TRIES} times meanwhile`);
    },
    close: () => undefined,
  };
}
