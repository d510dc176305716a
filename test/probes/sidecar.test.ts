import { describe, expect, test } from "vitest";
import type { Observation } from "../../src/core/observation.ts";
import type { ReportedLook, SidecarReport } from "../../src/core/sidecar-report.ts";
import type { SiblingWord } from "../../src/core/reach.ts";
import type { SidecarAnswer, Sidecars } from "../../src/ports/sidecars.ts";
import { sidecarProbe, throughSidecars } from "../../src/probes/sidecar.ts";
import { aLook, prepare } from "./look.ts";

const POD = { id: "pod/a", kind: "pod", workload: "web" } as const;

function look(over: Partial<ReportedLook> = {}): ReportedLook {
  return { check: "application", target: "app", verdict: "healthy", inactive: null, run: { level: "pass", count: 3, since: 1 }, seen: "pass", cause: null, detail: "", at: 5, facts: {}, ...over };
}

function reporting(looks: readonly ReportedLook[], more: Partial<SidecarReport> = {}): SidecarAnswer {
  return { kind: "report", at: 10, tookMs: 4, report: { status: "healthy", ready: true, copies: 2, lastGoodMsAgo: null, version: "1", looks, breakers: [], ...more } };
}

type Asked = { readonly maxAgeMs: number; readonly fresh: boolean };

function sidecars(answer: SidecarAnswer | null, asked: Asked[] = [], word: SiblingWord | null = null): Sidecars {
  return {
    read: (_target, how) => {
      asked.push(how);
      return answer === null ? null : Promise.resolve(answer);
    },
    last: () => null,
    word: () => word,
  };
}

const OWN: Observation = { kind: "pass", at: 1, tookMs: 1, findings: [], facts: { own: 1 } };
const own = { run: async () => OWN, close: async () => undefined };

const seenBy = (answer: SidecarAnswer | null, target: Parameters<typeof aLook>[0] = { target: POD }): Promise<Observation> => throughSidecars("application", own, sidecars(answer)).run(aLook(target));

describe("a check read from the sidecar of a pod", () => {
  test.each<[string, ReportedLook, object]>([
    ["healthy passes, with what was measured", look({ facts: { cpu_usage: 71 } }), { kind: "pass", at: 10, tookMs: 4, facts: { cpu_usage: 71 } }],
    ["degraded warns", look({ verdict: "degraded", seen: "warn", cause: "assertion", detail: "612ms" }), { kind: "warn", cause: "assertion", detail: "612ms" }],
    ["unhealthy fails, for the reason told", look({ verdict: "unhealthy", seen: "fail", cause: "refused", detail: "connect ECONNREFUSED" }), { kind: "fail", cause: "refused", detail: "connect ECONNREFUSED" }],
    ["a failing look that has not turned its verdict is not believed before the sidecar believes it", look({ seen: "fail", cause: "timeout", detail: "late" }), { kind: "pass" }],
    ["unhealthy without a word of why", look({ verdict: "unhealthy", seen: "fail", run: { level: "fail", count: 7, since: 1 }, detail: "" }), { kind: "fail", detail: "its sidecar says unhealthy, fail 7 times" }],
    ["a cause nobody knows", look({ verdict: "unhealthy", seen: "fail", cause: "gremlins", detail: "x" }), { kind: "fail", cause: "assertion" }],
    ["unknown there is unknown here", look({ verdict: "unknown", seen: null, detail: "no network" }), { kind: "unknown", cause: "no_data", detail: "its sidecar does not know: no network" }],
    ["what it judged before it could not see is no news", look({ verdict: "unhealthy", seen: "unknown", cause: "no_network", detail: "no route" }), { kind: "unknown", cause: "no_network", detail: "its sidecar cannot see: no route" }],
    ["one on its way back fails no more", look({ verdict: "unhealthy", seen: "pass" }), { kind: "pass" }],
    ["inactive there is unknown here", look({ inactive: "no gateway" }), { kind: "unknown", cause: "configuration", detail: "inactive in its sidecar: no gateway" }],
  ])("%s", async (_what, reported, expected) => {
    expect(await seenBy(reporting([look({ check: "page" }), reported]))).toMatchObject(expected);
  });

  test("of several targets there the worst counts", async () => {
    expect(await seenBy(reporting([look(), look({ target: "b", verdict: "unhealthy", seen: "fail", detail: "dead" }), look({ target: "c", verdict: "degraded" })]))).toMatchObject({ kind: "fail", detail: "dead" });
  });

  test("a check it does not have, a silent one, one that tells nothing: unknown is not down", async () => {
    expect(await seenBy(reporting([look({ check: "page" })]))).toMatchObject({ kind: "unknown", cause: "configuration", detail: "its sidecar has no check application" });
    expect(await seenBy({ kind: "failed", at: 1, tookMs: 2, cause: "timeout", noNetwork: false, detail: "late" })).toMatchObject({ kind: "unknown", cause: "no_data" });
    expect(await seenBy({ kind: "failed", at: 1, tookMs: 2, cause: "timeout", noNetwork: true, detail: "no route" })).toMatchObject({ kind: "unknown", cause: "no_network" });
    expect(await seenBy({ kind: "refused", at: 1, tookMs: 2, why: "no details" })).toMatchObject({ kind: "unknown", cause: "configuration" });
  });

  test("what is no pod, or has no sidecar, is looked at as ever", async () => {
    expect(await seenBy(reporting([]), {})).toBe(OWN);
    expect(await seenBy(null)).toBe(OWN);
  });

  test("an answer may be shared while all is well, and is wanted anew once it is not", async () => {
    const asked: Asked[] = [];
    const answers = [reporting([look()]), reporting([look({ verdict: "unhealthy", seen: "fail", detail: "x" })]), reporting([look()])];
    const probe = throughSidecars("application", own, { read: (_target, how) => (asked.push(how), Promise.resolve(answers[asked.length - 1] ?? reporting([]))), last: () => null, word: () => null });
    for (let n = 0; n < 3; n += 1) await probe.run(aLook({ target: POD }));
    expect(asked.map(({ maxAgeMs }) => maxAgeMs)).toEqual([900, 4_000, 900]);
  });
});

describe("the check of the sidecar itself", () => {
  const run = (answer: SidecarAnswer | null, asked: Asked[] = [], ordinal = 0): Promise<Observation> =>
    prepare(sidecarProbe, { checks: { sidecar: "reachable" } }, { sidecars: sidecars(answer, asked) }).run(aLook({ target: POD, ordinal }));

  test("passes when it answers, and tells whether the pod is ready and what it holds", async () => {
    expect(await run(reporting([look({ verdict: "unhealthy" })], { ready: false }))).toMatchObject({ kind: "pass", facts: { ready: 0, copies: 2 } });
  });

  test("fails when it does not", async () => {
    expect(await run({ kind: "failed", at: 1, tookMs: 2_000, cause: "timeout", noNetwork: false, detail: "no answer in 2s" })).toMatchObject({ kind: "fail", cause: "timeout" });
  });

  test("knows nothing where a sibling has just reached it, and fails where none does, or long ago", async () => {
    const silent: SidecarAnswer = { kind: "failed", at: 60_000, tookMs: 900, cause: "timeout", noNetwork: false, detail: "no answer" };
    const told = (word: SiblingWord): Promise<Observation> => prepare(sidecarProbe, { checks: { sidecar: "reachable" } }, { sidecars: sidecars(silent, [], word) }).run(aLook({ target: POD }));
    expect(await told({ at: 58_000, reachedBy: "pod/web-2", told: 3 })).toMatchObject({ kind: "unknown", cause: "no_data", detail: "no answer here (timeout), but its sibling pod/web-2 reaches it" });
    expect(await told({ at: 58_000, reachedBy: null, told: 3 })).toMatchObject({ kind: "fail", cause: "timeout" });
    expect(await told({ at: 54_000, reachedBy: "pod/web-2", told: 1 })).toMatchObject({ kind: "fail", cause: "timeout" });
  });

  test("knows nothing where our own network is gone, where it is told nothing, where there is none", async () => {
    expect(await run({ kind: "failed", at: 1, tookMs: 1, cause: "timeout", noNetwork: true, detail: "no route" })).toMatchObject({ kind: "unknown", cause: "no_network" });
    expect(await run({ kind: "refused", at: 1, tookMs: 1, why: "another peer token" })).toMatchObject({ kind: "unknown", cause: "configuration", detail: "another peer token" });
    expect(await run(null)).toMatchObject({ kind: "unknown", cause: "configuration" });
  });

  test("every tenth look uses a new connection", async () => {
    const asked: Asked[] = [];
    await run(reporting([]), asked, 8);
    await run(reporting([]), asked, 9);
    expect(asked.map(({ fresh }) => fresh)).toEqual([false, true]);
  });
});
