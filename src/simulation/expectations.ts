/**
 * Holds a run against what its scenario expects of it.
 */
import type { Ms } from "../core/time.ts";
import { formatOffset } from "./transcript.ts";
import type { RunRecord, SeenDecision } from "./transcript.ts";
import type { Expectation } from "./scenario.ts";

export type Judged = {
  /** The expectation in words. */
  readonly text: string;
  readonly met: boolean;
  /** What was seen instead, or when it was seen. */
  readonly seen: string;
};

/** @param length of the run: what is expected later than its end is never met. */
export function judgeExpectations(expected: readonly Expectation[], run: RunRecord, length: Ms): readonly Judged[] {
  return expected.map((one) => judge(one, run, length));
}

function judge(expected: Expectation, run: RunRecord, length: Ms): Judged {
  if ("decision" in expected) {
    const found = matching(expected.decision, expected, run);
    return counted(`${expected.decision}${inWords(expected)}`, expected, found.map((one) => one.at), found.filter((one) => !one.repeated).length);
  }
  if ("never" in expected) {
    const found = matching(expected.never, expected, run)[0];
    return { text: `never ${expected.never}${inWords(expected)}`, met: found === undefined, seen: found === undefined ? "never" : `at ${formatOffset(found.at)}` };
  }
  if ("alert" in expected) {
    const found = run.alerts.filter(({ at, alert }) => alert.reason === expected.alert && alert.state === "firing" && within(at, expected));
    return counted(`alert ${expected.alert}${span(expected)}`, expected, found.map((one) => one.at), found.length);
  }
  if ("check" in expected) {
    const of = run.verdicts.filter((one) => one.check === expected.check && (expected.target === undefined || one.target === expected.target) && one.at <= expected.at);
    const verdict = of.at(-1)?.verdict ?? "unknown";
    const where = expected.target === undefined ? "" : ` of ${expected.target}`;
    return { text: `${expected.check}${where} ${expected.verdict} at ${formatOffset(expected.at)}`, met: verdict === expected.verdict && expected.at <= length, seen: verdict };
  }
  const status = run.statuses.findLast((one) => one.at <= expected.at)?.status ?? "unknown";
  return { text: `${expected.status} at ${formatOffset(expected.at)}`, met: status === expected.status && expected.at <= length, seen: status };
}

type Span = { readonly by?: Ms | undefined; readonly after?: Ms | undefined };
type About = Span & { readonly policy?: string | undefined; readonly target?: string | undefined; readonly guard?: string | undefined };
type Count = { readonly at_least?: number | undefined; readonly at_most?: number | undefined };

function matching(kind: "act" | "hold" | "escalate", about: About, run: RunRecord): readonly SeenDecision[] {
  return run.decisions.filter(({ at, decision }) => {
    const { policy, target } = decision.proposal;
    const guard = decision.kind === "act" ? undefined : decision.guard;
    return decision.kind === kind && same(about.policy, policy) && same(about.target, target) && same(about.guard, guard) && within(at, about);
  });
}

/** What is expected without a number must be there; a bound from above alone is met by nothing, too. */
function counted(text: string, { at_least, at_most }: Count, at: readonly Ms[], count: number): Judged {
  const least = at_least ?? (at_most === undefined ? 1 : 0);
  // A decision that goes on from before the span is in it, though it was not made in it.
  const enough = least <= 1 ? at.length >= least : count >= least;
  const first = at[0];
  const bounds = least === 1 && at_most === 1 ? ", exactly once" : `${least === 0 && at_most !== undefined ? "" : least === 1 ? (at_most === undefined ? "" : ", at least once") : `, at least ${least} times`}${at_most === undefined ? "" : `, at most ${at_most} times`}`;
  return { text: `${text}${bounds}`, met: enough && count <= (at_most ?? Infinity), seen: first === undefined ? "never" : `${count} times, first at ${formatOffset(first)}` };
}

function same(wanted: string | undefined, found: string | undefined): boolean {
  return wanted === undefined || wanted === found;
}

function within(at: Ms, { by, after }: Span): boolean {
  return at <= (by ?? Infinity) && at >= (after ?? 0);
}

function inWords(about: About): string {
  const parts = [about.policy, about.target, about.guard === undefined ? undefined : `by ${about.guard}`].filter((part) => part !== undefined);
  return `${parts.length === 0 ? "" : ` ${parts.join(" ")}`}${span(about)}`;
}

function span({ by, after }: Span): string {
  return `${after === undefined ? "" : ` from ${formatOffset(after)}`}${by === undefined ? "" : ` by ${formatOffset(by)}`}`;
}
