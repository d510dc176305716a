/**
 * One row of the demo: one fault, both twins, from quiet to recovered.
 */
import type { LedgerEntry } from "../src/core/ledger-entry.ts";
import { startBuyers, visitPage, type Buyers, type Visit } from "./buyers.ts";
import { PAGES } from "./catalogue.ts";
import type { Fault } from "./faults.ts";
import { startBare, startKept, type Bare, type Kept } from "./twins.ts";
import { watchLedger, type Watch } from "./watch.ts";

export type Phase = "starting" | "quiet" | "fault" | "recovered" | "failed";

export type Share = { readonly served: number; readonly of: number };

export type Row = {
  readonly fault: Fault;
  phase: Phase;
  problem: string;
  kept: Kept | null;
  bare: Bare | null;
  with: Buyers | null;
  without: Buyers | null;
  watch: Watch | null;
  faultAt: number;
  clearedAt: number;
  recoveredAt: number;
};

export function newRow(fault: Fault): Row {
  return { fault, phase: "starting", problem: "", kept: null, bare: null, with: null, without: null, watch: null, faultAt: 0, clearedAt: 0, recoveredAt: 0 };
}

/** Starts both twins, waits until the site is healthy and every page has a stored copy. */
export async function startRow(row: Row, folder: string, until: number): Promise<void> {
  const [kept, bare] = await Promise.all([startKept(`${folder}/${row.fault.name}-kept`), startBare(`${folder}/${row.fault.name}-bare`)]);
  row.kept = kept;
  row.bare = bare;
  row.watch = watchLedger(kept);
  await waitFor("both twins serve every page, and Shopkeeper has a copy of each", until, async () => {
    const visits = await Promise.all(PAGES.flatMap((path) => [visitPage(kept.shopUrl, path), visitPage(bare.shopUrl, path)]));
    const copies = visits.filter((visit) => visit.outcome === "HIT").length;
    return visits.every((visit) => visit.served) && copies === PAGES.length;
  });
  await waitFor("the site is healthy", until, async () => (await row.watch?.status())?.status === "healthy");
  row.with = startBuyers(kept.shopUrl);
  row.without = startBuyers(bare.shopUrl);
  row.phase = "quiet";
}

/** Puts the fault in on both sides, takes it away where only the world can, and waits for recovery. */
export async function breakRow(row: Row, until: number): Promise<void> {
  const { fault, kept, bare, watch } = row;
  if (kept === null || bare === null || watch === null) throw new Error("the twins are not started");
  row.faultAt = Date.now();
  row.phase = "fault";
  await Promise.all([fault.inject(kept), fault.inject(bare)]);
  if (fault.clear !== undefined) {
    await pause(fault.lastsMs ?? 0);
    await Promise.all([fault.clear(kept), fault.clear(bare)]);
    row.clearedAt = Date.now();
  }
  await waitFor("recovery", until, async () => {
    if (acted(row) === undefined) return false;
    return (await watch.status())?.status === "healthy" && (await visitPage(kept.appUrl, "/")).served;
  });
  row.recoveredAt = Date.now();
  row.phase = "recovered";
}

export async function stopRow(row: Row): Promise<void> {
  row.watch?.stop();
  await Promise.all([row.with?.stop(), row.without?.stop()]);
  await Promise.all([row.kept?.stop(), row.bare?.stop()]);
}

/** The first thing the daemon noticed after the fault: a verdict against a check, or its breaker opening. */
export function detected(row: Row): LedgerEntry | undefined {
  return since(row).find((entry) => entry.kind === "breaker" || (entry.kind === "verdict" && /unhealthy/.test(entry.text)));
}

/** The action's outcome in the ledger; a hold is verified by its own effect. */
export function acted(row: Row): LedgerEntry | undefined {
  return since(row).find((entry) => (entry.kind === "outcome" || entry.kind === "verified") && entry.text.includes(row.fault.remedy));
}

/** A restart in an outage of the Storefront API would throw away what the application still holds. */
export function wrongRestarts(row: Row): readonly LedgerEntry[] {
  return row.fault.remedy === "restart_process" ? [] : since(row).filter((entry) => entry.kind === "intent" && entry.text.includes("restart_process"));
}

function since(row: Row): readonly LedgerEntry[] {
  return row.faultAt === 0 ? [] : (row.watch?.entries ?? []).filter((entry) => entry.at >= row.faultAt - 50);
}

/** Buyers who came between the fault and the recovery. */
export function shareServed(row: Row, buyers: Buyers | null): Share {
  const end = row.recoveredAt === 0 ? Infinity : row.recoveredAt;
  const during = (buyers?.visits ?? []).filter((visit) => row.faultAt > 0 && visit.at >= row.faultAt && visit.at <= end);
  return { served: during.filter((visit: Visit) => visit.served).length, of: during.length };
}

/** From the fault; where only the world could mend it, from the moment it did (marked by a star). "-" before. */
export function recovery(row: Row): string {
  if (row.recoveredAt === 0) return "-";
  return row.clearedAt === 0 ? seconds(row.recoveredAt - row.faultAt) : `${seconds(row.recoveredAt - row.clearedAt)} *`;
}

export function seconds(ms: number): string {
  return `${Math.max(0, ms / 1_000).toFixed(1)} s`;
}

/** Everything that must hold, in words; empty when the row holds. */
export function shortcomings(row: Row): readonly string[] {
  const found: string[] = [];
  if (row.problem !== "") found.push(row.problem);
  if (detected(row) === undefined) found.push("not detected");
  if (acted(row) === undefined) found.push(`no ${row.fault.remedy}`);
  if (row.recoveredAt === 0) found.push("not recovered");
  if (wrongRestarts(row).length > 0) found.push("restarted although the fault was the Storefront API's");
  const kept = shareServed(row, row.with);
  const bare = shareServed(row, row.without);
  if (kept.of === 0 || kept.served < kept.of) found.push(`${kept.of - kept.served} buyers not served behind Shopkeeper`);
  if (bare.of === 0 || bare.served === bare.of) found.push("the bare twin did not suffer, so nothing is shown");
  return found;
}

async function waitFor(what: string, until: number, holds: () => Promise<boolean>): Promise<void> {
  while (Date.now() < until) {
    if (await holds().catch(() => false)) return;
    await pause(200);
  }
  throw new Error(`${what}: not in time`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
