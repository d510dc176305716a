/**
 * Restarts every pod of a workload by its own strategy, as `kubectl rollout restart` does: an
 * annotation on the pods' template, written only while nobody has changed what is wanted of the Deployment.
 */
import * as z from "zod";
import type { Deployment } from "../core/cluster.ts";
import { rolledOut } from "../core/cluster.ts";
import type { Intent } from "../core/intent.ts";
import type { Wait } from "../core/proposal.ts";
import type { Ms } from "../core/time.ts";
import type { Cluster } from "../ports/cluster.ts";
import { FIELD_MANAGER, RESTARTED_AT } from "../ports/cluster.ts";
import type { Prepared, ReadBack, Remedy } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";
import { ofWrite, unreadable } from "./cluster-answers.ts";
import type { RemedyEntry } from "./remedy-entry.ts";

const ASK_AGAIN_MS: Ms = 10_000;
/** The cluster dates a field by its own clock, to the second. */
const CLOCKS_APART_MS: Ms = 60_000;

export const rolloutRestart: RemedyEntry = {
  name: "rollout_restart",
  summary: "Replaces every pod of the target's workload, by the workload's own strategy.",
  schema: z.strictObject({}),
  make: ({ cluster, clock }): Remedy | null => {
    if (cluster === null) return null;
    return {
      verifiedBy: "workload",
      readableLater: true,
      foreseen: { destructive: true, gone: false },
      prepare: async ({ workload }, _params, signal) => prepared(workload, await cluster.deployment(workload, signal), clock.now() + ASK_AGAIN_MS),
      execute: async (intent, _target, signal) => {
        const { deployment, generation } = wantedOf(intent);
        const started = await cluster.restartRollout({ name: deployment, generation }, new Date(clock.wall()).toISOString(), signal).catch(ofWrite("patch deployments"));
        switch (started.kind) {
          case "started":
            return { deployment, generation: started.generation };
          case "moved":
            throw new ActionError("REFUSED", `${deployment} was changed meanwhile: generation ${started.found}, not ${generation}`);
          case "gone":
            throw new ActionError("REFUSED", `there is no Deployment ${deployment} any more`);
        }
      },
      readBack: (intent, _target, signal) => readRestart(cluster, intent, signal),
    };
  },
};

function prepared(workload: string, found: Deployment | null, until: number): Prepared {
  if (found === null) return { precondition: { kind: "none" }, destructive: true, gone: false, wait: { guard: "unavailable", reason: `there is no Deployment ${workload}`, until } };
  const precondition = { kind: "generation", deployment: found.name, generation: found.generation } as const;
  const wait = waitOf(found, until);
  return { precondition, destructive: true, gone: false, ...(wait === null ? {} : { wait }) };
}

function waitOf(found: Deployment, until: number): Wait | null {
  if (found.paused) return { guard: "unavailable", reason: `rollouts of ${found.name} are paused`, until: null };
  return rolledOut(found) ? null : { guard: "disruption", reason: `${found.name} is being rolled out already, or short of pods: ${found.available} of ${found.wanted} available`, until };
}

function wantedOf({ proposal: { precondition } }: Intent): { readonly deployment: string; readonly generation: number } {
  if (precondition.kind !== "generation") throw new ActionError("REFUSED", "the intent names no Deployment");
  return precondition;
}

/** A changed generation may be anybody's; that the mark of a restart is ours, and new, tells whose. */
async function readRestart(cluster: Cluster, intent: Intent, signal: AbortSignal): Promise<ReadBack> {
  const { deployment, generation } = wantedOf(intent);
  try {
    const found = await cluster.deployment(deployment, signal);
    if (found === null || found.generation <= generation) return { kind: "not_landed" };
    const owners = await cluster.fieldOwners("Deployment", deployment, ["spec", "template", "metadata", "annotations", RESTARTED_AT], signal);
    const ours = owners.some(({ manager, at }) => manager === FIELD_MANAGER && at !== null && at >= intent.recordedAt - CLOCKS_APART_MS);
    return ours ? { kind: "landed", effect: { deployment, generation: found.generation } } : { kind: "not_landed" };
  } catch (error) {
    return unreadable(error);
  }
}
