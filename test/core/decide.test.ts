import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, decideManual } from "../../src/core/decide.ts";
import { GUARDS } from "../../src/core/guards/index.ts";
import type { PastAction } from "../../src/core/episode.ts";
import type { Decision } from "../../src/core/proposal.ts";
import type { OpenAction, Scene } from "../../src/core/scene.ts";
import { asked, history, NOW, past, restart, scene, start, web } from "../support/scene.ts";

const acted = (decisions: readonly Decision[]): readonly string[] => decisions.flatMap((decision) => (decision.kind === "act" ? [decision.proposal.target] : []));

describe("decide", () => {
  test("what is gone comes first, then the longest failing", () => {
    const decisions = decide([asked(restart("web-1")), asked(restart("web-2", { since: NOW - 60_000 })), asked(start("web-3"))], scene(["web-1"]));
    expect(decisions.map((decision) => decision.proposal.target)).toEqual(["web-3", "web-2", "web-1"]);
  });

  test("one round never acts twice on a target", () => {
    const decisions = decide([asked(start("web-1")), asked(start("web-1", { policy: "other" }), { name: "other" })], scene([]));
    expect(decisions.map((decision) => (decision.kind === "hold" ? decision.guard : decision.kind))).toEqual(["act", "in_flight"]);
  });

  test("of several that fail, one round restarts one canary", () => {
    const ids = ["web-1", "web-2"];
    expect(acted(decide(ids.map((id) => asked(restart(id))), scene(ids)))).toEqual(["web-1"]);
  });

  test("of several that fail for one cause, one round calls a person once", () => {
    const ids = ["web-1", "web-2", "web-3", "web-4"];
    const decisions = decide(ids.map((id) => asked(restart(id))), scene(ids, history([])));
    expect(decisions.map((decision) => (decision.kind === "hold" ? decision.guard : decision.kind))).toEqual(["escalate", "blame", "blame", "blame"]);
  });

  test("an attempt has its number in the episode", () => {
    const [decision] = decide([asked(restart("web-1"))], scene(["web-1"], history([past("web-1", NOW - 200_000), past("web-1", NOW - 100_000)])));
    expect(decision).toMatchObject({ kind: "act", attempt: 3, verifyWithin: 60_000 });
  });

  test("a person overrules pace and pauses, never safety", () => {
    const paused = scene(["web-1"], { ...history([past("web-1", NOW - 1_000)]), pauses: [{ scope: { kind: "all" }, until: null, by: "ann", why: "" }] });
    expect(decideManual(asked(restart("web-1")), paused).kind).toBe("act");
    const busy = { ...paused, openActions: [{ target: "web-1", workload: "web", cause: "page", at: NOW, doneAt: NOW, until: NOW + 1 }] };
    expect(decideManual(asked(restart("web-1")), busy)).toMatchObject({ kind: "hold", guard: "in_flight" });
  });
});

describe("whatever the scene", () => {
  const target = fc.integer({ min: 1, max: 12 }).map((number) => `web-${number}`);
  const open = fc.record({ target, age: fc.nat(60_000), done: fc.boolean() }).map(({ target: id, age, done }): OpenAction => ({ target: id, workload: "web", cause: "page", at: NOW - age, doneAt: done ? NOW - age : null, until: NOW - age + 60_000 }));
  const action = fc.record({ target, age: fc.nat(3_600_000), phase: fc.constantFrom("verified", "not_verified", "refused", "uncertain" as const), destructive: fc.boolean() })
    .map(({ target: id, age, phase, destructive }): PastAction => past(id, NOW - age, phase, { destructive }));
  const scenes = fc.record({ size: fc.integer({ min: 1, max: 12 }), failing: fc.uniqueArray(target), opens: fc.array(open, { maxLength: 4 }), actions: fc.array(action, { maxLength: 12 }), flapping: fc.boolean() })
    .map(({ size, failing, opens, actions, flapping }): Scene => scene(failing, {
      targets: web(size), openActions: opens, flapping: new Set(flapping ? ["page@web-1"] : []),
      ...history(actions.toSorted((a, b) => a.at - b.at), { openedAt: 0 }),
    }));

  test("an action is taken only when no guard objects", () => {
    fc.assert(
      fc.property(scenes, target, fc.boolean(), (of, id, gone) => {
        const one = asked(gone ? start(id) : restart(id));
        const [decision] = decide([one], of);
        const objections = GUARDS.filter((guard) => guard.ask({ ...one, scene: of }).kind !== "allow");
        expect(decision?.kind === "act").toBe(objections.length === 0);
      }),
    );
  });

  test("restarts never take more than the blast radius into recovery", () => {
    fc.assert(
      fc.property(scenes, fc.uniqueArray(target, { minLength: 1 }), (of, ids) => {
        const restarted = acted(decide(ids.map((id) => asked(restart(id))), of));
        const recovering = new Set([...of.openActions.map((action) => action.target), ...restarted]);
        if (restarted.length > 0) expect(recovering.size).toBeLessThanOrEqual(Math.max(1, Math.floor(of.targets.length * 0.2)));
      }),
    );
  });

  test("one canary at a time while several fail", () => {
    fc.assert(
      fc.property(fc.uniqueArray(target, { minLength: 2, maxLength: 3 }), (ids) => {
        expect(acted(decide(ids.map((id) => asked(restart(id))), scene(ids, { targets: web(12) })))).toHaveLength(1);
      }),
    );
  });

  test("an exited process is started in the end, within the longest back-off", () => {
    fc.assert(
      fc.property(scenes, fc.integer({ min: 1, max: 12 }), (of, number) => {
        const id = `web-${number}`;
        let now = NOW;
        let current: Scene = { ...of, openActions: [] };
        // Holds say when to ask again; whoever asks then is heard. A page is a step of its own.
        for (let step = 0; step < 20; step += 1) {
          const [decision] = decide([asked(start(id))], { ...current, now });
          if (decision?.kind === "act") return;
          if (decision?.kind === "hold") {
            expect(decision.until).not.toBeNull();
            now = decision.until ?? now;
          } else current = { ...current, ...history(of.actions, { openedAt: 0, escalated: { ladder: NOW } }) };
        }
        throw new Error("never started");
      }),
    );
  });
});
