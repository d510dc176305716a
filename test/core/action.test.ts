import { describe, expect, test } from "vitest";
import { ACTION_NAMES, isAction, isDestructiveAction, resolveAction } from "../../src/core/action.ts";

describe("an action is carried out by what the target is", () => {
  test.each([
    ["restart_pod", "process", "restart_process"],
    ["restart_pod", "systemd", "restart_process"],
    ["restart_pod", "pod", null],
    ["restart_process", "origin", null],
    ["restart_pod", null, null],
    ["run_command", null, "run_command"],
    ["alert", "pod", "alert"],
    ["hold_breaker", null, "hold_breaker"],
    ["scale_up", "pod", null],
    ["failover_dns", null, null],
  ] as const)("%s on %s: %s", (action, kind, remedy) => {
    const resolution = resolveAction(action, kind);
    expect(resolution.kind === "remedy" ? resolution.remedy : null).toBe(remedy);
    if (resolution.kind === "unavailable") expect(resolution.reason).not.toBe("");
  });
});

test("alerts and breaker holds take nothing away", () => {
  expect(ACTION_NAMES.filter((name) => !isDestructiveAction(name))).toEqual(["alert", "hold_breaker"]);
  expect(isAction("restart_pod")).toBe(true);
  expect(isAction("restart_pods")).toBe(false);
});
