/** Label selectors as text, "app=storefront,tier!=canary,zone": the part of Kubernetes' syntax that is used here. */
import type { LabelRule, Selector } from "../core/cluster.ts";

/** Empty text selects everything. @throws {RangeError} for a part that is none of `a=b`, `a==b`, `a!=b`, `a`, `!a`. */
export function parseLabelQuery(text: string): Selector {
  return text === "" ? [] : text.split(",").map(parseRule);
}

function parseRule(part: string): LabelRule {
  const [, not, key, operator, value] = /^\s*(!?)\s*([^=!\s]+)\s*(?:(==?|!=)\s*([^=!\s]*))?\s*$/.exec(part) ?? [];
  if (key === undefined || (not === "!" && operator !== undefined)) throw new RangeError(`no label selector: ${part}`);
  if (operator === undefined) return { key, operator: not === "!" ? "DoesNotExist" : "Exists", values: [] };
  return { key, operator: operator === "!=" ? "NotIn" : "In", values: [value ?? ""] };
}
