/** One file on its way to being configuration: its text's places, its value with references resolved. */
import type * as z from "zod";
import { explainIssues, withoutFilledIn } from "./explain.ts";
import type { Problem } from "./problem.ts";
import { resolveReferences, type ReferenceContext, type ReferenceRule } from "./references.ts";
import type { Secret } from "./secret.ts";
import type { Finding, YamlSource } from "./yaml-source.ts";

export type Part = {
  readonly source: YamlSource;
  readonly shipped: boolean;
  /** It is YAML, so what is said about its content means something. */
  readonly readable: boolean;
  /** The top level as a map; empty when the file is none. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly broken: readonly (readonly PropertyKey[])[];
  /** What came from the environment or another file, wherever in this one. */
  readonly filled: readonly Secret[];
};

/** Where problems and warnings are collected; one for a whole load. */
export type Reports = { readonly errors: Problem[]; readonly warnings: Problem[] };

/** Resolves a file's references and makes sure that it is a map; what is wrong goes to the reports. */
export function openPart({ source, shipped }: Pick<Part, "source" | "shipped">, rules: readonly ReferenceRule[], context: ReferenceContext, reports: Reports): Part {
  reports.errors.push(...source.errors);
  const resolved = resolveReferences(source, rules, context);
  reports.errors.push(...resolved.problems);
  const isMap = typeof resolved.value === "object" && resolved.value !== null && !Array.isArray(resolved.value);
  if (!isMap && source.errors.length === 0) {
    reports.errors.push(source.problem({ code: "WRONG_TYPE", path: [], message: resolved.value === null ? "the file is empty" : "the file is not a map", expected: '"key: value" lines' }));
  }
  // Of a file that is not YAML nothing is believed: what it lacks is no news beside the syntax error.
  const readable = !source.errors.some((error) => error.code === "YAML_SYNTAX" || error.code === "TAB_INDENT");
  return { source, shipped, readable, value: isMap && readable ? (resolved.value as Record<string, unknown>) : {}, broken: resolved.broken, filled: resolved.filled };
}

/** Runs a schema over a part. @returns undefined where it does not fit; why is in the reports. */
export function fit<T extends z.ZodType>(part: Part, schema: T, reports: Reports): z.output<T> | undefined {
  if (!part.readable || part.source.value === null) return undefined;
  const result = schema.safeParse(part.value);
  if (result.success) return result.data;
  reports.errors.push(...explainIssues(result.error.issues, part.source, schema, part.value, part.broken));
  return undefined;
}

/** A value on its own, where it fits; for relations that hold although something else in the file is wrong. */
export function piece<T extends z.ZodType>(schema: T, value: unknown): z.output<T> | undefined {
  const result = schema.safeParse(value);
  return result.success ? result.data : undefined;
}

export function report(part: Part, reports: Reports, finding: Finding): void {
  reports.errors.push(part.source.problem(withoutFilledIn(finding, part.source.value, part.value)));
}

export function warn(part: Part, reports: Reports, finding: Omit<Finding, "code">): void {
  reports.warnings.push(part.source.problem(withoutFilledIn({ ...finding, code: "WARNING" }, part.source.value, part.value)));
}

export function textAt(part: Part, key: string): string | undefined {
  const value = part.value[key];
  return typeof value === "string" ? value : undefined;
}

/** A value as a map; empty where it is none. */
export function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** The entries of a list that are texts, with their index. */
export function textsOf(value: unknown): readonly { readonly index: number; readonly text: string }[] {
  return Array.isArray(value) ? value.flatMap((entry: unknown, index) => (typeof entry === "string" ? [{ index, text: entry }] : [])) : [];
}
