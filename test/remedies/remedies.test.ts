import { describe, expect, test } from "vitest";
import { Secret } from "../../src/config/secret.ts";
import type { Intent } from "../../src/core/intent.ts";
import type { Precondition } from "../../src/core/proposal.ts";
import type { Target } from "../../src/core/target.ts";
import type { Remedy } from "../../src/ports/remedy.ts";
import { UnitError } from "../../src/ports/units.ts";
import type { Units, UnitState } from "../../src/ports/units.ts";
import { makeRemedies, REMEDIES } from "../../src/remedies/index.ts";
import type { Supervised } from "../../src/remedies/index.ts";
import { APP, createWorld, MARKER, proposalOf } from "../support/acting-world.ts";
import type { World } from "../support/acting-world.ts";

const NEVER = new AbortController().signal;
const CHILD: Supervised = { kind: "child", stopGrace: 5_000, spec: { command: ["stays"], cwd: "/", env: {}, marker: MARKER, logFile: null } };
const UNIT_TARGET: Target = { id: "shop", kind: "systemd", workload: "shop" };

function remedyOf(name: string, world: World, { supervised = CHILD, units }: { readonly supervised?: Supervised | null; readonly units?: Units } = {}): Remedy {
  const none: Units = { state: () => Promise.reject(new UnitError("UNAVAILABLE", "no systemd")), restart: () => Promise.reject(new UnitError("UNAVAILABLE", "no systemd")) };
  const remedies = makeRemedies({
    cluster: null, claims: null,
    site: "shop", folder: "/srv/shop", runbooks: "docs/runbooks", clock: world.clock, processes: world.processes, units: units ?? none,
    outbox: { enqueue: async (route, alert) => void world.delivered.push({ route, alert }) },
    breakers: { hold: async (hold) => void world.holds.push(hold), release: async (breaker, by) => void world.holds.splice(0, world.holds.length, ...world.holds.filter((hold) => hold.breaker !== breaker || hold.by !== by)), views: () => world.holds.map((hold) => ({ name: hold.breaker, effective: hold.position, own: "closed", since: 0, hold })) },
    supervised: () => supervised,
  });
  const found = remedies.get(name);
  if (found === undefined) throw new Error(`no remedy ${name}`);
  return found;
}

function intentOf(precondition: Precondition, params: Readonly<Record<string, unknown>> = {}, id = "intent-7"): Intent {
  return { id, proposal: proposalOf({ precondition, params }), attempt: 1, recordedAt: 1_000_000, verifyWithin: 60_000, who: "shopkeeper", state: { phase: "intended" } };
}

async function begun(world: World, intentId = ""): Promise<Precondition> {
  const ref = await world.processes.start({ command: ["stays"], cwd: "/", env: {}, marker: MARKER, intentId, logFile: null });
  return { kind: "process", ...ref };
}

describe("the catalogue", () => {
  test("holds each remedy under its own name", () => {
    expect(Object.entries(REMEDIES).map(([key, { name }]) => [key, name])).toEqual([
      ["restart_process", "restart_process"], ["restart_pod", "restart_pod"], ["quarantine_pod", "quarantine_pod"], ["rollout_restart", "rollout_restart"],
      ["run_command", "run_command"], ["alert", "alert"], ["hold_breaker", "hold_breaker"], ["scale_up", "scale_up"], ["pre_scale", "pre_scale"],
    ]);
  });
});

describe("restart_process of a supervised child", () => {
  test("a living process is the precondition, and taking it away is destructive", async () => {
    const world = createWorld();
    const precondition = await begun(world);
    expect(await remedyOf("restart_process", world).prepare(APP, {}, NEVER)).toEqual({ precondition, destructive: true, gone: false });
  });

  test("starting one that is gone is not", async () => {
    expect(await remedyOf("restart_process", createWorld()).prepare(APP, {}, NEVER)).toEqual({ precondition: { kind: "no_process" }, destructive: false, gone: true });
  });

  test("the very process goes and a new one comes, which carries the intent", async () => {
    const world = createWorld();
    const precondition = await begun(world);
    expect(await remedyOf("restart_process", world).execute(intentOf(precondition), APP, NEVER)).toMatchObject({ pid: 101, replaced: [100] });
    expect(world.processes.running).toMatchObject([{ ref: { pid: 101 }, intentId: "intent-7" }]);
  });

  test("a process that came meanwhile is left alone", async () => {
    const world = createWorld();
    await begun(world);
    const remedy = remedyOf("restart_process", world);
    await expect(remedy.execute(intentOf({ kind: "no_process" }), APP, NEVER)).rejects.toMatchObject({ code: "REFUSED" });
    await expect(remedy.execute(intentOf({ kind: "process", pid: 99, startTime: "fake/99" }), APP, NEVER)).rejects.toMatchObject({ code: "REFUSED" });
    expect(world.processes.running).toHaveLength(1);
  });

  test("a doubled child is reduced to one", async () => {
    const world = createWorld();
    const precondition = await begun(world);
    await begun(world);
    await remedyOf("restart_process", world).execute(intentOf(precondition), APP, NEVER);
    expect(world.processes.running).toMatchObject([{ ref: { pid: 102 } }]);
  });

  test("a program that is missing is refused, and said that the old one is stopped", async () => {
    const world = createWorld();
    const precondition = await begun(world);
    const supervised: Supervised = { ...CHILD, spec: { ...CHILD.spec, command: ["missing"] } };
    await expect(remedyOf("restart_process", world, { supervised }).execute(intentOf(precondition), APP, NEVER)).rejects.toMatchObject({ code: "REFUSED", message: expect.stringMatching(/^stopped, but it cannot be started: .*ENOENT/) });
  });

  test("out of time after the stop, it does not start", async () => {
    const world = createWorld();
    const precondition = await begun(world);
    const controller = new AbortController();
    const stop = world.processes.stop.bind(world.processes);
    world.processes.stop = async (ref) => {
      const result = await stop(ref);
      controller.abort();
      return result;
    };
    await expect(remedyOf("restart_process", world).execute(intentOf(precondition), APP, controller.signal)).rejects.toMatchObject({ code: "UNCERTAIN" });
    expect(world.processes.running).toEqual([]);
  });

  test("landed is what carries the intent's id, whatever else runs", async () => {
    const world = createWorld();
    const remedy = remedyOf("restart_process", world);
    await begun(world, "another");
    expect(await remedy.readBack(intentOf({ kind: "no_process" }), APP, NEVER)).toEqual({ kind: "not_landed" });
    await begun(world, "intent-7");
    expect(await remedy.readBack(intentOf({ kind: "no_process" }), APP, NEVER)).toMatchObject({ kind: "landed", effect: { pid: 101 } });
  });

  test("asks for the graceful stop's time, and refuses a target nobody keeps", async () => {
    const world = createWorld();
    expect(remedyOf("restart_process", world).extraMs?.(APP, {})).toBe(5_000);
    await expect(remedyOf("restart_process", world, { supervised: null }).prepare(APP, {}, NEVER)).rejects.toMatchObject({ code: "REFUSED" });
  });
});

describe("restart_process of a systemd unit", () => {
  const supervised: Supervised = { kind: "unit", unit: "shop.service", stopGrace: 5_000 };
  const state = (over: Partial<UnitState>): UnitState => ({ active: "active", sub: "running", mainPid: 500, invocationId: "aaa", ...over });

  type FakeUnit = { readonly units: Units; restarts: number; now: UnitState };

  function unitWith(first: UnitState): FakeUnit {
    const unit: FakeUnit = {
      restarts: 0,
      now: first,
      units: {
        state: async () => unit.now,
        restart: async () => {
          unit.restarts += 1;
          unit.now = state({ mainPid: 600, invocationId: "bbb" });
        },
      },
    };
    return unit;
  }

  test("the invocation is the precondition; afterwards it is another", async () => {
    const unit = unitWith(state({}));
    const remedy = remedyOf("restart_process", createWorld(), { supervised, units: unit.units });
    const { precondition } = await remedy.prepare(UNIT_TARGET, {}, NEVER);
    expect(precondition).toEqual({ kind: "process", pid: 500, startTime: "aaa" });
    expect(await remedy.readBack(intentOf(precondition), UNIT_TARGET, NEVER)).toEqual({ kind: "not_landed" });
    expect(await remedy.execute(intentOf(precondition), UNIT_TARGET, NEVER)).toEqual({ unit: "shop.service", pid: 600, invocationId: "bbb" });
    expect(await remedy.readBack(intentOf(precondition), UNIT_TARGET, NEVER)).toMatchObject({ kind: "landed" });
    await expect(remedy.execute(intentOf(precondition), UNIT_TARGET, NEVER)).rejects.toMatchObject({ code: "REFUSED" });
    expect(unit.restarts).toBe(1);
  });

  test("a failed unit is gone and is started", async () => {
    const unit = unitWith(state({ active: "failed", sub: "failed", mainPid: 0 }));
    const remedy = remedyOf("restart_process", createWorld(), { supervised, units: unit.units });
    const prepared = await remedy.prepare(UNIT_TARGET, {}, NEVER);
    expect(prepared).toMatchObject({ gone: true, destructive: false });
    expect(await remedy.readBack(intentOf(prepared.precondition), UNIT_TARGET, NEVER)).toEqual({ kind: "not_landed" });
    await remedy.execute(intentOf(prepared.precondition), UNIT_TARGET, NEVER);
    expect(unit.restarts).toBe(1);
  });

  test.each(["deactivating", "activating"] as const)("while systemd is %s it, nobody can tell whether our restart is what it works on", async (active) => {
    const unit = unitWith(state({ active }));
    const remedy = remedyOf("restart_process", createWorld(), { supervised, units: unit.units });
    expect(await remedy.readBack(intentOf({ kind: "process", pid: 500, startTime: "aaa" }), UNIT_TARGET, NEVER)).toMatchObject({ kind: "unreadable", reason: expect.stringContaining(active) });
    unit.now = state({ active, mainPid: 0 });
    expect(await remedy.readBack(intentOf({ kind: "no_process" }), UNIT_TARGET, NEVER)).toMatchObject({ kind: "unreadable" });
    unit.now = state({ active, mainPid: 600, invocationId: "bbb" });
    expect(await remedy.readBack(intentOf({ kind: "process", pid: 500, startTime: "aaa" }), UNIT_TARGET, NEVER)).toMatchObject({ kind: "landed" });
  });

  test.each([["NOT_FOUND", "REFUSED"], ["DENIED", "REFUSED"], ["UNAVAILABLE", "UNCERTAIN"]] as const)("%s of systemd is %s", async (code, action) => {
    const units: Units = { state: async () => state({}), restart: () => Promise.reject(new UnitError(code, "systemd says no")) };
    const remedy = remedyOf("restart_process", createWorld(), { supervised, units });
    await expect(remedy.execute(intentOf({ kind: "process", pid: 500, startTime: "aaa" }), UNIT_TARGET, NEVER)).rejects.toMatchObject({ code: action });
  });
});

describe("run_command", () => {
  const schema = REMEDIES["run_command"]?.schema;
  const params = (over: object): Readonly<Record<string, unknown>> => schema?.parse({ command: ["says", "done"], ...over }) ?? {};

  test("runs the argument vector in its folder, and tells code and output", async () => {
    const world = createWorld();
    const effect = await remedyOf("run_command", world).execute(intentOf({ kind: "none" }, params({ cwd: "tools", deadline: "3s" })), APP, NEVER);
    expect(effect).toEqual({ code: 0, tookMs: 1, output: "done" });
    expect(world.processes.ran).toMatchObject([{ command: ["says", "done"], cwd: "/srv/shop/tools", deadlineMs: 3_000 }]);
  });

  test("what did not start is refused, what was killed is uncertain, and nothing is ever read back", async () => {
    const remedy = remedyOf("run_command", createWorld());
    await expect(remedy.execute(intentOf({ kind: "none" }, params({ command: ["missing"] })), APP, NEVER)).rejects.toMatchObject({ code: "REFUSED" });
    await expect(remedy.execute(intentOf({ kind: "none" }, params({ command: ["stays"] })), APP, NEVER)).rejects.toMatchObject({ code: "UNCERTAIN" });
    expect(await remedy.readBack(intentOf({ kind: "none" }), APP, NEVER)).toMatchObject({ kind: "unreadable" });
    expect(remedy.repeatable).toBeUndefined();
  });

  test("asks for its deadline on top, and refuses params that are none", () => {
    const remedy = remedyOf("run_command", createWorld());
    expect(remedy.extraMs?.(APP, params({ deadline: "30s" }))).toBe(30_000);
    expect(() => remedy.extraMs?.(APP, {})).toThrow(expect.objectContaining({ code: "REFUSED" }));
  });

  test("hands secrets to the command alone: they are in no intent, and not in what it printed", async () => {
    const world = createWorld();
    const token = new Secret("--token=s3cret", "--token=${TOKEN}", [{ value: "s3cret", origin: "${TOKEN}" }]);
    const intent = intentOf({ kind: "none" }, params({ command: ["says", token], env: { TOKEN: new Secret("s3cret", "${TOKEN}"), PLAIN: "text" } }));
    const effect = await remedyOf("run_command", world).execute(intent, APP, NEVER);
    expect(world.processes.ran).toMatchObject([{ command: ["says", "--token=s3cret"], env: { TOKEN: "s3cret", PLAIN: "text" } }]);
    expect(effect).toMatchObject({ output: "--token=${TOKEN}" });
    expect(JSON.stringify(intent)).not.toContain("s3cret");
  });

  test("conceals also the rest of a secret where only the end of what it printed was kept", async () => {
    const world = createWorld();
    const output = `-s3cret-token\n${"x".repeat(2_000 - 14)}`;
    world.processes.run = async () => ({ kind: "exited", code: 0, output, tookMs: 1 });
    const intent = intentOf({ kind: "none" }, params({ command: ["says"], env: { TOKEN: new Secret("the-s3cret-token", "${TOKEN}") } }));
    const effect = await remedyOf("run_command", world).execute(intent, APP, NEVER);
    expect(JSON.stringify(effect)).not.toContain("s3cret");
    expect(effect).toMatchObject({ output: expect.stringMatching(/^\$\{TOKEN\}\nx/) });
  });

  test("says a program that came from a variable by its reference", async () => {
    const program = new Secret("missing", "${PROGRAM}");
    await expect(remedyOf("run_command", createWorld()).execute(intentOf({ kind: "none" }, params({ command: [program] })), APP, NEVER)).rejects.toMatchObject({ code: "REFUSED", message: "${PROGRAM} could not be started: no such program" });
  });

  test("a shell line is no command", () => {
    expect(schema?.safeParse({ command: "rm -rf cache" }).success).toBe(false);
    expect(schema?.safeParse({ command: [] }).success).toBe(false);
    expect(schema?.safeParse({ command: ["x"], shell: true }).success).toBe(false);
  });
});

describe("alert", () => {
  test("has the same key whenever the same incident is told", async () => {
    const world = createWorld();
    const remedy = remedyOf("alert", world);
    const params = { route: "ops", severity: "page" };
    await remedy.execute(intentOf({ kind: "none" }, params, "a"), APP, NEVER);
    await remedy.execute(intentOf({ kind: "none" }, params, "b"), APP, NEVER);
    expect(world.delivered).toHaveLength(2);
    expect(world.delivered[0]?.alert.key).toBe(world.delivered[1]?.alert.key);
    expect(world.delivered[0]).toMatchObject({ route: "ops", alert: { severity: "page", state: "firing", startedAt: 990_000, runbook: "docs/runbooks/policy-alert.md" } });
    expect(remedy).toMatchObject({ repeatable: true, verifiedBy: "effect" });
  });
});

describe("hold_breaker", () => {
  const params = REMEDIES["hold_breaker"]?.schema.parse({ breaker: "egress:storefront", for: "2m" });

  test("holds until the time that follows from the intent, and that can be read back", async () => {
    const world = createWorld();
    const remedy = remedyOf("hold_breaker", world);
    const intent = intentOf({ kind: "none" }, params);
    expect(await remedy.readBack(intent, APP, NEVER)).toEqual({ kind: "not_landed" });
    await world.clock.advance(5_000);
    await remedy.execute(intent, APP, NEVER);
    expect(world.holds).toEqual([{ breaker: "egress:storefront", position: "open", until: 1_120_000, by: "policy:pod_restart", why: "application failed 3 times" }]);
    expect(await remedy.readBack(intent, APP, NEVER)).toMatchObject({ kind: "landed" });
  });

  test("is taken back at once when its trouble is over, and only by its own policy", async () => {
    const world = createWorld();
    const remedy = remedyOf("hold_breaker", world);
    await remedy.execute(intentOf({ kind: "none" }, params), APP, NEVER);
    expect(await remedy.lift?.("another", params ?? {})).toBe(false);
    expect(world.holds.length).toBe(1);
    expect(await remedy.lift?.("pod_restart", params ?? {})).toBe(true);
    expect(world.holds).toEqual([]);
    expect(await remedy.lift?.("pod_restart", params ?? {})).toBe(false);
  });

  test("whose time is over is not set any more", async () => {
    const world = createWorld();
    await world.clock.advance(120_000);
    await expect(remedyOf("hold_breaker", world).execute(intentOf({ kind: "none" }, params), APP, NEVER)).rejects.toMatchObject({ code: "REFUSED" });
    expect(world.holds).toEqual([]);
  });

  test("an unknown breaker is refused at the border", () => {
    expect(REMEDIES["hold_breaker"]?.schema.safeParse({ breaker: "storefront" }).success).toBe(false);
  });
});
