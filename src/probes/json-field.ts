/** One field of a JSON body, named by a dotted path: "status", "db.0.latency". */
import { parseBound } from "../core/assertion.ts";
import type { Assertion, Dimension, Measured } from "../core/assertion.ts";

/** Steps of a path at most. */
const MAX_DEPTH = 20;

/**
 * A field as the assertion can judge it: a bare number is taken in the unit of the bound,
 * a text with a unit ("71%", "12ms") is read as that number, booleans and null as words.
 * What is absent, or an object, is the text "absent" or "object", so that it never passes by accident.
 */
export function jsonField(json: unknown, path: string, assertion: Assertion): Measured {
  const value = follow(json, path);
  const dimension = dimensionOf(assertion);
  switch (typeof value) {
    case "number":
      return dimension === null ? { kind: "text", text: String(value), source: "body" } : { kind: "number", value, dimension, source: "body" };
    case "string":
      return dimension === null ? { kind: "text", text: value, source: "body" } : numberIn(value);
    case "boolean":
      return { kind: "text", text: String(value), source: "body" };
    case "undefined":
      return { kind: "text", text: "absent", source: "body" };
    case "object":
      return { kind: "text", text: value === null ? "null" : "object", source: "body" };
    case "bigint":
    case "symbol":
    case "function":
      return { kind: "missing", why: "not JSON", source: "body" };
  }
}

function follow(json: unknown, path: string): unknown {
  let at = json;
  for (const step of path.split(".").slice(0, MAX_DEPTH)) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string, unknown>)[step];
  }
  return at;
}

/** The unit the assertion compares in; null: it compares text. */
function dimensionOf({ fail, warn }: Assertion): Dimension | null {
  const expectation = (fail ?? warn)?.expectation;
  if (expectation === undefined) return null;
  switch (expectation.kind) {
    case "compare":
    case "number":
      return expectation.dimension;
    case "status":
      return "count";
    case "text":
      return null;
  }
}

function numberIn(text: string): Measured {
  const parsed = parseBound(text);
  if (parsed.ok && parsed.value.expectation.kind === "number") {
    return { kind: "number", value: parsed.value.expectation.value, dimension: parsed.value.expectation.dimension, source: "body" };
  }
  return { kind: "text", text, source: "body" };
}
