/**
 * Looks at pods by what their sidecars say of them.
 *
 * A sidecar stands beside the application and has judged it already; asked from here each check would be asked
 * twice. So a check of pods that have sidecars is read there, under its own name: what the sidecar calls unhealthy is
 * a failed look here. That the sidecar answers at all is a check of its own, `sidecar`: where it does not, the others
 * know nothing, and unknown is not down.
 */
import * as z from "zod";
import type { FailCause, Observation, UnknownCause } from "../core/observation.ts";
import { isFresh } from "../core/reach.ts";
import type { ReportedLook, SidecarReport } from "../core/sidecar-report.ts";
import type { Ms } from "../core/time.ts";
import type { Look, PreparedProbe } from "../ports/probe.ts";
import type { SidecarAnswer, Sidecars } from "../ports/sidecars.ts";
import { judge } from "../core/assertion.ts";
import type { Probe, ProbeOrder, ProbePorts } from "./kind.ts";
import { connectionFor, demand, guarded, judgeLatency, report, reportTrouble, unknown } from "./report.ts";

/** A look that passed may be told by an answer of this age, so that the checks of one pod need one request; others want a newer one. */
const SHARED_MS: Ms = 4_000;
const ANEW_MS: Ms = 900;

export const sidecarProbe: Probe = {
  name: "sidecar",
  summary: "Asks the sidecar of each pod how its pod is.",
  schema: z.object({}),
  assertions: {
    sidecar: { value: "word", words: ["reachable"], severity: "fail", example: "reachable" },
    response_time: { value: "duration", severity: "warn", example: "< 500ms" },
  },
  scope: "target",
  targetKinds: [],
  remote: true,
  inactiveWhen: ({ targets }) => (targets.some(({ pods }) => pods !== null && pods.sidecarPort !== null) ? null : "no target is pods with a sidecar"),
  prepare: (order, ports) => ({ run: (look) => guarded(ports.clock.now, () => lookAtSidecar(order, ports, look)), close: async () => {} }) satisfies PreparedProbe,
};

async function lookAtSidecar({ assertions }: ProbeOrder, { sidecars, clock, load }: ProbePorts, look: Look): Promise<Observation> {
  const busyBefore = load.busyMs();
  const answer = await sidecars?.read(look.target.id, { maxAgeMs: ANEW_MS, deadlineMs: look.deadlineMs, fresh: connectionFor(look) === "new" });
  if (answer == null) return unknown(clock.now(), 0, "configuration", `${look.target.id} has no sidecar`);
  const { at, tookMs } = answer;
  if (answer.kind === "failed") {
    const word = sidecars?.word(look.target.id) ?? null;
    // A pod that a sibling reaches is there: it is our own way to it that is broken.
    if (word?.reachedBy != null && isFresh(word, at)) return unknown(at, tookMs, "no_data", `no answer here (${answer.cause}), but its sibling ${word.reachedBy} reaches it`);
    return reportTrouble(answer, look, at, [demand("sidecar", false, answer.cause, "reachable")]);
  }
  // It answers; that it does not tell us is our trouble, not the pod's.
  if (answer.kind === "refused") return unknown(at, tookMs, "configuration", answer.why);
  const findings = assertions.map((assertion) => (assertion.name === "response_time" ? judgeLatency(assertion, tookMs, load.busyMs() - busyBefore) : judge(assertion, { kind: "text", text: "reachable" })));
  return report({ at, tookMs, findings, facts: factsOf(answer.report, tookMs) });
}

/** `ready` 1 or 0; `copies` that could be served in an outage. */
function factsOf({ ready, copies }: SidecarReport, tookMs: Ms): Readonly<Record<string, number>> {
  return { response_time: Math.round(tookMs * 100) / 100, ready: ready ? 1 : 0, copies };
}

/**
 * A check as the sidecars of pods see it; everything but such pods is looked at by `own`.
 *
 * @param check by its name, which it has there too.
 */
export function throughSidecars(check: string, own: PreparedProbe, sidecars: Sidecars): PreparedProbe {
  const last = new Map<string, Observation["kind"]>();
  return {
    run: async (look) => {
      if (look.target.kind !== "pod") return own.run(look);
      const maxAgeMs = last.get(look.target.id) === "pass" ? SHARED_MS : ANEW_MS;
      const answer = await sidecars.read(look.target.id, { maxAgeMs, deadlineMs: look.deadlineMs, fresh: false });
      if (answer === null) return own.run(look);
      const seen = seenThrough(check, answer);
      last.delete(look.target.id);
      last.set(look.target.id, seen.kind);
      // Of pods that are no more nobody asks again.
      if (last.size > MAX_REMEMBERED) last.delete(last.keys().next().value ?? "");
      return seen;
    },
    close: () => own.close(),
  };
}

const MAX_REMEMBERED = 5_000;

/** As old as the answer is: it may be from before an action of ours. */
function seenThrough(check: string, answer: SidecarAnswer): Observation {
  const { at, tookMs } = answer;
  if (answer.kind === "failed") return unknown(at, tookMs, answer.noNetwork ? "no_network" : "no_data", `its sidecar does not answer: ${answer.detail}`);
  if (answer.kind === "refused") return unknown(at, tookMs, "configuration", `its sidecar tells nothing: ${answer.why}`);
  const looks = answer.report.looks.filter((look) => look.check === check);
  const worst = looks.toSorted((a, b) => badness(b) - badness(a))[0];
  if (worst === undefined) return unknown(at, tookMs, "configuration", `its sidecar has no check ${check}`);
  return observationOf(worst, at, tookMs);
}

function observationOf({ verdict, inactive, seen, cause, detail, facts, run }: ReportedLook, at: number, tookMs: Ms): Observation {
  if (inactive !== null) return unknown(at, tookMs, "configuration", `inactive in its sidecar: ${inactive}`);
  // What it judged before it could not see any more is no news.
  if (seen === "unknown") return unknown(at, tookMs, blindCauseOf(cause), `its sidecar cannot see: ${detail}`);
  const common = { at, tookMs, findings: [], facts };
  // It is on its way back: no further failure.
  if (seen === "pass") return { kind: "pass", ...common };
  const said = { cause: causeOf(cause), detail: detail === "" ? `its sidecar says ${verdict}${run === null ? "" : `, ${run.level} ${run.count} times`}` : detail };
  switch (verdict) {
    case "healthy":
      return { kind: "pass", ...common };
    case "degraded":
      return { kind: "warn", ...common, ...said };
    case "unhealthy":
      return { kind: "fail", ...common, ...said };
    case "unknown":
      return unknown(at, tookMs, "no_data", detail === "" ? "its sidecar does not know yet" : `its sidecar does not know: ${detail}`);
  }
}

function badness({ verdict, inactive }: ReportedLook): number {
  if (inactive !== null) return 0;
  return { healthy: 1, unknown: 2, degraded: 3, unhealthy: 4 }[verdict];
}

const BLIND: readonly UnknownCause[] = ["no_network", "resolver", "clock_jump", "throttled", "configuration", "no_data", "internal"];

function blindCauseOf(reported: string | null): UnknownCause {
  return BLIND.find((one) => one === reported) ?? "no_data";
}

const CAUSES: readonly FailCause[] = ["refused", "reset", "timeout", "resolve", "tls", "truncated", "status", "body", "throttled", "exited", "assertion"];

function causeOf(reported: string | null): FailCause {
  return CAUSES.find((one) => one === reported) ?? "assertion";
}
