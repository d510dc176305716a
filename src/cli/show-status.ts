/**
 * State for people: `status`, `why` and `ledger` on a terminal.
 */
import type { CheckVerdict } from "../core/check-state.ts";
import { describeLoss, type QuarantinedClass, type WorkerLosses } from "../core/gateway-view.ts";
import type { LedgerEntry, LedgerKind } from "../core/ledger-entry.ts";
import type { HoldView, IntentView, LookView, PolicyView, Snapshot, WhyView } from "../core/snapshot.ts";
import type { RegionsView, RegionView } from "../core/region/view.ts";
import type { SiteStatus } from "../core/status.ts";
import { formatDuration, type Instant } from "../core/time.ts";
import { table, type Paint, type Style } from "./table.ts";

const STYLES: Readonly<Record<SiteStatus | CheckVerdict, Style>> = { healthy: "green", degraded: "yellow", unhealthy: "red", unknown: "gray" };

/** Worst first; what is not aggregated last. */
const ORDER: readonly (CheckVerdict | "suppressed" | "inactive")[] = ["unhealthy", "degraded", "unknown", "healthy", "suppressed", "inactive"];

const KIND_STYLES: Readonly<Partial<Record<LedgerKind, Style>>> = { escalation: "red", failed_verification: "red", hold: "gray", intent: "cyan", outcome: "cyan", verified: "green", manual: "magenta", quarantine: "yellow", worker_lost: "red" };

/** Short titles of an action's phases that are not ends. */
const PHASES: Readonly<Record<string, string>> = { intended: "under way", awaiting_verification: "done" };

/**
 * The whole site for somebody who was woken by it: how bad, why, what buyers get, what is being done
 * and what holds it back; then the rest.
 */
export function statusText(snapshot: Snapshot, paint: Paint): string {
  const { at, looks, policies } = snapshot;
  const sections = [
    headline(snapshot, paint),
    looksTable(looks, at, paint),
    section(["ACTION", "TARGET", "FOR", "STATE", "BY"], snapshot.openIntents.map((one) => [`${one.action}, attempt ${one.attempt}`, one.target, one.cause, actionState(one, at), one.who])),
    section(["LADDER", "FOR", "ATTEMPTS", ""], snapshot.episodes.map((one) => [one.workload, one.cause, `${one.attempts}, ${one.failed} failed, since ${ago(at, one.startedAt)}`, one.escalatedAt === null ? "" : paint("red", `a person was called ${ago(at, one.escalatedAt)} ago`)])),
    section(["BREAKER", "POSITION", "FOR", ""], snapshot.breakers.map((one) => [one.name, one.effective === "closed" ? one.effective : paint("yellow", one.effective), ago(at, one.since), one.hold === null ? "" : `held ${one.hold.position} by ${one.hold.by}: ${one.hold.why}`])),
    section(["NOT FORWARDED", "FOR", ""], (snapshot.gateway?.quarantined ?? []).map((one) => quarantineRow(one, at))),
    section(["WORKERS LOST", "TIMES", "LAST"], (snapshot.gateway?.workersLost ?? []).map((one) => lossRow(one, at))),
    section(["POLICY", "MODE", "HELD BACK BY"], policies.map((one) => [one.name, modeText(one), one.lastHold === null ? "" : holdText(one.lastHold, at)])),
    regionsText(snapshot.regions ?? null, at, paint),
    section(["PAUSED", "", "BY", "WHY"], snapshot.pauses.map((one) => [scopeText(one.scope), untilText(one.until, at, "until resumed"), one.by, one.why])),
    section(["ACKNOWLEDGED", "CHECK", "", "BY", "WHY"], snapshot.acknowledgements.map((one) => [one.target, one.check ?? "every check", untilText(one.until, at, "until healthy"), one.by, one.why])),
  ];
  return `${sections.filter((text) => text !== "").join("\n\n")}\n`;
}

function regionsText(regions: RegionsView | null, at: Instant, paint: Paint): string {
  if (regions === null) return "";
  const says = (said: RegionView["says"]): string => (said === null ? paint("gray", "not heard") : `${said.status}, ${said.ready} ready${said.selling ? "" : ", does not sell"}${said.givesUp === null ? "" : `, gave itself up: ${said.givesUp}`}`);
  const rows = regions.regions.map((one) => [
    `${one.name}${one.name === regions.leadsTo ? " (buyers)" : ""}`, paint(one.sees === "up" ? "green" : one.sees === "unknown" ? "gray" : "red", one.sees), ago(at, one.since), says(one.says), one.detail,
  ]);
  const lines = [regions.standing || "what stands at the provider has not been read yet", ...(regions.decision === "" ? [] : [regions.decision]), ...(regions.blockedUntil === null ? [] : [`no other failover for ${formatDuration(Math.max(0, regions.blockedUntil - at))}, unless a person acknowledges the last one`]), ...(regions.onlyRecords === null ? [] : [paint("yellow", regions.onlyRecords)])];
  const observers = section(["OBSERVER", "LAST HEARD", ""], regions.observers.map((one) => observerRow(one, at, paint)));
  return [section(["REGION", "FROM OUTSIDE", "FOR", "SAYS OF ITSELF", "LAST LOOK"], rows), ...lines.map((line) => `  ${line}`), ...(observers === "" ? [] : ["", observers])].join("\n");
}

function observerRow({ observer, askedAt, heardAt, why }: RegionsView["observers"][number], at: Instant, paint: Paint): readonly string[] {
  const heard = heardAt !== null ? `${ago(at, heardAt)} ago` : askedAt === null ? paint("gray", "not asked yet") : "never";
  return [observer, heard, why === null ? "" : paint("red", `could not speak: ${why}`)];
}

function headline(snapshot: Snapshot, paint: Paint): string {
  const { at, site, status, networkLostSince } = snapshot;
  const lines = [`${paint("bold", site)} is ${paint(STYLES[status], status.toUpperCase())} for ${ago(at, snapshot.statusSince)}`];
  for (const cause of snapshot.causes) lines.push(`  ${paint(STYLES[cause.verdict], cause.verdict)}: ${cause.check} at ${cause.target} for ${ago(at, cause.since)}`);
  if (networkLostSince !== null) lines.push(paint("yellow", `  Our own network has been gone for ${ago(at, networkLostSince)}: what lies beyond this host is unknown.`));
  if (snapshot.breakers.some((one) => one.name === "ingress:app" && one.effective !== "closed")) lines.push("  Buyers get stored pages; the application is not asked.");
  if ((snapshot.gateway?.quarantined ?? []).length > 0) lines.push("  Some requests are not forwarded: their kind was in flight at two deaths of the application.");
  const [first] = snapshot.causes;
  if (first !== undefined) lines.push(paint("gray", `  What happens next: shopkeeper why ${first.target}`));
  return lines.join("\n");
}

/** One target: why it is so and what happens next. */
export function whyText(why: WhyView, paint: Paint): string {
  const head = `${paint("bold", why.target)} is ${paint(STYLES[why.status], why.status.toUpperCase())}`;
  // The first sentence says what the headline says.
  const lines = why.lines.filter((line) => line !== `${why.target} is ${why.status}`);
  return `${[head, ...lines.map((line) => `  ${line}`)].join("\n")}\n`;
}

/** Ledger entries, oldest first, one line each; times are this machine's. */
export function ledgerText(entries: readonly LedgerEntry[], paint: Paint): string {
  const width = Math.max(8, ...entries.map((entry) => entry.target.length));
  return entries.map((entry) => `${ledgerLine(entry, width, paint)}\n`).join("");
}

function ledgerLine(entry: LedgerEntry, width: number, paint: Paint): string {
  const times = entry.count > 1 ? ` (${entry.count} times, last ${clockText(entry.lastAt)})` : "";
  const who = entry.who === "shopkeeper" ? "" : ` [${entry.who}]`;
  const style = KIND_STYLES[entry.kind];
  const kind = entry.kind.padEnd(19);
  return `${paint("gray", clockText(entry.at))}  ${style === undefined ? kind : paint(style, kind)} ${entry.target.padEnd(width)} ${entry.text}${times}${who}`;
}

function section(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? "" : table([heading, ...rows]);
}

function looksTable(looks: readonly LookView[], at: Instant, paint: Paint): string {
  const rank = (look: LookView): number => ORDER.indexOf(look.inactive !== null ? "inactive" : look.suppressedBy !== null ? "suppressed" : look.verdict);
  const rows = looks
    .toSorted((a, b) => rank(a) - rank(b))
    .map((look) => [look.check, look.target, verdictCell(look, paint), look.inactive === null && look.verdict !== "unknown" ? ago(at, look.since) : "", lookNote(look, at)]);
  return table([["CHECK", "TARGET", "VERDICT", "FOR", "LAST LOOK"], ...rows]);
}

function quarantineRow({ requestClass, since, until }: QuarantinedClass, at: Instant): readonly string[] {
  return [requestClass, ago(at, since), until === null ? "until the Storefront API is healthy" : `${untilText(until, at, "")} at most`];
}

function lossRow({ loss, count, lastAt, lastDetail }: WorkerLosses, at: Instant): readonly string[] {
  return [describeLoss(loss), String(count), `${ago(at, lastAt)} ago: ${lastDetail.split("\n")[0] ?? ""}`];
}

function actionState({ phase, verifyBy, recordedAt }: IntentView, at: Instant): string {
  const state = PHASES[phase] ?? phase;
  return verifyBy === null ? `${state} for ${ago(at, recordedAt)}` : `${state}; verified or failed within ${ago(verifyBy, at)}`;
}

function modeText({ mode, unavailable }: PolicyView): string {
  return unavailable === null ? mode : `observe (${unavailable})`;
}

function holdText({ guard, reason, until }: HoldView, at: Instant): string {
  return `${guard}: ${reason}${until === null ? "" : `; asked again in ${ago(until, at)}`}`;
}

function untilText(until: Instant | null, at: Instant, open: string): string {
  return until === null ? open : `${formatDuration(Math.max(0, until - at))} more`;
}

function verdictCell(look: LookView, paint: Paint): string {
  if (look.inactive !== null) return paint("gray", "inactive");
  const word = paint(STYLES[look.verdict], look.verdict);
  return look.suppressedBy === null ? word : `${word} (suppressed)`;
}

function lookNote(look: LookView, at: Instant): string {
  if (look.inactive !== null) return look.inactive;
  if (look.suppressedBy !== null) return `explained by ${look.suppressedBy}`;
  const { last } = look;
  if (last === null) return "none yet";
  const when = `${ago(at, last.at)} ago`;
  if (last.kind === "pass") return `pass in ${formatDuration(last.tookMs)}, ${when}`;
  return `${last.kind} (${last.cause}) ${when}: ${last.detail}`;
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
