/**
 * Assertions of a check's file: "200 OK", "< 500ms", "> 20%", "connected".
 *
 * Parsed once, when the configuration is loaded; a parse error is a value that
 * points at the offset and says what was expected. Judged by probes, one measured
 * value at a time.
 */
import type { FailCause, Finding, Observation } from "./observation.ts";
import type { Instant, Ms } from "./time.ts";
import { shortened } from "./shortened.ts";

export type Severity = "warn" | "fail";

/** What a number counts, with the base unit it is kept in: milliseconds, percent (0 to 100), bytes, or nothing. */
export type Dimension = "ms" | "percent" | "bytes" | "count";

export type Operator = "<" | "<=" | ">" | ">=";

export type Expectation =
  /** "200 OK" or "200": the status code; the reason phrase is for people. */
  | { readonly kind: "status"; readonly code: number }
  | { readonly kind: "compare"; readonly operator: Operator; readonly value: number; readonly dimension: Dimension }
  /** "512MB" without an operator: equal. */
  | { readonly kind: "number"; readonly value: number; readonly dimension: Dimension }
  /** "connected", "reachable", or any other text: equal, case and outer space aside. */
  | { readonly kind: "text"; readonly text: string };

/** One bound, and the text it was written as. */
export type Bound = { readonly written: string; readonly expectation: Expectation };

/** At least one of the two bounds is set. `fail` is looked at first. */
export type Assertion = { readonly name: string; readonly warn: Bound | null; readonly fail: Bound | null };

/** An assertion as it stands in a file. */
export type WrittenAssertion = string | number | boolean | { readonly warn?: string | number | undefined; readonly fail?: string | number | undefined };

export type AssertionProblem = {
  /** Which part of the value it is about. */
  readonly part: "value" | "warn" | "fail";
  /** Characters into that part's text, from 0. */
  readonly offset: number;
  /** "a number", "a unit: ms, s, m, h, %, B, KB, MB, GB, KiB, MiB or GiB", "nothing more". */
  readonly expected: string;
  /** The text at the offset; "" at the end. */
  readonly found: string;
};

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: AssertionProblem };

/** What a probe measured. `missing`: it could not be measured, so the finding is `unknown`. `source` as in `Finding`. */
export type Measured =
  | { readonly kind: "number"; readonly value: number; readonly dimension: Dimension; readonly source?: string }
  | { readonly kind: "status"; readonly code: number; readonly source?: string }
  | { readonly kind: "text"; readonly text: string; readonly source?: string }
  | { readonly kind: "missing"; readonly why: string; readonly source?: string };

const UNITS: Readonly<Record<string, { readonly dimension: Dimension; readonly factor: number }>> = {
  "": { dimension: "count", factor: 1 },
  ms: { dimension: "ms", factor: 1 },
  s: { dimension: "ms", factor: 1_000 },
  m: { dimension: "ms", factor: 60_000 },
  h: { dimension: "ms", factor: 3_600_000 },
  "%": { dimension: "percent", factor: 1 },
  B: { dimension: "bytes", factor: 1 },
  KB: { dimension: "bytes", factor: 1_000 },
  MB: { dimension: "bytes", factor: 1_000_000 },
  GB: { dimension: "bytes", factor: 1_000_000_000 },
  KiB: { dimension: "bytes", factor: 1_024 },
  MiB: { dimension: "bytes", factor: 1_048_576 },
  GiB: { dimension: "bytes", factor: 1_073_741_824 },
};

const UNIT_NAMES = "a unit: ms, s, m, h, %, B, KB, MB, GB, KiB, MiB or GiB";

/**
 * Parses one assertion. A single value gets its severity from its shape:
 * a comparison (latency, memory, CPU, quota) warns, everything else (reachability,
 * status, text) fails. `{ warn, fail }` says it itself and needs at least one.
 */
export function parseAssertion(name: string, written: WrittenAssertion): Parsed<Assertion> {
  if (typeof written === "object") return parseBounds(name, written);
  const bound = parseBound(String(written), "value");
  if (!bound.ok) return bound;
  return { ok: true, value: bound.value.expectation.kind === "compare" ? { name, warn: bound.value, fail: null } : { name, warn: null, fail: bound.value } };
}

/** Parses the text of one bound. `part` only labels the problem. */
export function parseBound(text: string, part: AssertionProblem["part"] = "value"): Parsed<Bound> {
  const wrong = (offset: number, expected: string): Parsed<Bound> => ({ ok: false, problem: { part, offset, expected, found: text.slice(offset).trim() } });
  const expectation = (value: Expectation): Parsed<Bound> => ({ ok: true, value: { written: text.trim(), expectation: value } });

  const start = text.length - text.trimStart().length;
  const body = text.trim();
  if (body === "") return wrong(start, 'an assertion such as "200 OK", "< 500ms" or "connected"');

  const status = /^([1-5]\d\d)(?: [A-Za-z][A-Za-z' -]*)?$/.exec(body);
  if (status !== null) return expectation({ kind: "status", code: Number(status[1]) });

  const operator = /^([<>]=?|=+|!=?|≤|≥)\s*/.exec(body);
  if (operator === null) return plain(body, expectation);

  const sign = operator[1] ?? "";
  if (!isOperator(sign)) return wrong(start, 'one of <, <=, >, >=, or the plain value to be equal to');
  const numberAt = start + operator[0].length;
  const number = /^(-?\d+(?:\.\d+)?)\s*/.exec(text.slice(numberAt));
  if (number === null) return wrong(numberAt, "a number");
  const unitAt = numberAt + number[0].length;
  const unitText = /^[A-Za-z%]*/.exec(text.slice(unitAt))?.[0] ?? "";
  const unit = Object.hasOwn(UNITS, unitText) ? UNITS[unitText] : undefined;
  if (unit === undefined) return wrong(unitAt, UNIT_NAMES);
  const after = unitAt + unitText.length;
  if (text.slice(after).trim() !== "") return wrong(after, unitText === "" ? UNIT_NAMES : "nothing more");
  return expectation({ kind: "compare", operator: sign, value: Number(number[1]) * unit.factor, dimension: unit.dimension });
}

/**
 * Holds one measured value against an assertion. The `fail` bound is asked first, so a
 * value that breaks both fails. A value of another dimension than the bound's is `unknown`:
 * it says nothing. Never throws.
 */
export function judge(assertion: Assertion, measured: Measured): Finding {
  const { warn, fail } = assertion;
  const failMet = fail === null ? true : meets(fail.expectation, measured);
  if (failMet !== true) return finding(assertion, failMet === undefined ? "unknown" : "fail", fail, measured);
  const warnMet = warn === null ? true : meets(warn.expectation, measured);
  if (warnMet !== true) return finding(assertion, warnMet === undefined ? "unknown" : "warn", warn, measured);
  return finding(assertion, "pass", fail ?? warn, measured);
}

function finding({ name }: Assertion, level: Finding["level"], bound: Bound | null, measured: Measured): Finding {
  const found = { assertion: name, level, observed: describe(measured), expected: bound?.written ?? "" };
  return measured.source === undefined ? found : { ...found, source: measured.source };
}

/** The number's text for people: "612ms", "71%", "512MB", "3". */
export function formatNumber(value: number, dimension: Dimension): string {
  switch (dimension) {
    case "ms":
      return `${Math.round(value)}ms`;
    case "percent":
      return `${Math.round(value * 10) / 10}%`;
    case "bytes":
      return formatBytes(value);
    case "count":
      return String(value);
  }
}

/**
 * Makes an observation of a look that got an answer: the worst finding decides, unknown
 * ones are left out, and when every finding is unknown so is the look (`no_data`).
 */
export function conclude(look: { readonly at: Instant; readonly tookMs: Ms; readonly findings: readonly Finding[]; readonly facts?: Readonly<Record<string, number>> }): Observation {
  const { at, tookMs, findings } = look;
  const common = { at, tookMs, findings, facts: look.facts ?? {} };
  const worst = findings.find((one) => one.level === "fail") ?? findings.find((one) => one.level === "warn");
  if (worst !== undefined) {
    return { ...common, kind: worst.level === "fail" ? "fail" : "warn", cause: causeOf(worst), detail: detailOf(worst) };
  }
  if (findings.length > 0 && findings.every((one) => one.level === "unknown")) {
    return { kind: "unknown", at, tookMs, cause: "no_data", detail: findings.map((one) => `${one.assertion}: ${one.observed}`).join("; ") };
  }
  return { ...common, kind: "pass" };
}

function causeOf(finding: Finding): FailCause {
  return finding.assertion === "http_status" ? "status" : "assertion";
}

function detailOf(finding: Finding): string {
  return `${finding.assertion} is ${finding.observed}, expected ${finding.expected}`;
}

function parseBounds(name: string, written: { readonly warn?: string | number | undefined; readonly fail?: string | number | undefined }): Parsed<Assertion> {
  const bounds: { warn: Bound | null; fail: Bound | null } = { warn: null, fail: null };
  for (const part of ["warn", "fail"] as const) {
    const text = written[part];
    if (text === undefined) continue;
    const bound = parseBound(String(text), part);
    if (!bound.ok) return bound;
    bounds[part] = bound.value;
  }
  if (bounds.warn === null && bounds.fail === null) return { ok: false, problem: { part: "value", offset: 0, expected: "warn: or fail: with a bound", found: "" } };
  return { ok: true, value: { name, ...bounds } };
}

function plain(body: string, expectation: (value: Expectation) => Parsed<Bound>): Parsed<Bound> {
  const number = /^(-?\d+(?:\.\d+)?)\s*([A-Za-z%]*)$/.exec(body);
  const unitText = number?.[2] ?? "";
  const unit = number !== null && Object.hasOwn(UNITS, unitText) ? UNITS[unitText] : undefined;
  if (number === null || unit === undefined) return expectation({ kind: "text", text: body });
  return expectation({ kind: "number", value: Number(number[1]) * unit.factor, dimension: unit.dimension });
}

function isOperator(sign: string): sign is Operator {
  return sign === "<" || sign === "<=" || sign === ">" || sign === ">=";
}

/** undefined: the measured value is of a kind that this bound says nothing about. */
function meets(expectation: Expectation, measured: Measured): boolean | undefined {
  switch (expectation.kind) {
    case "status":
      if (measured.kind === "status") return measured.code === expectation.code;
      return measured.kind === "number" && measured.dimension === "count" ? measured.value === expectation.code : undefined;
    case "number":
      return measured.kind === "number" && measured.dimension === expectation.dimension ? measured.value === expectation.value : undefined;
    case "text":
      return measured.kind === "text" ? fold(measured.text) === fold(expectation.text) : undefined;
    case "compare":
      return measured.kind === "number" && measured.dimension === expectation.dimension ? compare(measured.value, expectation.operator, expectation.value) : undefined;
  }
}

function compare(left: number, operator: Operator, right: number): boolean | undefined {
  if (Number.isNaN(left)) return undefined;
  switch (operator) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
  }
}

function fold(text: string): string {
  return text.trim().toLowerCase();
}

function describe(measured: Measured): string {
  switch (measured.kind) {
    case "number":
      return formatNumber(measured.value, measured.dimension);
    case "status":
      return String(measured.code);
    case "text":
      return shortened(measured.text, 200);
    case "missing":
      return measured.why;
  }
}

function formatBytes(bytes: number): string {
  const steps: readonly (readonly [number, string])[] = [
    [1_000_000_000, "GB"],
    [1_000_000, "MB"],
    [1_000, "KB"],
  ];
  const step = steps.find(([size]) => bytes >= size);
  return step === undefined ? `${Math.round(bytes)}B` : `${Math.round((bytes / step[0]) * 10) / 10}${step[1]}`;
}
