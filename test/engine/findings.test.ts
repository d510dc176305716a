import { expect, test } from "vitest";
import { Findings } from "../../src/engine/findings.ts";
import type { Prepared } from "../../src/ports/remedy.ts";

const FOUND: Prepared = { precondition: { kind: "none" }, destructive: true, gone: false };
const NOW = 1_000_000;

test("what was found is kept for a minute, for that policy and target", () => {
  const findings = new Findings();
  findings.keep("pod_restart", "pod/a", FOUND, NOW);
  expect(findings.of("pod_restart", "pod/a", NOW + 59_999)).toBe(FOUND);
  expect(findings.of("pod_restart", "pod/a", NOW + 60_000)).toBeNull();
  expect(findings.of("pod_restart", "pod/b", NOW)).toBeNull();
  expect(findings.of("other", "pod/a", NOW)).toBeNull();
});

test("what is to be waited for is looked at again when the wait is over", () => {
  const findings = new Findings();
  findings.keep("pod_restart", "pod/a", { ...FOUND, wait: { guard: "disruption", reason: "a budget forbids it", until: NOW + 10_000 } }, NOW);
  expect(findings.of("pod_restart", "pod/a", NOW + 9_999)?.wait?.guard).toBe("disruption");
  expect(findings.of("pod_restart", "pod/a", NOW + 10_000)).toBeNull();
});

test("of more than five thousand the oldest are forgotten", () => {
  const findings = new Findings();
  for (let n = 0; n <= 5_000; n++) findings.keep("pod_restart", `pod/${n}`, FOUND, NOW);
  expect(findings.of("pod_restart", "pod/0", NOW)).toBeNull();
  expect(findings.of("pod_restart", "pod/1", NOW)).toBe(FOUND);
});
