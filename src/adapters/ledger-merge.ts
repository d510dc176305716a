/** The text of a ledger's ring, and how two writers' entries come together in it. */
import type { LedgerEntry } from "../core/ledger-entry.ts";
import { LEDGER_KINDS } from "../core/ledger-entry.ts";

/** One JSON line per entry, oldest first; of more than `maxBytes` the oldest are left out. */
export function printEntries(entries: readonly LedgerEntry[], maxBytes: number): string {
  const lines: string[] = [];
  let bytes = 0;
  for (const entry of entries.toReversed()) {
    const line = JSON.stringify(entry);
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > maxBytes) break;
    lines.push(line);
  }
  return lines.toReversed().join("\n");
}

/** Lines that are no entries (edited by hand, written by a later version) are left out. */
export function parseEntries(text: string): readonly LedgerEntry[] {
  return text.split("\n").flatMap((line) => {
    try {
      const parsed: unknown = JSON.parse(line);
      return isEntry(parsed) ? [parsed] : [];
    } catch {
      return [];
    }
  });
}

function isEntry(value: unknown): value is LedgerEntry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Partial<Record<keyof LedgerEntry, unknown>>;
  const texts = [entry.target, entry.subject, entry.text, entry.who, entry.actionId, entry.foldKey].every((field) => typeof field === "string");
  const numbers = [entry.seq, entry.at, entry.count, entry.lastAt].every((field) => typeof field === "number");
  return texts && numbers && LEDGER_KINDS.some((kind) => kind === entry.kind) && typeof entry.details === "object" && entry.details !== null;
}

export type Merged = {
  readonly entries: readonly LedgerEntry[];
  /** What was added to the numbers of our unsaved entries, because another writer had taken them. */
  readonly shift: number;
};

/**
 * Our entries over what is stored. Numbers stay unique and growing: another writer's come first, ours go on after them.
 *
 * @param savedSeq the highest number that was stored when we last read or wrote; what a write left whose answer never came is found here.
 */
export function mergeEntries(stored: readonly LedgerEntry[], ours: readonly LedgerEntry[], savedSeq: number): Merged {
  const highest = stored.at(-1)?.seq ?? 0;
  const known = new Map(ours.map((entry) => [entry.seq, entry]));
  const landedSeq = lastLanded(stored, known, savedSeq);
  if (highest <= landedSeq) return { entries: ours, shift: 0 };
  const shift = highest - landedSeq;
  const kept = stored.map((entry) => {
    const own = entry.seq <= landedSeq ? known.get(entry.seq) : undefined;
    return own !== undefined && own.count > entry.count ? own : entry;
  });
  const added = ours.filter(({ seq }) => seq > landedSeq).map((entry) => ({ ...entry, seq: entry.seq + shift }));
  return { entries: [...kept, ...added], shift };
}

function lastLanded(stored: readonly LedgerEntry[], known: ReadonlyMap<number, LedgerEntry>, savedSeq: number): number {
  let landed = savedSeq;
  for (const entry of stored) {
    if (entry.seq <= savedSeq) continue;
    const own = known.get(entry.seq);
    if (own === undefined || !isSame(own, entry)) break;
    landed = entry.seq;
  }
  return landed;
}

/** One entry of one writer; how often it was counted since may differ. */
function isSame(a: LedgerEntry, b: LedgerEntry): boolean {
  return a.at === b.at && a.kind === b.kind && a.target === b.target && a.text === b.text && a.actionId === b.actionId && JSON.stringify(a.details) === JSON.stringify(b.details);
}
