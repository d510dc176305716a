/**
 * Did it help? A restart that worked is one after which the failing checks turned healthy in time.
 *
 * Pure: judged checks and the time in, a verdict out.
 */
import type { Intent } from "../core/intent.ts";
import type { Remedy } from "../ports/remedy.ts";
import type { Level } from "../core/observation.ts";
import { SITE } from "../core/target.ts";
import type { TargetId } from "../core/target.ts";
import type { Instant } from "../core/time.ts";

/** One check on one target as judged now. */
export type JudgedCheck = {
  readonly check: string;
  readonly target: TargetId;
  /** Of the target; SITE for what all share. */
  readonly workload: string;
  /** When the target began its life, as far as was seen; null: before anybody looked. */
  readonly bornAt: Instant | null;
  readonly verdict: "healthy" | "degraded" | "unhealthy" | "unknown";
  /** When the verdict began. */
  readonly since: Instant;
  /** The newest look that was not `unknown`; null before the first. */
  readonly lastSeen: { readonly at: Instant; readonly level: Level } | null;
};

type VerifiedBy = NonNullable<Remedy["verifiedBy"]>;

export type Verification =
  | { readonly kind: "waiting" }
  | { readonly kind: "verified"; readonly at: Instant }
  | { readonly kind: "failed"; readonly reason: string };

/** A later action was made on the same target: this one did not help, and what helps from now on is not its doing. */
export const SUPERSEDED: Extract<Verification, { readonly kind: "failed" }> = { kind: "failed", reason: "superseded by a later action" };

/**
 * Whether an action that was carried out has helped by now.
 *
 * It has when every check it answers to is healthy on evidence newer than the action. A verdict older
 * than the action counts only with a good look after it: a run of failures may be under way. A check
 * that turned from unhealthy to degraded after it counts as well: it answers again. An action
 * without named evidence (a manual one) is held to all checks of its target. No check at all: verified by time.
 *
 * @param by `replacement`: the target is gone for good (a pod), and what came up in its place is asked instead.
 */
export function verification(intent: Intent, checks: readonly JudgedCheck[], now: Instant, by: VerifiedBy = "checks"): Verification {
  if (intent.state.phase !== "awaiting_verification") return { kind: "waiting" };
  const { doneAt, verifyBy } = intent.state;
  if (by === "replacement") return ofReplacement(intent, checks, { doneAt, verifyBy, now });
  const asked = by === "workload" ? ofWorkload(intent, checks) : relevant(intent, checks);
  const missing = asked.filter((check) => !recovered(check, doneAt));
  if (asked.length > 0 && missing.length === 0) return { kind: "verified", at: now };
  if (now < verifyBy) return { kind: "waiting" };
  if (asked.length === 0) return { kind: "verified", at: now };
  const where = (check: JudgedCheck): string => (by === "workload" ? ` of ${check.target}` : "");
  const names = missing.slice(0, 5).map((check) => `${check.check}${where(check)} is ${check.verdict}`);
  return { kind: "failed", reason: `${names.join(", ")} after ${Math.round((verifyBy - doneAt) / 1_000)}s` };
}

/** One that came up after the action is well. In a StatefulSet it has the name of the one before it: only its birth tells them apart. */
function ofReplacement({ recordedAt, proposal }: Intent, checks: readonly JudgedCheck[], { doneAt, verifyBy, now }: { readonly doneAt: Instant; readonly verifyBy: Instant; readonly now: Instant }): Verification {
  const { workload, target, evidence } = proposal;
  const young = checks.filter((check) => check.workload === workload && check.bornAt !== null && check.bornAt >= recordedAt);
  const asked = young.filter((check) => evidence.length === 0 || evidence.includes(check.check));
  const ill = new Set(asked.filter((check) => !recovered(check, doneAt)).map((check) => check.target));
  if (asked.some((check) => !ill.has(check.target))) return { kind: "verified", at: now };
  if (now < verifyBy) return { kind: "waiting" };
  const seconds = `${Math.round((verifyBy - doneAt) / 1_000)}s`;
  if (asked.length === 0) return { kind: "failed", reason: `nothing came up in the place of ${target} within ${seconds}` };
  const names = asked.filter((check) => ill.has(check.target)).slice(0, 5).map((check) => `${check.check} of ${check.target} is ${check.verdict}`);
  return { kind: "failed", reason: `in its place ${names.join(", ")} after ${seconds}` };
}

/** Pods come and go meanwhile: those that are there now count. */
function ofWorkload({ proposal: { workload, evidence } }: Intent, checks: readonly JudgedCheck[]): readonly JudgedCheck[] {
  return checks.filter((check) => check.workload === workload && (evidence.length === 0 || evidence.includes(check.check)));
}

function relevant(intent: Intent, checks: readonly JudgedCheck[]): readonly JudgedCheck[] {
  const { target, evidence } = intent.proposal;
  const own = checks.filter((check) => check.target === target);
  if (evidence.length === 0) return own;
  const named = own.filter((check) => evidence.includes(check.check));
  if (named.length > 0) return named;
  return checks.filter((check) => check.target === SITE && evidence.includes(check.check));
}

function recovered(check: JudgedCheck, doneAt: Instant): boolean {
  if (check.lastSeen === null || check.lastSeen.at < doneAt) return false;
  switch (check.verdict) {
    case "healthy":
      return check.since >= doneAt || check.lastSeen.level === "pass";
    case "degraded":
      return check.since >= doneAt;
    case "unhealthy":
    case "unknown":
      return false;
  }
}
