/**
 * Adds replicas under load: half as many again, or one, for a while, claimed so that a sale
 * or an outage may claim more beside it.
 *
 * Beside an autoscaler that works it holds: that one keeps the load near its own target, and two
 * hands on one size would swing it. It acts where the autoscaler cannot: it has no metrics, or does not get what it wants.
 */
import * as z from "zod";
import { duration } from "../config/values.ts";
import type { Autoscaler } from "../core/cluster.ts";
import { conditionOf } from "../core/cluster.ts";
import type { Claim, WorkloadClaims } from "../core/claims.ts";
import { inForce } from "../core/claims.ts";
import type { Wait } from "../core/proposal.ts";
import type { Instant, Ms } from "../core/time.ts";
import { formatDuration } from "../core/time.ts";
import type { Remedy } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";
import type { WorkloadSize } from "../ports/workload-size.ts";
import { claimSize, prepareSize, readClaim, sizeFor, sizingOf, workloadOf } from "./claimed-size.ts";
import type { RemedyEntry } from "./remedy-entry.ts";

const HOLDER = "scale_up:";
/** An autoscaler gets this long to reach what it wants. */
const SHORT_MS: Ms = 120_000;

const max = z.int().min(1).max(1_000).default(20).meta({ description: "Most replicas it asks for; never above the autoscaler's own maximum." });
const workload = z.string().min(1).max(253).optional().meta({ description: "Deployment, where the trigger names no target (CRON, region)." });

const schema = z.strictObject({
  max,
  for: duration({ min: 60_000, max: 86_400_000 }).prefault("30m").meta({ description: "How long the size is claimed; renewed while the trigger fires." }),
  workload,
});
/** The same after parsing. */
const parsed = z.object({ max, for: z.number(), workload });
type Params = z.infer<typeof parsed>;

export const scaleUp: RemedyEntry = {
  name: "scale_up",
  summary: "Adds half as many replicas again, or one, to the target's workload.",
  schema,
  make: (ports): Remedy | null => {
    const sizing = sizingOf(ports);
    if (sizing === null) return null;
    const { claims } = sizing;
    return {
      verifiedBy: "effect",
      foreseen: { destructive: false, gone: false },
      prepare: (target, given, signal) => {
        const params = read(given);
        return prepareSize(sizing, workloadOf(target, params), signal, (found, now) => {
          const { name } = found.deployment;
          const short = claims.shortSince(name, found.autoscaler !== null && found.autoscaler.current < found.autoscaler.desired, now);
          return left(claims.get(name)) ?? working(found.autoscaler, short, now) ?? enough(found, claims.get(name), params, now);
        });
      },
      execute: async (intent, target, signal) => {
        const params = read(intent.proposal.params);
        const found = await sizeFor(intent, sizing, workloadOf(target, params), signal);
        const holder = holderOf(intent.proposal.policy);
        const size = nextSize(found, scaledUp(claims.get(found.deployment.name), sizing.clock.now()), params);
        return claimSize(sizing, found, { holder, size, until: intent.recordedAt + params.for, why: intent.proposal.why }, signal);
      },
      readBack: async (intent, target) => {
        const params = read(intent.proposal.params);
        return readClaim(sizing, workloadOf(target, params), holderOf(intent.proposal.policy), intent.recordedAt + params.for);
      },
    };
  },
};

function holderOf(policy: string): string {
  return `${HOLDER}${policy}`;
}

/** The largest claim of this kind in force, whichever policy made it. */
function scaledUp(kept: WorkloadClaims | null, now: Instant): Claim | null {
  const own = inForce(kept?.claims ?? [], now).filter(({ holder }) => holder.startsWith(HOLDER));
  return own.toSorted((a, b) => b.size - a.size)[0] ?? null;
}

function currentOf({ deployment, size }: WorkloadSize): number {
  return Math.max(deployment.wanted, size);
}

/** No more are added while those that were added before are still starting. */
function nextSize(found: WorkloadSize, own: Claim | null, params: Params): number {
  if (own !== null && isStarting(found)) return own.size;
  const current = currentOf(found);
  const raised = current + Math.max(1, Math.floor(current / 2));
  return Math.max(own?.size ?? 0, Math.min(raised, params.max, found.max ?? Infinity));
}

function isStarting({ deployment }: WorkloadSize): boolean {
  return deployment.ready < deployment.wanted;
}

function left(kept: WorkloadClaims | null): Wait | null {
  if (kept === null || kept.left === null) return null;
  return { guard: "unavailable", reason: `${kept.left.manager} writes the size of ${kept.workload} itself: left to it`, until: null };
}

/** @param short since when it has fewer replicas than it wants; null: it has them. */
function working(autoscaler: Autoscaler | null, short: Instant | null, now: Instant): Wait | null {
  if (autoscaler === null) return null;
  const { name, current, desired, conditions } = autoscaler;
  const active = conditionOf(conditions, "ScalingActive");
  if (active.status === "False") return null;
  if (short !== null && now >= short + SHORT_MS) return null;
  if (short !== null) return { guard: "autoscaler", reason: `the autoscaler ${name} wants ${desired} replicas and has ${current}: it gets ${formatDuration(SHORT_MS)} for that`, until: short + SHORT_MS };
  const reason = active.status === "True" ? `the autoscaler ${name} works: it has the ${desired} replicas it wants` : `the autoscaler ${name} has not said yet whether it works`;
  return { guard: "autoscaler", reason, until: null };
}

/** Nothing to add, and what is claimed need not be renewed yet. */
function enough(found: WorkloadSize, kept: WorkloadClaims | null, params: Params, now: Instant): Wait | null {
  const own = scaledUp(kept, now);
  const current = currentOf(found);
  if (nextSize(found, own, params) > current) return null;
  const { name } = found.deployment;
  if (own === null) return { guard: "unavailable", reason: `${name} has ${current} replicas, and more may not be asked for`, until: null };
  const renewAt = (own.until ?? Infinity) - params.for / 2;
  if (now >= renewAt) return null;
  const why = isStarting(found) ? `${found.deployment.ready} of ${found.deployment.wanted} replicas of ${name} are ready: the others come first` : `${name} has ${current} replicas, and more may not be asked for`;
  return { guard: "unavailable", reason: why, until: Number.isFinite(renewAt) ? renewAt : null };
}

function read(params: Readonly<Record<string, unknown>>): Params {
  const result = parsed.safeParse(params);
  if (!result.success) throw new ActionError("REFUSED", `params: ${result.error.issues[0]?.path.join(".") ?? ""} ${result.error.issues[0]?.message ?? "not valid"}`);
  return result.data;
}
