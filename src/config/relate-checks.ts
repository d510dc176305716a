/** What a check's file must fit: its probe, its assertions, the targets and the other checks. */
import { parseAssertion, type Assertion, type Bound, type WrittenAssertion } from "../core/assertion.ts";
import { nearest } from "../core/nearest.ts";
import type { AssertionKind, Catalogues, ProbeKind } from "./catalogue.ts";
import { oneOf, show, unknownKey } from "./explain.ts";
import { fit, mapOf, piece, report, textAt, textsOf, type Part, type Reports } from "./part.ts";
import { checkSchema, looseCheckSchema, type CheckInput } from "./part-schemas.ts";
import type { ReferenceRule } from "./references.ts";
import { secretRules } from "./secret-rules.ts";

/** A check's file that was read; `input` is undefined where something in it is wrong. */
export type ReadCheck = {
  readonly part: Part;
  readonly name: string;
  readonly kind: ProbeKind | undefined;
  readonly input: CheckInput | undefined;
  /** The kind's own settings, validated. */
  readonly settings: unknown;
  readonly assertions: readonly Assertion[];
  /** Why it looks at nothing, where that was known before its file was read. */
  readonly idle: string | null;
};

/** How references are read in a check's file; what kind of look it is says where secrets may stand. */
export function checkRules(value: unknown, catalogues: Catalogues): readonly ReferenceRule[] {
  const { probe } = mapOf(value);
  const kind = typeof probe === "string" && Object.hasOwn(catalogues.probes, probe) ? catalogues.probes[probe] : undefined;
  const names = ["name", "probe"].map((path): ReferenceRule => ({ path, need: "never" }));
  return [...names, ...(kind === undefined ? [] : secretRules(kind.schema))];
}

/** Reads one check's file as far as it stands alone. */
export function readCheck(part: Part, catalogues: Catalogues, reports: Reports): ReadCheck {
  const name = textAt(part, "name") ?? "";
  const written = textAt(part, "probe");
  const kind = written !== undefined && Object.hasOwn(catalogues.probes, written) ? catalogues.probes[written] : undefined;
  if (kind === undefined) {
    const kinds = Object.keys(catalogues.probes);
    if (written !== undefined) report(part, reports, { code: "UNKNOWN_NAME", path: ["probe"], message: `no probe is called "${written}"`, expected: oneOf(kinds), nearest: nearest(written, kinds) });
    fit(part, looseCheckSchema, reports);
    return { part, name, kind, input: undefined, settings: undefined, assertions: [], idle: null };
  }
  const fitted = fit(part, checkSchema(kind), reports);
  relateTimes(part, reports);
  const assertions = readAssertions(part, kind, reports);
  const own = Object.keys(kind.schema.shape);
  const settings = fitted === undefined ? undefined : Object.fromEntries(Object.entries(fitted).filter(([key]) => own.includes(key)));
  return { part, name, kind, input: fitted === undefined ? undefined : piece(looseCheckSchema, part.value), settings, assertions, idle: null };
}

/** A look that outlives its interval would overlap its own successor. */
function relateTimes(part: Part, reports: Reports): void {
  const interval = piece(looseCheckSchema.shape.interval, part.value["interval"]);
  const timeout = piece(looseCheckSchema.shape.timeout, part.value["timeout"]);
  if (interval === undefined || timeout === undefined || timeout < interval) return;
  const named = part.value["timeout"] === undefined ? "interval" : "timeout";
  const shown = { interval: textAt(part, "interval") ?? "10s", timeout: textAt(part, "timeout") ?? "5s" };
  report(part, reports, { code: "RELATION", path: [named], message: `timeout (${shown.timeout}) is not below interval (${shown.interval})`, expected: "timeout below interval: a look never overlaps the next one" });
}

function readAssertions(part: Part, kind: ProbeKind, reports: Reports): readonly Assertion[] {
  const read: Assertion[] = [];
  for (const [name, value] of Object.entries(mapOf(part.value["checks"]))) {
    const path = ["checks", name];
    const known = assertionKind(kind, name);
    if (known === undefined) {
      const words = [...Object.keys(kind.assertions), ...Object.keys(kind.families ?? {}).map((family) => `${family}.NAME`)];
      report(part, reports, { ...unknownKey(path, name, words), code: "UNKNOWN_NAME", message: `the probe "${kind.name}" knows no assertion "${name}"` });
      continue;
    }
    const written = asWritten(value);
    // What is no assertion at all the schema has said already.
    if (written === undefined) continue;
    const assertion = readAssertion(part, name, written, known, reports);
    if (assertion !== null) read.push(assertion);
  }
  return read;
}

/** The kind of an assertion by its name: a plain one, or one of a family ("header.content-type"). */
export function assertionKind(kind: ProbeKind, name: string): AssertionKind | undefined {
  if (Object.hasOwn(kind.assertions, name)) return kind.assertions[name];
  const dot = name.indexOf(".");
  const family = dot > 0 && dot < name.length - 1 ? name.slice(0, dot) : "";
  return kind.families !== undefined && Object.hasOwn(kind.families, family) ? kind.families[family] : undefined;
}

function asWritten(value: unknown): WrittenAssertion | undefined {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  const { warn, fail } = mapOf(value);
  const bound = (one: unknown): string | number | undefined => (typeof one === "string" || typeof one === "number" ? one : undefined);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { warn: bound(warn), fail: bound(fail) } : undefined;
}

function readAssertion(part: Part, name: string, written: WrittenAssertion, kind: AssertionKind, reports: Reports): Assertion | null {
  const parsed = parseAssertion(name, written);
  if (!parsed.ok) {
    const { part: which, offset, expected, found } = parsed.problem;
    const path = which === "value" ? ["checks", name] : ["checks", name, which];
    report(part, reports, { code: "ASSERTION", path, offset, length: found.length, message: found === "" ? "the assertion ends too early" : `${show(found)} is not understood here`, expected: `${expected}; for example "${kind.example}"` });
    return null;
  }
  const { warn, fail } = parsed.value;
  let right = true;
  for (const [which, bound] of [["warn", warn], ["fail", fail]] as const) {
    const problem = bound === null ? null : misfit(bound, kind);
    if (problem === null) continue;
    right = false;
    const path = typeof written === "object" ? ["checks", name, which] : ["checks", name];
    report(part, reports, { code: "ASSERTION", path, offset: 0, length: bound?.written.length ?? 1, message: `${show(bound?.written)} does not fit "${name}"`, ...problem });
  }
  if (!right) return null;
  if (typeof written === "object") return parsed.value;
  const bound = fail ?? warn;
  return kind.severity === "fail" ? { name, warn: null, fail: bound } : { name, warn: bound, fail: null };
}

/** Why a bound is of the wrong kind; null where it fits. */
function misfit(bound: Bound, kind: AssertionKind): { readonly expected: string; readonly nearest: string | undefined } | null {
  const { expectation } = bound;
  const measured = expectation.kind === "compare" || expectation.kind === "number" ? expectation.dimension : expectation.kind;
  const wrong = (expected: string, near?: string) => ({ expected: `${expected}, for example "${kind.example}"`, nearest: near });
  switch (kind.value) {
    case "status":
      return measured === "status" ? null : wrong("a status code");
    case "duration":
      return measured === "ms" ? null : wrong("a bound with a unit of time");
    case "percent":
      return measured === "percent" ? null : wrong("a bound in percent");
    case "number":
      // A bare three-digit number reads as a status; here it is a number.
      return measured === "count" || measured === "bytes" || measured === "status" ? null : wrong("a number");
    case "word": {
      const words = kind.words ?? [];
      const word = bound.written.toLowerCase();
      return words.includes(word) ? null : wrong(oneOf(words), nearest(word, words));
    }
    case "text":
      return null;
  }
}

/** What ties checks to each other, to the targets and to the paths they are published under. */
export function relateChecks(checks: readonly ReadCheck[], targets: readonly string[], known: readonly string[], reports: Reports): void {
  const byName = new Map<string, ReadCheck>();
  const published = new Map<string, string>();
  for (const check of checks) {
    const other = byName.get(check.name);
    if (other !== undefined && check.name !== "") {
      report(check.part, reports, { code: "DUPLICATE_NAME", path: ["name"], message: `the check "${check.name}" stands in ${other.part.source.file} too`, expected: "each name once" });
    } else byName.set(check.name, check);
    const path = publishedPath(check);
    const taken = published.get(path);
    if (taken !== undefined && taken !== check.name) report(check.part, reports, { code: "RELATION", path: ["endpoint"], message: `"${path}" is where the check "${taken}" is published`, expected: "a path of its own" });
    published.set(path, check.name);
    relateNames(check, targets, known, reports);
  }
  reportCycles(byName, reports);
}

/** `endpoint:` is what an http probe asks; for others, the path under which the check is published. */
export function publishedPath(check: Pick<ReadCheck, "name" | "part">): string {
  const asked = textAt(check.part, "probe") === "http" && check.part.value["url"] === undefined;
  const endpoint = asked ? undefined : textAt(check.part, "endpoint");
  return endpoint ?? `/health/${check.name}`;
}

function relateNames(check: ReadCheck, targets: readonly string[], known: readonly string[], reports: Reports): void {
  for (const { index, text } of textsOf(check.part.value["targets"])) {
    if (!targets.includes(text)) report(check.part, reports, { code: "UNKNOWN_NAME", path: ["targets", index], message: `no target is called "${text}"`, expected: oneOf(targets), nearest: nearest(text, targets) });
  }
  for (const { index, text } of textsOf(check.part.value["depends_on"])) {
    if (text === check.name) report(check.part, reports, { code: "CYCLE", path: ["depends_on", index], message: "a check cannot depend on itself", expected: "another check" });
    else if (!known.includes(text)) report(check.part, reports, { code: "UNKNOWN_NAME", path: ["depends_on", index], message: `no check is called "${text}"`, expected: oneOf(known.filter((name) => name !== check.name)), nearest: nearest(text, known) });
  }
}

/** Each ring is reported once: in a file of the project's own where one takes part, else where it closes. */
function reportCycles(byName: ReadonlyMap<string, ReadCheck>, reports: Reports): void {
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): void => {
    if (done.has(name)) return;
    const here = [...trail, name];
    for (const { text } of textsOf(byName.get(name)?.part.value["depends_on"])) {
      const start = here.indexOf(text);
      if (start === -1) visit(text, here);
      else if (text !== name) reportRing(here.slice(start), byName, reports);
    }
    done.add(name);
  };
  for (const name of byName.keys()) visit(name, []);
}

function reportRing(ring: readonly string[], byName: ReadonlyMap<string, ReadCheck>, reports: Reports): void {
  const blamed = Math.max(0, ring.findIndex((name) => byName.get(name)?.part.shipped === false));
  const turned = [...ring.slice(blamed), ...ring.slice(0, blamed)];
  const [first = "", second = first] = turned;
  const check = byName.get(first);
  if (check === undefined) return;
  const index = textsOf(check.part.value["depends_on"]).find((entry) => entry.text === second)?.index ?? 0;
  report(check.part, reports, { code: "CYCLE", path: ["depends_on", index], message: `checks depend on each other in a ring: ${[...turned, first].join(" → ")}`, expected: "dependencies without a ring" });
}
