import { describe, expect, test } from "vitest";
import type { Alert } from "../../src/core/alert.ts";
import { judgeExpectations } from "../../src/simulation/expectations.ts";
import type { RunRecord } from "../../src/simulation/transcript.ts";

function alerts(times: number): RunRecord {
  const alert: Alert = { key: "k", state: "firing", severity: "page", site: "s", target: "app", reason: "no_network", summary: "", startedAt: 0, at: 0, runbook: "", details: {} };
  return { decisions: [], statuses: [], verdicts: [], alerts: Array.from({ length: times }, (_, at) => ({ at, route: "on_call", alert })) };
}

describe("how often something is expected", () => {
  test.each([
    [{}, [false, true, true, true]],
    [{ at_most: 2 }, [true, true, true, false]],
    [{ at_least: 1, at_most: 1 }, [false, true, false, false]],
    [{ at_least: 2 }, [false, false, true, true]],
    [{ at_least: 0 }, [true, true, true, true]],
  ])("%j is met by none, one, two, three: %j", (count, met) => {
    expect([0, 1, 2, 3].map((times) => judgeExpectations([{ alert: "no_network", ...count }], alerts(times), 1_000)[0]?.met)).toEqual(met);
  });
});
