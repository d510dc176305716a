/** What a policy's `params:` may hold: what every remedy that may carry its action out needs, whatever the target is. */
import type * as z from "zod";
import { remediesOf, type ActionName } from "../core/action.ts";
import type { Catalogues } from "./catalogue.ts";
import { failoverParams } from "./relate-failover.ts";

/** @returns undefined where nothing in this build carries the action out. */
export function paramsSchema(action: ActionName, { remedies }: Pick<Catalogues, "remedies">): z.ZodObject | undefined {
  if (action === "failover_dns") return failoverParams;
  let all: z.ZodObject | undefined;
  for (const name of remediesOf(action)) {
    const schema = remedies[name]?.schema;
    if (schema !== undefined) all = all === undefined ? schema : all.extend(schema.shape);
  }
  return all?.strict();
}
