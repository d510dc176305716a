/**
 * One place per event: how each state of an intent reads in the ledger, and who is told.
 */
import { alertKey } from "../core/alert-key.ts";
import type { Alert } from "../core/alert.ts";
import type { Intent } from "../core/intent.ts";
import type { LedgerKind, NewLedgerEntry } from "../core/ledger-entry.ts";
import type { Instant } from "../core/time.ts";
import type { Ledger } from "../ports/ledger.ts";

/** The ledger's line for an intent in the state it is in. */
export function entryOf(intent: Intent, at: Instant): NewLedgerEntry {
  const { kind, text } = lineOf(intent);
  const { proposal, state } = intent;
  return {
    at, kind, text, target: proposal.target, subject: proposal.policy, who: intent.who, actionId: intent.id, foldKey: "",
    details: {
      action: proposal.action, remedy: proposal.remedy, cause: proposal.cause, attempt: intent.attempt, phase: state.phase,
      ...(state.phase === "awaiting_verification" ? { effect: state.effect, verifyBy: state.verifyBy } : {}),
      ...(state.phase === "verified" && state.effect !== undefined ? { effect: state.effect } : {}),
      ...("reason" in state ? { reason: state.reason } : {}),
    },
  };
}

function lineOf({ proposal, state, attempt }: Intent): { readonly kind: LedgerKind; readonly text: string } {
  const what = proposal.action === proposal.remedy ? proposal.action : `${proposal.action} (${proposal.remedy})`;
  switch (state.phase) {
    case "intended":
      return { kind: "intent", text: `${what}, attempt ${attempt}: ${proposal.why}` };
    case "awaiting_verification":
      return { kind: "outcome", text: `${what}: done; waiting until the target is healthy` };
    case "verified":
      return { kind: "verified", text: state.verifiedAt === state.doneAt ? `${what}: done` : `${what}: it helped` };
    case "not_verified":
      return { kind: "failed_verification", text: `${what}: it did not help: ${state.reason}` };
    case "refused":
      return { kind: "outcome", text: `${what}: not done: ${state.reason}` };
    case "uncertain":
      return { kind: "outcome", text: `${what}: uncertain, will not be repeated: ${state.reason}` };
  }
}

/** Who must know: uncertain actions page; an attempt that did not help is information, since giving up pages by itself; null for the rest. Told once per episode by the caller. */
export function alertOf(intent: Intent, site: string, runbooks: string, at: Instant): Alert | null {
  const { proposal, state } = intent;
  if (state.phase !== "uncertain" && state.phase !== "not_verified") return null;
  const uncertain = state.phase === "uncertain";
  return {
    // The action's own incident: it ends when a person has looked, not when the check turns healthy.
    key: alertKey(site, `action:${intent.id}`, intent.recordedAt),
    state: "firing",
    severity: uncertain ? "page" : "info",
    site,
    target: proposal.target,
    reason: uncertain ? "action_uncertain" : "action_did_not_help",
    summary: `${lineOf(intent).text} (${proposal.target})`,
    startedAt: intent.recordedAt,
    at,
    runbook: `${runbooks}/${uncertain ? "action-uncertain" : "action-did-not-help"}.md`,
    details: { intent: intent.id, policy: proposal.policy, remedy: proposal.remedy, attempt: intent.attempt },
  };
}

/** Appends an entry unless the ledger has that action's entry of that kind already (an earlier process may have died right after it). */
export async function appendOnce(ledger: Ledger, entry: NewLedgerEntry, since: Instant): Promise<void> {
  const there = await ledger.query({ since, kinds: [entry.kind], target: entry.target, limit: 1_000 });
  if (there.some((old) => old.actionId === entry.actionId && old.text === entry.text)) return;
  await ledger.append(entry);
}
