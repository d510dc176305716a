/**
 * State for people: `status`, `why` and `ledger` on a terminal.
 */
import type { CheckVerdict } from "../core/check-state.ts";
import type { LedgerEntry } from "../core/ledger-entry.ts";
import type { LookView, Snapshot, WhyView } from "../core/snapshot.ts";
import type { SiteStatus } from "../core/status.ts";
import { formatDuration, type Instant } from "../core/time.ts";
import { table, type Paint, type Style } from "./table.ts";

const STYLES: Readonly<Record<SiteStatus | CheckVerdict, Style>> = { healthy: "green", degraded: "yellow", unhealthy: "red", unknown: "gray" };

/** The whole site: one headline, the looks, the breakers, what is under way. */
export function statusText(snapshot: Snapshot, paint: Paint): string {
  const { at } = snapshot;
  const head = `${paint("bold", snapshot.site)} is ${paint(STYLES[snapshot.status], snapshot.status.toUpperCase())} for ${ago(at, snapshot.statusSince)}`;
  const parts = [head, looksTable(snapshot.looks, at, paint)];
  if (snapshot.networkLostSince !== null) parts.push(paint("yellow", `Our own network has been gone for ${ago(at, snapshot.networkLostSince)}: what lies beyond this host is unknown.`));
  const breakers = snapshot.breakers.map((one) => [one.name, one.effective, one.hold === null ? "" : `held by ${one.hold.by}: ${one.hold.why}`]);
  if (breakers.length > 0) parts.push(table([["BREAKER", "POSITION", ""], ...breakers]));
  const policies = snapshot.policies.map((one) => [one.name, one.unavailable === null ? one.mode : "observe (not available)", one.lastHold === null ? "" : `held by ${one.lastHold.guard}: ${one.lastHold.reason}`]);
  if (policies.length > 0) parts.push(table([["POLICY", "MODE", "LAST HOLD"], ...policies]));
  const open = snapshot.openIntents.map((one) => [one.remedy, one.target, one.phase, one.cause, `attempt ${one.attempt}`]);
  if (open.length > 0) parts.push(table([["ACTION", "TARGET", "PHASE", "CAUSE", ""], ...open]));
  const pauses = snapshot.pauses.map((one) => [scopeText(one.scope), one.until === null ? "until resumed" : `for ${formatDuration(one.until - at)} more`, one.by, one.why]);
  if (pauses.length > 0) parts.push(table([["PAUSED", "", "BY", "WHY"], ...pauses]));
  return `${parts.join("\n\n")}\n`;
}

/** One target: why it is so and what happens next. */
export function whyText(why: WhyView, paint: Paint): string {
  const head = `${paint("bold", why.target)} is ${paint(STYLES[why.status], why.status.toUpperCase())}`;
  return `${[head, ...why.lines.map((line) => `  ${line}`), "", looksTable(why.looks, why.at, paint)].join("\n")}\n`;
}

/** Ledger entries, oldest first, one line each. */
export function ledgerText(entries: readonly LedgerEntry[]): string {
  return entries.length === 0 ? "" : `${entries.map(ledgerLine).join("\n")}\n`;
}

function ledgerLine(entry: LedgerEntry): string {
  const times = entry.count > 1 ? ` (${entry.count} times, last ${clockText(entry.lastAt)})` : "";
  const who = entry.who === "shopkeeper" ? "" : ` [${entry.who}]`;
  return `${clockText(entry.at)}  ${entry.kind.padEnd(19)} ${entry.target.padEnd(8)} ${entry.text}${times}${who}`;
}

function looksTable(looks: readonly LookView[], at: Instant, paint: Paint): string {
  const rows = looks.map((look) => [look.check, look.target, verdictCell(look, paint), look.inactive === null ? ago(at, look.since) : "", lookNote(look)]);
  return table([["CHECK", "TARGET", "VERDICT", "FOR", "LAST LOOK"], ...rows]);
}

function verdictCell(look: LookView, paint: Paint): string {
  if (look.inactive !== null) return paint("gray", "inactive");
  const word = paint(STYLES[look.verdict], look.verdict);
  return look.suppressedBy === null ? word : `${word} (suppressed)`;
}

function lookNote(look: LookView): string {
  if (look.inactive !== null) return look.inactive;
  if (look.suppressedBy !== null) return `explained by ${look.suppressedBy}`;
  const { last } = look;
  if (last === null) return "none yet";
  const took = formatDuration(last.tookMs);
  if (last.kind === "pass") return `pass in ${took}`;
  return `${last.kind} (${last.cause}): ${last.detail}`;
}

function scopeText(scope: Snapshot["pauses"][number]["scope"]): string {
  switch (scope.kind) {
    case "all":
      return "all";
    case "policy":
      return `policy ${scope.policy}`;
    case "target":
      return `target ${scope.target}`;
  }
}

function ago(now: Instant, since: Instant): string {
  return formatDuration(Math.max(0, now - since));
}

/** Local time of day with milliseconds; the ledger's JSON has the whole instant. */
function clockText(at: Instant): string {
  const date = new Date(at);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
