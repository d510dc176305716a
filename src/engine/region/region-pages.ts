/**
 * Whom to call because of regions: once per incident, as soon as its reason is one that a person must know of.
 */
import { alertKey } from "../../core/alert-key.ts";
import type { Alert, AlertSeverity } from "../../core/alert.ts";
import { describeRoll, findingOfRoll, type Roll } from "../../core/region/roll.ts";
import type { RegionPlan } from "../../core/region/region.ts";
import { pageAfter, type HoldCode } from "../../core/region/reason.ts";
import type { RegionDecision } from "../../core/region/scene.ts";
import type { Instant, Ms } from "../../core/time.ts";
import type { Unread } from "./desk.ts";
import type { RegionIntent } from "./region-state.ts";

/** Alerts that last until their reason is gone. */
export type LastingReason = "region_held" | "region_provider_down" | "region_records_foreign" | "region_late_write";
type Reason = LastingReason | "region_failed_over" | "region_observers_few";

const RUNBOOKS: Readonly<Record<Reason, string>> = {
  region_held: /* runbook */ "region-held",
  region_provider_down: /* runbook */ "region-provider-down",
  region_records_foreign: /* runbook */ "region-records-foreign",
  region_late_write: /* runbook */ "region-late-write",
  region_failed_over: /* runbook */ "region-failed-over",
  region_observers_few: /* runbook */ "region-observers-few",
};

const FEW = "region_observers_few";

const LASTING: readonly LastingReason[] = ["region_held", "region_provider_down", "region_records_foreign", "region_late_write"];

export type PageParts = { readonly site: string; readonly me: string; readonly runbooks: string; readonly disagreeFor: Ms };

/** Since when each code has held without a break. */
export type HeldSince = ReadonlyMap<HoldCode, Instant>;

export function followHeld(held: HeldSince, decision: RegionDecision, now: Instant): HeldSince {
  if (decision.kind !== "hold") return held.size === 0 ? held : new Map();
  return new Map(decision.reasons.map(({ code }) => [code, held.get(code) ?? now]));
}

/** Unreadable for this long, the provider is a person's matter, whatever else is decided. */
const UNREAD_FOR: Ms = 60_000;

/** Alerts that are to fire, each with what it says where that is not the decision. */
export type Due = ReadonlyMap<LastingReason, string | null>;

/**
 * Which alerts are to fire because of a decision, or since the provider cannot be read. An evidence that is not agreed on yet
 * explains the rest, so only it counts. What fires already goes on for as long as any of its reasons holds, and while nothing
 * is known that could end it: a new leader counts anew, and so does one that may not act for a moment.
 */
export function dueOf(decision: RegionDecision, held: HeldSince, firing: Readonly<Record<string, Instant>>, unread: Unread | null, disagreeFor: Ms, now: Instant): Due {
  const due = new Map<LastingReason, string | null>();
  if (unread !== null && (now - unread.since >= UNREAD_FOR || firing["region_provider_down"] !== undefined)) due.set("region_provider_down", `what stands at the provider cannot be read: ${unread.why}`);
  if (decision.kind !== "hold") return due;
  const blank = decision.reasons.every(({ code }) => code === "not_leader" || code === "records_unread");
  if (blank) for (const reason of LASTING.filter((one) => firing[one] !== undefined && !due.has(one))) due.set(reason, null);
  const unsure = decision.reasons.filter(({ code }) => code === "quorum" || code === "disagree" || code === "copies_wait");
  for (const { code } of unsure.length > 0 ? unsure : decision.reasons) {
    const after = pageAfter(code, disagreeFor);
    // A wait for being healthy, or for the block to end, is nothing that anybody suffers from.
    const suffered = decision.about !== "failback" || code === "provider_down";
    const reason = lastingOf(code);
    if (after !== null && suffered && (now - (held.get(code) ?? now) >= after || firing[reason] !== undefined)) due.set(reason, due.get(reason) ?? null);
  }
  return due;
}

export type Ringing = { readonly firing: Readonly<Record<string, Instant>>; readonly alerts: readonly Alert[] };

/** Alerts to send now, and what fires from now on. */
export function ring(parts: PageParts, before: Readonly<Record<string, Instant>>, due: Due, decided: string, start: Instant, now: Instant): Ringing {
  const alerts: Alert[] = [];
  // What else fires is not this one's to end.
  const firing: Record<string, Instant> = Object.fromEntries(Object.entries(before).filter(([reason]) => !LASTING.some((one) => one === reason)));
  for (const reason of LASTING) {
    const since = before[reason];
    if (due.has(reason)) {
      firing[reason] = since ?? start;
      if (since === undefined) alerts.push(alertOf(parts, reason, "firing", "page", due.get(reason) ?? decided, start, now));
    } else if (since !== undefined) alerts.push(alertOf(parts, reason, "resolved", "page", `over; now: ${decided}`, since, now));
  }
  const same = alerts.length === 0 && Object.keys(firing).length === Object.keys(before).length;
  return { firing: same ? before : firing, alerts };
}

/** As `ring`, for observers of whom too few could speak in an incident. While it is not sure, what fires fires on. */
export function ringRoll(parts: PageParts, before: Readonly<Record<string, Instant>>, roll: Roll, plan: RegionPlan, now: Instant): Ringing {
  const { [FEW]: since, ...others } = before;
  const finding = findingOfRoll(roll);
  if (finding === "few" && since === undefined) {
    const startedAt = roll.fewSince ?? now;
    return { firing: { ...others, [FEW]: startedAt }, alerts: [alertOf(parts, FEW, "firing", "page", `a failover could not happen: ${describeRoll(roll, plan, now)}`, startedAt, now)] };
  }
  if (finding !== "enough" || since === undefined) return { firing: before, alerts: [] };
  return { firing: others, alerts: [alertOf(parts, FEW, "resolved", "page", `enough observers again: ${describeRoll(roll, plan, now)}`, since, now)] };
}

/** What of acts fires, by the act: it is kept under this and the act's kind and id. */
const ACT = "act:";
/** More than a person can look at; there is an hour between two flips, and repairs are bounded. */
const MAX_ACTS = 20;

/** An act has ended that a person must know of; a key of its own. What is no page is news, and lasts no longer than its telling. */
export function ringAct(parts: PageParts, before: Readonly<Record<string, Instant>>, intent: RegionIntent, text: string, now: Instant): Ringing {
  const severity = intent.kind === "repair" || intent.cause === "down" || intent.cause === "copies-only" ? "page" : "notify";
  const alert = { ...alertOfAct(parts, intent, "firing", severity, text, now, now), details: { region: parts.me, intent: intent.id, epoch: intent.epoch, cause: intent.cause } };
  const lasts = severity === "page" && Object.keys(before).filter((key) => key.startsWith(ACT)).length < MAX_ACTS;
  return { firing: lasts ? { ...before, [`${ACT}${intent.kind}:${intent.id}`]: now } : before, alerts: [alert] };
}

/** @param over why nobody needs to look at earlier acts any more, "buyers are led to eu now". */
export function ringOver(parts: PageParts, before: Readonly<Record<string, Instant>>, over: string, now: Instant): Ringing {
  const acts = Object.entries(before).filter(([key]) => key.startsWith(ACT));
  if (acts.length === 0) return { firing: before, alerts: [] };
  const alerts = acts.map(([key, since]) => {
    const [, kind, id = ""] = key.split(":");
    return alertOfAct(parts, { kind: kind === "repair" ? "repair" : "flip", id }, "resolved", "page", over, since, now);
  });
  return { firing: Object.fromEntries(Object.entries(before).filter(([key]) => !key.startsWith(ACT))), alerts };
}

function alertOfAct(parts: PageParts, { kind, id }: Pick<RegionIntent, "kind" | "id">, state: Alert["state"], severity: AlertSeverity, text: string, startedAt: Instant, now: Instant): Alert {
  return { ...alertOf(parts, kind === "repair" ? "region_late_write" : "region_failed_over", state, severity, text, startedAt, now), key: alertKey(parts.site, `region:${id}`, 0) };
}

function alertOf({ site, me, runbooks }: PageParts, reason: Reason, state: Alert["state"], severity: AlertSeverity, summary: string, startedAt: Instant, at: Instant): Alert {
  return {
    key: alertKey(site, `region:${me}:${reason}`, startedAt),
    state,
    severity,
    site,
    target: `region/${me}`,
    reason,
    summary: summary.slice(0, 1_000),
    startedAt,
    at,
    runbook: `${runbooks}/${RUNBOOKS[reason]}.md`,
    details: { region: me },
  };
}

function lastingOf(code: HoldCode): LastingReason {
  switch (code) {
    case "provider_down":
    case "provider_wait":
    case "records_unread":
    case "unsettled":
      return "region_provider_down";
    case "records_not_ours":
      return "region_records_foreign";
    case "late_write":
    case "repairs_spent":
      return "region_late_write";
    case "unfit_unseen":
    case "unfit_checks":
    case "unfit_path":
    case "unfit_degraded":
    case "unfit_capacity":
    case "unfit_parity":
    case "unfit_gave_up":
    case "steered":
    case "not_leader":
    case "blind":
    case "blind_here":
    case "recovering":
    case "quorum":
    case "disagree":
    case "veto":
    case "copies_wait":
    case "not_preferred":
    case "yielding":
    case "block":
    case "failback_manual":
    case "failback_wait":
    case "all_bad":
    case "not_target":
    case "observe":
      return "region_held";
  }
}
