/**
 * Tells somebody. The same incident has the same key whenever it is told, so repeating is harmless.
 */
import * as z from "zod";
import { alertKey } from "../core/alert-key.ts";
import type { Remedy } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";
import type { RemedyEntry } from "./remedy-entry.ts";

const schema = z.strictObject({
  route: z.string().min(1).max(63).meta({ description: "Alert destination of shopkeeper.yaml." }),
  severity: z.enum(["page", "notify", "info"]).default("notify"),
});

export const alert: RemedyEntry = {
  name: "alert",
  summary: "Sends an alert to a destination of the configuration.",
  schema,
  make: ({ site, runbooks, clock, outbox }): Remedy => ({
    verifiedBy: "effect",
    repeatable: true,
    prepare: async () => ({ precondition: { kind: "none" }, destructive: false, gone: false }),
    execute: async (intent) => {
      const params = schema.safeParse(intent.proposal.params);
      if (!params.success) throw new ActionError("REFUSED", `params of ${intent.proposal.policy}: ${params.error.issues[0]?.message ?? "not valid"}`);
      const { route, severity } = params.data;
      const { cause, since, target, policy, why } = intent.proposal;
      const key = alertKey(site, cause, since);
      await outbox.enqueue(route, {
        key, state: "firing", severity, site, target, reason: "policy_alert", summary: `${policy}: ${why}`,
        startedAt: since, at: clock.now(), runbook: `${runbooks}/policy-alert.md`, details: { policy, cause, intent: intent.id },
      });
      return { route, key };
    },
    // Repeated instead: the key makes it one alert.
    readBack: async () => ({ kind: "unreadable", reason: "whether the alert was queued is not read back" }),
  }),
};
