/**
 * Reads a stored intent. What an older or foreign version wrote is checked, never cast unchecked.
 */
import type { Intent, IntentState } from "../core/intent.ts";
import type { Precondition, Proposal } from "../core/proposal.ts";

type Fields = Readonly<Record<string, unknown>>;

/** @returns null where the text is no intent we understand. */
export function parseIntent(json: string): Intent | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  if (!isFields(value)) return null;
  const proposal = parseProposal(value["proposal"]);
  const state = parseState(value["state"]);
  const { id, attempt, recordedAt, verifyWithin, who } = value;
  if (proposal === null || state === null) return null;
  if (!isText(id) || !isNumber(attempt) || !isNumber(recordedAt) || !isNumber(verifyWithin) || !isText(who)) return null;
  return { id, proposal, attempt, recordedAt, verifyWithin, who, state };
}

function parseProposal(value: unknown): Proposal | null {
  if (!isFields(value)) return null;
  const { policy, action, remedy, target, workload, cause, evidence, since, why, destructive, gone, params } = value;
  const precondition = parsePrecondition(value["precondition"]);
  if (precondition === null || !isFields(params) || !isNumber(since)) return null;
  if (typeof destructive !== "boolean" || typeof gone !== "boolean") return null;
  if (!Array.isArray(evidence) || !evidence.every(isText)) return null;
  if (!isText(policy) || !isText(action) || !isText(remedy) || !isText(target) || !isText(workload) || !isText(cause) || !isText(why)) return null;
  return { policy, action, remedy, target, workload, cause, evidence, since, why, destructive, gone, precondition, params };
}

function parsePrecondition(value: unknown): Precondition | null {
  if (!isFields(value)) return null;
  const { kind, pid, startTime } = value;
  if (kind === "none" || kind === "no_process") return { kind };
  return kind === "process" && isNumber(pid) && isText(startTime) ? { kind, pid, startTime } : null;
}

function parseState(value: unknown): IntentState | null {
  if (!isFields(value)) return null;
  const { phase, doneAt, verifyBy, effect, verifiedAt, endedAt, reason } = value;
  switch (phase) {
    case "intended":
      return { phase };
    case "awaiting_verification":
      return isNumber(doneAt) && isNumber(verifyBy) && isFields(effect) ? { phase, doneAt, verifyBy, effect } : null;
    case "verified":
      return isNumber(doneAt) && isNumber(verifiedAt) ? { phase, doneAt, verifiedAt } : null;
    case "not_verified":
      return isNumber(doneAt) && isNumber(endedAt) && isText(reason) ? { phase, doneAt, endedAt, reason } : null;
    case "refused":
    case "uncertain":
      return isNumber(endedAt) && isText(reason) ? { phase, endedAt, reason } : null;
    // JSON from outside: any other word is no state of ours.
    default:
      return null;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
