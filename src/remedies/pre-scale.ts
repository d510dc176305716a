/**
 * Has a workload at a size ahead of time: for a sale, by a CRON trigger. Claimed for as long as the
 * sale lasts, so that nothing lowers it meanwhile, an autoscaler included; afterwards it is lowered again.
 */
import * as z from "zod";
import { duration } from "../config/values.ts";
import type { Remedy } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";
import { claimSize, prepareSize, readClaim, sizeFor, sizingOf, workloadOf } from "./claimed-size.ts";
import type { RemedyEntry } from "./remedy-entry.ts";

const size = z.int().min(1).max(1_000).meta({ description: "Replicas there shall be at least; never above the autoscaler's own maximum." });
const workload = z.string().min(1).max(253).optional().meta({ description: "Deployment, where the trigger names no target (CRON, region)." });

const schema = z.strictObject({
  size,
  for: duration({ min: 60_000, max: 7 * 86_400_000 }).meta({ description: "How long the size is claimed: 1m to 7d." }),
  workload,
});
/** The same after parsing. */
const parsed = z.object({ size, for: z.number(), workload });
type Params = z.infer<typeof parsed>;

export const preScale: RemedyEntry = {
  name: "pre_scale",
  summary: "Has a workload at a size ahead of time, for as long as is said.",
  schema,
  make: (ports): Remedy | null => {
    const sizing = sizingOf(ports);
    if (sizing === null) return null;
    return {
      verifiedBy: "effect",
      foreseen: { destructive: false, gone: false },
      prepare: (target, params, signal) => prepareSize(sizing, workloadOf(target, read(params)), signal, () => null),
      execute: async (intent, target, signal) => {
        const params = read(intent.proposal.params);
        const found = await sizeFor(intent, sizing, workloadOf(target, params), signal);
        const made = { holder: holderOf(intent.proposal.policy), size: params.size, until: intent.recordedAt + params.for, why: intent.proposal.why };
        return claimSize(sizing, found, made, signal);
      },
      readBack: async (intent, target) => {
        const params = read(intent.proposal.params);
        return readClaim(sizing, workloadOf(target, params), holderOf(intent.proposal.policy), intent.recordedAt + params.for);
      },
    };
  },
};

function holderOf(policy: string): string {
  return `sale:${policy}`;
}

function read(params: Readonly<Record<string, unknown>>): Params {
  const result = parsed.safeParse(params);
  if (!result.success) throw new ActionError("REFUSED", `params: ${result.error.issues[0]?.path.join(".") ?? ""} ${result.error.issues[0]?.message ?? "not valid"}`);
  return result.data;
}
