/**
 * A schema's complaints in the words of whoever wrote the file: what stands there, what was
 * expected, the nearest right key or word.
 */
import type * as z from "zod";
import { nearest } from "../core/nearest.ts";
import type { Problem } from "./problem.ts";
import { Secret } from "./secret.ts";
import { quote, type IssueParams } from "./values.ts";
import type { Finding, YamlSource } from "./yaml-source.ts";

type Issue = z.core.$ZodIssue;

/**
 * Turns a schema's issues into problems that say where.
 *
 * @param value what was parsed: issues carry no input of their own.
 * @param broken paths already reported; nothing is said about them again.
 */
export function explainIssues(
  issues: readonly Issue[],
  source: YamlSource,
  schema: z.ZodType,
  value: unknown,
  broken: readonly (readonly PropertyKey[])[],
): readonly Problem[] {
  return issues
    .flatMap((issue) => explain(issue, schema, value))
    .filter((finding) => !broken.some((path) => path.every((part, index) => part === finding.path[index])))
    .map((finding) => source.problem(withoutFilledIn(finding, source.value, value)));
}

/**
 * What a reference was filled in with may be secret though its place is not: messages show the reference as
 * it is written, and point at the whole of it, since its words are not those of the file.
 */
export function withoutFilledIn(finding: Finding, written: unknown, filled: unknown): Finding {
  const [before, after] = [at(written, finding.path), at(filled, finding.path)];
  if (typeof before !== "string" || before === after || after === undefined) return finding;
  const whole = after instanceof Secret || finding.message.includes(show(after));
  const message = whole ? finding.message.replaceAll(show(after), show(before)) : `${show(before)}, filled in, does not fit here`;
  return { code: finding.code, path: finding.path, message, expected: finding.expected ?? null };
}

function explain(issue: Issue, schema: z.ZodType, value: unknown): readonly Finding[] {
  const path = issue.path;
  const there = at(value, path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey([...path, key], key, keysAt(schema, path)));
    case "invalid_type":
      return [there === undefined && path.length > 0 ? missing(path, describe(schemaAt(schema, path), issue.expected)) : wrongType(path, there, describe(schemaAt(schema, path), issue.expected))];
    case "invalid_value": {
      const words = issue.values.map(String);
      if (there === undefined) return [missing(path, oneOf(words))];
      return [{ code: "BAD_VALUE", path, message: `${show(there)} is not one of the words known here`, expected: oneOf(words), nearest: typeof there === "string" ? nearest(there, words) : null }];
    }
    case "too_small":
    case "too_big": {
      const [bound, sign] = issue.code === "too_small" ? [issue.minimum, "at least"] : [issue.maximum, "at most"];
      const unit = issue.origin === "array" ? ["entry", "entries"] : ["character", "characters"];
      if (issue.origin !== "array" && issue.origin !== "string") return [{ code: "BAD_VALUE", path, message: `${show(there)} is out of range`, expected: `${sign} ${bound}` }];
      return [{ code: "BAD_VALUE", path, message: `${show(there)} is too ${issue.code === "too_small" ? "short" : "long"}`, expected: `${sign} ${bound} ${unit[Number(bound) === 1 ? 0 : 1]}` }];
    }
    case "custom": {
      const params = issue.params as Partial<IssueParams> | undefined;
      if (params?.expected === undefined && there === undefined) return [missing(path, issue.message.replace(/^expected /, ""))];
      if (params?.expected === undefined) return [wrongType(path, there, issue.message.replace(/^expected /, ""))];
      return [{ code: "BAD_VALUE", path, message: issue.message, expected: params.expected, offset: params.offset ?? null }];
    }
    case "invalid_key":
      return [{ code: "BAD_VALUE", path, at: "key", message: `${quote(String(path.at(-1)))} cannot be a key here`, expected: issue.issues[0]?.message.replace(/^expected /, "") ?? "a name" }];
    case "invalid_union":
      return explainUnion(issue.errors, path, schema, value);
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_element":
      return [{ code: "BAD_VALUE", path, message: `${show(there)} is not valid here`, expected: describe(schemaAt(schema, path), lowerFirst(issue.message)) }];
  }
}

/** Of a union's branches, the one that got furthest tells best what is wrong. */
function explainUnion(branches: readonly (readonly Issue[])[], path: readonly PropertyKey[], schema: z.ZodType, value: unknown): readonly Finding[] {
  const deepest = branches.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
  const inside = deepest.filter((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys");
  const there = at(value, path);
  if (inside.length > 0) return inside.flatMap((issue) => explain({ ...issue, path: [...path, ...issue.path] }, schema, value));
  const own = deepest.find((issue) => issue.code === "custom");
  if (own !== undefined && typeof there === "string") return explain({ ...own, path: [...path] }, schema, value).map((finding) => withWords(finding, there, wordsAt(schema, path)));
  return [there === undefined ? missing(path, describe(schemaAt(schema, path), "a value")) : wrongType(path, there, describe(schemaAt(schema, path), "another kind of value"))];
}

/** The words that a union takes beside its text with a grammar. */
function wordsAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const found = schemaAt(schema, path);
  return found?._zod.def.type === "union" ? (found as z.core.$ZodUnion)._zod.def.options.flatMap((option) => literalWords(unwrap(option)) ?? []) : [];
}

function withWords(finding: Finding, there: string, words: readonly string[]): Finding {
  if (words.length === 0) return finding;
  return { ...finding, expected: [...words.map(quote), finding.expected].join(", or "), nearest: nearest(there, words) };
}

function depth(issues: readonly Issue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === "unrecognized_keys" ? 1 : 0) + (issue.code === "custom" ? 0.5 : 0)));
}

function missing(path: readonly PropertyKey[], expected: string): Finding {
  return { code: "MISSING_KEY", path, message: `the key "${String(path.at(-1))}" is missing`, expected };
}

function wrongType(path: readonly PropertyKey[], there: unknown, expected: string): Finding {
  return { code: "WRONG_TYPE", path, message: `${show(there)} is not what belongs here`, expected };
}

/** A key that nobody knows, with the nearest one that is known. */
export function unknownKey(path: readonly PropertyKey[], key: string, known: readonly string[]): Finding {
  return { code: "UNKNOWN_KEY", path, at: "key", message: `unknown key "${key}"`, expected: known.length === 0 ? null : oneOf(known), nearest: nearest(key, known) };
}

/** "one of a, b, c"; long lists are shown whole, since they are the answer. */
export function oneOf(words: readonly string[]): string {
  return words.length === 1 ? `${words[0]}` : `one of ${words.join(", ")}`;
}

/** A value as messages show it. */
export function show(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (value instanceof Secret) return quote(value.origin);
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "this";
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const part of path) found = typeof found === "object" && found !== null ? (found as Record<PropertyKey, unknown>)[part] : undefined;
  return found;
}

function lowerFirst(sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1);
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: 'a list: "[a, b]" or one "- entry" a line',
  object: 'a map of "key: value" lines',
  record: 'a map of "key: value" lines',
};

function describe(schema: z.core.$ZodType | undefined, fallback: string): string {
  if (schema !== undefined) {
    const inner = unwrap(schema);
    const words = literalWords(inner);
    if (words !== null) return oneOf(words);
    const own = ownMessage(inner);
    if (own !== null) return own;
    if (inner._zod.def.type === "union") {
      const options = (inner as z.core.$ZodUnion)._zod.def.options.map((option) => describe(option, "another kind of value"));
      return [...new Set(options)].join(", or ");
    }
    const format = inner._zod.def.type === "number" ? ((inner as z.core.$ZodNumberFormat)._zod.def.format ?? "") : "";
    const isWhole = format.includes("int");
    const word = TYPE_WORDS[isWhole ? "int" : inner._zod.def.type];
    if (word !== undefined) return word;
  }
  return TYPE_WORDS[fallback] ?? fallback;
}

/** What a schema was given as its own error text ("expected a duration, …"). */
function ownMessage(schema: z.core.$ZodType): string | null {
  const message = schema._zod.def.error?.({ code: "invalid_type", expected: "string", input: undefined, path: [], message: "" } as never);
  const text = typeof message === "string" ? message : null;
  return text === null ? null : text.replace(/^expected /, "");
}

function literalWords(schema: z.core.$ZodType): readonly string[] | null {
  const def = schema._zod.def;
  if (def.type === "enum") return Object.values((schema as z.core.$ZodEnum)._zod.def.entries).map(String);
  if (def.type === "literal") return (schema as z.core.$ZodLiteral)._zod.def.values.map(String);
  return null;
}

const WRAPPERS: readonly string[] = ["optional", "nullable", "default", "prefault", "nonoptional", "readonly", "catch"];

/** Takes optionals, defaults, transforms away: what the file itself holds. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const def = schema._zod.def;
  if (WRAPPERS.includes(def.type)) return unwrap((def as z.core.$ZodOptionalDef).innerType);
  return def.type === "pipe" ? unwrap((def as z.core.$ZodPipeDef).in) : schema;
}

function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  let current: z.core.$ZodType | undefined = unwrap(schema);
  for (const part of path) {
    const next: z.core.$ZodType | undefined = current === undefined ? undefined : child(current, part);
    current = next === undefined ? undefined : unwrap(next);
  }
  return current;
}

function child(schema: z.core.$ZodType, part: PropertyKey): z.core.$ZodType | undefined {
  const { type } = schema._zod.def;
  if (type === "object") return (schema as z.core.$ZodObject)._zod.def.shape[String(part)];
  if (type === "record") return (schema as z.core.$ZodRecord)._zod.def.valueType;
  if (type === "array") return (schema as z.core.$ZodArray)._zod.def.element;
  if (type !== "union") return undefined;
  const options = (schema as z.core.$ZodUnion)._zod.def.options;
  return options.map((option) => child(unwrap(option), part)).find((found) => found !== undefined);
}

/** The keys a map at `path` may have; empty where any is allowed. */
export function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  const found = schemaAt(schema, path);
  if (found === undefined) return [];
  if (found._zod.def.type === "object") return Object.keys((found as z.core.$ZodObject)._zod.def.shape);
  if (found._zod.def.type !== "union") return [];
  return (found as z.core.$ZodUnion)._zod.def.options.flatMap((option) => keysAt(option, []));
}
