/**
 * From what a look met to what it says: the words all kinds of look share.
 */
import { conclude, judge } from "../core/assertion.ts";
import type { Assertion, Measured } from "../core/assertion.ts";
import type { FailCause, Finding, Observation, UnknownCause } from "../core/observation.ts";
import type { Instant, Ms } from "../core/time.ts";
import type { HttpFailure } from "../ports/http.ts";
import type { Look } from "../ports/probe.ts";

/** What was measured, by the name of the assertion it answers. */
export type Measurements = Readonly<Record<string, Measured>>;

/** A look that got somewhere. */
export type Seen = {
  readonly at: Instant;
  readonly tookMs: Ms;
  readonly findings: readonly Finding[];
  readonly facts: Readonly<Record<string, number>>;
};

/** Every 10th look uses a new connection: keep-alive hides full listen queues and DNS faults. */
export function connectionFor({ ordinal }: Look): "reuse" | "new" {
  return ordinal % 10 === 9 ? "new" : "reuse";
}

/** How our looks introduce themselves; the word "bot" makes servers render whole, stable pages. */
export const USER_AGENT = "Shopkeeper-Probe/1.0 (bot; health check)";

/** Holds measurements against a check's assertions. What was not measured is `unknown`, never made up. */
export function judgeAll(assertions: readonly Assertion[], measured: Measurements): readonly Finding[] {
  return assertions.map((assertion) => judge(assertion, measured[assertion.name] ?? { kind: "missing", why: "not reported" }));
}

/** A finding of our own, for what a kind demands without being asked. */
export function demand(assertion: string, met: boolean, observed: string, expected: string, level: "fail" | "warn" = "fail"): Finding {
  return { assertion, level: met ? "pass" : level, observed, expected };
}

/**
 * Concludes a look that got an answer.
 *
 * @param causes the causes of broken assertions that are neither a status nor a bound.
 */
export function report(seen: Seen, causes: Readonly<Record<string, FailCause>> = {}): Observation {
  const result = conclude(seen);
  if (result.kind !== "fail" && result.kind !== "warn") return result;
  const worst = seen.findings.find((finding) => finding.level === result.kind);
  return { ...result, cause: causes[worst?.assertion ?? ""] ?? result.cause };
}

export function unknown(at: Instant, tookMs: Ms, cause: UnknownCause, detail: string, findings?: readonly Finding[]): Observation {
  return { kind: "unknown", at, tookMs, cause, detail, ...(findings === undefined ? {} : { findings }) };
}

/** A failure of any of the network ports. */
export type NetworkTrouble = Pick<HttpFailure, "noNetwork" | "detail" | "tookMs"> & { readonly cause: FailCause };

/** Why a look that failed on the network is no evidence; null where it is. */
export function blindness(trouble: NetworkTrouble, look: Look): UnknownCause | null {
  if (look.signal.aborted) return "internal";
  if (!trouble.noNetwork) return null;
  return trouble.cause === "resolve" ? "resolver" : "no_network";
}

/** What a look says that failed on the network. */
export function reportTrouble(trouble: NetworkTrouble, look: Look, at: Instant, findings: readonly Finding[] = []): Observation {
  const blind = blindness(trouble, look);
  if (blind !== null) return unknown(at, trouble.tookMs, blind, trouble.detail);
  return { kind: "fail", at, tookMs: trouble.tookMs, cause: trouble.cause, detail: trouble.detail, findings, facts: {} };
}

/** Our own delay, in milliseconds, from which a slow answer is not blamed on the target. */
const OWN_LAG_MS: Ms = 100;

/**
 * A latency as a measurement.
 *
 * Time our own loop was busy is not the target's: where it exceeds 100 ms, the latency is
 * only known to lie between `tookMs - busyMs` and `tookMs`, and is kept only if both say the same.
 */
export function judgeLatency(assertion: Assertion, tookMs: Ms, busyMs: Ms): Finding {
  const full = judge(assertion, { kind: "number", value: tookMs, dimension: "ms" });
  if (busyMs <= OWN_LAG_MS || full.level === "pass") return full;
  const least = judge(assertion, { kind: "number", value: Math.max(0, tookMs - busyMs), dimension: "ms" });
  if (least.level === full.level) return full;
  return { ...full, level: "unknown", observed: `${full.observed}, of which we were busy ${Math.round(busyMs)}ms` };
}

/** Runs a look so that nothing it throws escapes: what breaks inside is `unknown`. */
export async function guarded(now: () => Instant, run: () => Promise<Observation>): Promise<Observation> {
  const startedAt = now();
  try {
    return await run();
  } catch (error) {
    const at = now();
    return unknown(at, at - startedAt, "internal", error instanceof Error ? error.message : String(error));
  }
}
