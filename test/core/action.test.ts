import { describe, expect, test } from "vitest";
import { ACTION_NAMES, isAction, isDestructiveAction, isWholeAction, remediesOf, resolveAction } from "../../src/core/action.ts";

describe("an action is carried out by what the target is", () => {
  test.each([
    ["restart_pod", "process", "restart_process"],
    ["restart_pod", "systemd", "restart_process"],
    ["restart_pod", "pod", "restart_pod"],
    ["restart_process", "pod", "restart_pod"],
    ["restart_pod", "workload", null],
    ["quarantine_pod", "pod", "quarantine_pod"],
    ["quarantine_pod", "process", null],
    ["quarantine_pod", "workload", null],
    ["quarantine_pod", null, null],
    ["rollout_restart", "pod", "rollout_restart"],
    ["rollout_restart", "workload", "rollout_restart"],
    ["rollout_restart", "systemd", null],
    ["rollout_restart", null, null],
    ["restart_process", "origin", null],
    ["restart_pod", null, null],
    ["run_command", null, "run_command"],
    ["alert", "pod", "alert"],
    ["hold_breaker", null, "hold_breaker"],
    ["scale_up", "pod", "scale_up"],
    ["scale_up", "workload", "scale_up"],
    ["scale_up", null, "scale_up"],
    ["scale_up", "process", null],
    ["pre_scale", null, "pre_scale"],
    ["pre_scale", "origin", null],
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

test("what is done to a workload as a whole is asked for once", () => {
  expect(ACTION_NAMES.filter(isWholeAction)).toEqual(["rollout_restart", "scale_up", "pre_scale"]);
});

test("an action has the parameters of every remedy that may carry it out", () => {
  expect(remediesOf("restart_pod")).toEqual(["restart_process", "restart_pod"]);
  expect(remediesOf("alert")).toEqual(["alert"]);
  expect(remediesOf("failover_dns")).toEqual([]);
});
