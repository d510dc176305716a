/** What a policy that leads buyers elsewhere may say. The watch of the regions carries it out, so whatever that does not follow is refused, never ignored. */
import * as z from "zod";
import type { Trigger } from "../core/policy.ts";
import { report, textAt, warn, type Part, type Reports } from "./part.ts";
import { duration } from "./values.ts";

/** Of `failover_dns`, which no remedy carries out. */
export const failoverParams = z.strictObject({
  to: z.literal("secondary", { error: 'expected "secondary": the next fit region in the order of regions: takes over' }).prefault("secondary").describe("The next fit region, in the order of `regions:`."),
  rto: duration({ min: 1_000 }).prefault("60s").describe("From a lost region to the first page from the next one: what `validate` holds its sum against."),
});

/** Regions that are watched and never led away from by themselves are worth a word. */
export function warnOfNoFailover(site: Part, policies: readonly { readonly action: string | undefined }[], reports: Reports): void {
  if (site.value["failover"] === undefined || site.value["role"] === "witness" || policies.some(({ action }) => action === "failover_dns")) return;
  warn(site, reports, { path: ["failover"], at: "key", message: "no policy has the action failover_dns, so only a person's order leads buyers elsewhere", expected: 'the shipped policy "failover", which disabled: takes out of use, or one of your own' });
}

/** Keys that other policies have, and where the same is said of failovers. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  cooldown: "failover.between in shopkeeper.yaml, the least time between two failovers",
  verify_within: "no verify_within: whether a record changed is read back at once",
  escalation: "no escalation: a failover that cannot be made calls a person by the first alert route of severity page",
};

/**
 * @param preferred name of the region that stands first; undefined where none is configured.
 */
export function relateFailover(part: Part, trigger: Trigger | undefined, preferred: string | undefined, reports: Reports): void {
  if (textAt(part, "action") !== "failover_dns" || preferred === undefined) return;
  for (const [key, expected] of Object.entries(ELSEWHERE)) {
    if (part.value[key] !== undefined) report(part, reports, { code: "RELATION", path: [key], at: "key", message: `"${key}" has no meaning for failover_dns`, expected });
  }
  const fits = trigger === undefined || (trigger.kind === "region" && ["primary", preferred].includes(trigger.region));
  if (!fits) report(part, reports, { code: "RELATION", path: ["trigger"], message: "observers decide by votes when the region that buyers are led to is left, and nothing else is asked", expected: '"region primary is unhealthy"' });
}
