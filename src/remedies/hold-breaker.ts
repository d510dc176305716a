/**
 * Holds a breaker of the gateway open (or closed) for a while, so that copies are served.
 *
 * When the hold ends follows from the intent alone, so carrying it out twice sets the same hold.
 */
import * as z from "zod";
import { duration } from "../config/values.ts";
import { BREAKER_NAMES } from "../core/breaker.ts";
import type { BreakerHold, BreakerName } from "../core/breaker.ts";
import type { Intent } from "../core/intent.ts";
import type { Remedy } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";
import type { RemedyEntry } from "./remedy-entry.ts";

const breaker = z.enum(BREAKER_NAMES as [BreakerName, ...BreakerName[]]);
const position = z.enum(["open", "closed"]);

const schema = z.strictObject({
  breaker: breaker.default("ingress:app"),
  position: position.default("open"),
  for: duration({ min: 1_000, max: 3_600_000 }).prefault("60s"),
});
/** The same after parsing. */
const parsed = z.object({ breaker, position, for: z.number() });

export const holdBreaker: RemedyEntry = {
  name: "hold_breaker",
  summary: "Holds a breaker of the gateway open or closed until the time is over.",
  schema,
  make: ({ clock, breakers }): Remedy => ({
    verifiedBy: "effect",
    repeatable: true,
    prepare: async () => ({ precondition: { kind: "none" }, destructive: false, gone: false }),
    execute: async (intent) => {
      const hold = holdOf(intent);
      if (hold.until <= clock.now()) throw new ActionError("REFUSED", "its time is over");
      await breakers.hold(hold);
      return { breaker: hold.breaker, position: hold.position, until: hold.until };
    },
    lift: async (policy, params) => {
      const settings = parsed.safeParse(params);
      if (!settings.success) return false;
      const { breaker: name } = settings.data;
      const by = holderOf(policy);
      if (breakers.views().find((view) => view.name === name)?.hold?.by !== by) return false;
      await breakers.release(name, by);
      return true;
    },
    readBack: async (intent) => {
      const hold = holdOf(intent);
      const there = breakers.views().find((view) => view.name === hold.breaker)?.hold ?? null;
      const same = there !== null && there.by === hold.by && there.until === hold.until && there.position === hold.position;
      return same ? { kind: "landed", effect: { breaker: hold.breaker, until: hold.until } } : { kind: "not_landed" };
    },
  }),
};

function holderOf(policy: string): string {
  return `policy:${policy}`;
}

function holdOf({ proposal, recordedAt }: Intent): BreakerHold {
  const params = parsed.safeParse(proposal.params);
  if (!params.success) throw new ActionError("REFUSED", `params of ${proposal.policy}: ${params.error.issues[0]?.message ?? "not valid"}`);
  const { breaker, position, for: length } = params.data;
  return { breaker, position, until: recordedAt + length, by: holderOf(proposal.policy), why: proposal.why };
}
