/**
 * JSON Schemas of every file a person writes, for editors: `# yaml-language-server: $schema=…`.
 */
import * as z from "zod";
import { ACTION_NAMES, type ActionName } from "../core/action.ts";
import type { Catalogues, ProbeKind } from "./catalogue.ts";
import { checkSchema, policySchema } from "./part-schemas.ts";
import { paramsSchema } from "./params-schema.ts";
import { siteSchema } from "./site-schema.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * By name: "shopkeeper", "check", "policy", and whatever others are handed in ("scenario").
 * They describe what is written, before defaults and references.
 */
export function schemas(catalogues: Pick<Catalogues, "probes" | "remedies">, others: Readonly<Record<string, z.ZodType>> = {}): Readonly<Record<string, JsonSchema>> {
  const checks = Object.values(catalogues.probes).map(checkWithAssertions);
  const all: Record<string, z.ZodType> = {
    shopkeeper: siteSchema,
    check: z.union(checks),
    policy: z.union(ACTION_NAMES.map((action) => policyFor(action, catalogues))),
    ...others,
  };
  return Object.fromEntries(Object.entries(all).map(([name, schema]) => [name, toJson(name, schema)]));
}

function toJson(name: string, schema: z.ZodType): JsonSchema {
  return { title: `Shopkeeper: ${name}`, ...z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) };
}

/** The assertions of a kind by name; families by pattern. */
function checkWithAssertions(kind: ProbeKind): z.ZodType {
  const schema = checkSchema(kind);
  const value = schema.shape.checks.unwrap().valueType;
  const named = Object.entries(kind.assertions).map(([name, one]) => [name, value.meta({ description: `For example "${one.example}".` }).optional()] as const);
  const families = Object.keys(kind.families ?? {});
  const fixed = z.object(Object.fromEntries(named));
  const checks = families.length === 0 ? fixed.strict() : fixed.catchall(value).meta({ propertyNames: { anyOf: [{ enum: Object.keys(kind.assertions) }, { pattern: `^(${families.join("|")})\\..+$` }] } });
  return schema.extend({ checks: checks.optional() }).meta({ description: kind.summary });
}

function policyFor(action: ActionName, catalogues: Pick<Catalogues, "remedies">): z.ZodType {
  const params = paramsSchema(action, catalogues)?.prefault({}) ?? policySchema.shape.params;
  return policySchema.extend({ action: z.literal(action), params });
}
