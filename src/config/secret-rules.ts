/**
 * Which settings hold secrets, as their schemas say: the marks of `secret()`, `textOrSecret()`
 * and the like, by their path. There is no second list.
 */
import * as z from "zod";
import { unwrap } from "./explain.ts";
import type { ReferenceRule } from "./references.ts";
import { SECRETS } from "./values.ts";

/** The rules of everything below `schema`; `*` is any one key or index. */
export function secretRules(schema: z.core.$ZodType, path = ""): readonly ReferenceRule[] {
  const inner = unwrap(schema);
  const mark = SECRETS.get(inner);
  if (mark !== undefined) return [{ path, ...mark }];
  const below = (part: string, child: z.core.$ZodType): readonly ReferenceRule[] => secretRules(child, path === "" ? part : `${path}.${part}`);
  if (inner instanceof z.core.$ZodObject) return Object.entries(inner._zod.def.shape).flatMap(([key, child]) => below(key, child));
  if (inner instanceof z.core.$ZodRecord) return below("*", inner._zod.def.valueType);
  if (inner instanceof z.core.$ZodArray) return below("*", inner._zod.def.element);
  return [];
}
