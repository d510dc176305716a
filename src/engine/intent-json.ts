/**
 * Reads a stored intent. What an older or foreign version wrote is checked, never cast unchecked.
 */
import type { Intent, IntentState } from "../core/intent.ts";
import type { Precondition, Proposal } from "../core/proposal.ts";
import { isObject, parseObject } from "./stored-json.ts";

/** @returns null where the text is no intent we understand. */
export function parseIntent(json: string): Intent | null {
  const value = parseObject(json);
  if (value === null) return null;
  const proposal = parseProposal(value["proposal"]);
  const state = parseState(value["state"]);
  const { id, attempt, recordedAt, verifyWithin, who } = value;
  if (proposal === null || state === null) return null;
  if (!isText(id) || !isNumber(attempt) || !isNumber(recordedAt) || !isNumber(verifyWithin) || !isText(who)) return null;
  return { id, proposal, attempt, recordedAt, verifyWithin, who, state };
}

function parseProposal(value: unknown): Proposal | null {
  if (!isObject(value)) return null;
  const { policy, action, remedy, target, workload, cause, evidence, since, why, destructive, gone, params } = value;
  const precondition = parsePrecondition(value["precondition"]);
  if (precondition === null || !isObject(params) || !isNumber(since)) return null;
  if (typeof destructive !== "boolean" || typeof gone !== "boolean") return null;
  if (!Array.isArray(evidence) || !evidence.every(isText)) return null;
  if (!isText(policy) || !isText(action) || !isText(remedy) || !isText(target) || !isText(workload) || !isText(cause) || !isText(why)) return null;
  return { policy, action, remedy, target, workload, cause, evidence, since, why, destructive, gone, precondition, params };
}

function parsePrecondition(value: unknown): Precondition | null {
  if (!isObject(value)) return null;
  const { kind, pid, startTime, name, uid, of, size, deployment, generation } = value;
  switch (kind) {
    case "none":
    case "no_process":
      return { kind };
    case "process":
      return isNumber(pid) && isText(startTime) ? { kind, pid, startTime } : null;
    case "pod":
      return isText(name) && isText(uid) ? { kind, name, uid } : null;
    case "size":
      return (of === "autoscaler" || of === "deployment") && isText(name) && isNumber(size) ? { kind, of, name, size } : null;
    case "generation":
      return isText(deployment) && isNumber(generation) ? { kind, deployment, generation } : null;
    // JSON from outside: any other word is none of ours.
    default:
      return null;
  }
}

function parseState(value: unknown): IntentState | null {
  if (!isObject(value)) return null;
  const { phase, doneAt, verifyBy, effect, verifiedAt, endedAt, reason } = value;
  switch (phase) {
    case "intended":
      return { phase };
    case "awaiting_verification":
      return isNumber(doneAt) && isNumber(verifyBy) && isObject(effect) ? { phase, doneAt, verifyBy, effect } : null;
    case "verified":
      return isNumber(doneAt) && isNumber(verifiedAt) ? { phase, doneAt, verifiedAt, ...(isObject(effect) ? { effect } : {}) } : null;
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

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
