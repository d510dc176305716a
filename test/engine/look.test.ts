import { expect, test } from "vitest";
import type { Observation } from "../../src/core/observation.ts";
import { GRACE_MS, Looker } from "../../src/engine/look.ts";
import type { Look, PreparedProbe } from "../../src/ports/probe.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { APP } from "../support/watched-world.ts";

const ORDER = { target: APP, deadlineMs: 1_000, ordinal: 0 };
const PASS: Observation = { kind: "pass", at: 0, tookMs: 1, findings: [], facts: {} };

function probe(run: (look: Look) => Promise<Observation>): PreparedProbe {
  return { run, close: async () => {} };
}

/** Never ends, and remembers the signals it was handed. */
function silent() {
  const signals: AbortSignal[] = [];
  return {
    signals,
    ...probe(({ signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    }),
  };
}

const ignored = (): void => {};

test("hands on what the probe saw, and says when the probe has let go", async () => {
  let letGo = 0;
  const seen = await new Looker(new ManualClock()).look(probe(async () => PASS), ORDER, () => (letGo += 1));
  expect([seen, letGo]).toEqual([PASS, 1]);
});

test("a signal used by a look that ended well serves the next; looks at the same time never share one", async () => {
  const looker = new Looker(new ManualClock());
  const signals: AbortSignal[] = [];
  const noting = probe(async ({ signal }) => {
    signals.push(signal);
    return PASS;
  });
  await looker.look(noting, ORDER, ignored);
  await Promise.all([looker.look(noting, ORDER, ignored), looker.look(noting, ORDER, ignored)]);
  expect(signals[1]).toBe(signals[0]);
  expect(signals[2]).not.toBe(signals[1]);
});

test("a signal that was given is never used again, however late its probe ends", async () => {
  const clock = new ManualClock();
  const looker = new Looker(clock);
  const signals: AbortSignal[] = [];
  const late = Promise.withResolvers<Observation>();
  let letGo = 0;
  const seen = looker.look(
    probe(({ signal }) => {
      signals.push(signal);
      return late.promise;
    }),
    ORDER,
    () => (letGo += 1),
  );
  await clock.advance(ORDER.deadlineMs + GRACE_MS);
  expect(await seen).toMatchObject({ kind: "fail", cause: "timeout", tookMs: ORDER.deadlineMs + GRACE_MS });
  expect([signals[0]?.aborted, letGo]).toEqual([true, 0]);

  late.resolve(PASS);
  const next = silent();
  await clock.advance(0);
  expect(letGo).toBe(1);
  void looker.look(next, ORDER, ignored);
  expect(next.signals.map((signal) => signal.aborted)).toEqual([false]);
});

test.each([
  ["throws", () => { throw new Error("broken"); }],
  ["rejects", () => Promise.reject(new Error("broken"))],
])("a probe that %s is unknown, and has let go", async (_how, run) => {
  let letGo = 0;
  const seen = await new Looker(new ManualClock()).look(probe(run), ORDER, () => (letGo += 1));
  expect(seen).toMatchObject({ kind: "unknown", cause: "internal", detail: "the probe broke: broken" });
  expect(letGo).toBe(1);
});

test("stopping ends what runs as unknown, and nothing begins any more", async () => {
  const looker = new Looker(new ManualClock());
  const running = silent();
  const seen = looker.look(running, ORDER, ignored);
  looker.stop();
  expect(await seen).toMatchObject({ kind: "unknown", cause: "internal", detail: "stopped while looking" });
  expect(running.signals[0]?.aborted).toBe(true);

  const never = silent();
  expect(await looker.look(never, ORDER, ignored)).toMatchObject({ kind: "unknown" });
  expect(never.signals).toEqual([]);
});
