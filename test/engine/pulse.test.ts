import { describe, expect, test } from "vitest";
import { startPulse } from "../../src/engine/pulse.ts";
import type { PulseLoss } from "../../src/engine/pulse.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Http, HttpAnswer, HttpFailure, HttpRequest } from "../../src/ports/http.ts";
import type { HeldEvents, PulseSocket } from "../../src/ports/pulse-socket.ts";

/** Time that passes only when told to; microtasks run between timers. */
function virtualClock() {
  let now = 0;
  let order = 0;
  const timers = new Map<number, { at: number; fn: () => void }>();
  const clock: Clock = {
    now: () => now,
    wall: () => now,
    after: (delay, fn) => {
      const id = (order += 1);
      timers.set(id, { at: now + Math.max(0, delay), fn });
      return () => void timers.delete(id);
    },
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  const pass = async (ms: number): Promise<void> => {
    const end = now + ms;
    await settle();
    for (;;) {
      const [id, next] = [...timers].filter(([, timer]) => timer.at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0] ?? [];
      if (id === undefined || next === undefined) break;
      timers.delete(id);
      now = next.at;
      next.fn();
      await settle();
    }
    now = end;
  };
  return { clock, pass };
}

type Health = "answers" | "refuses" | "hangs" | "stumbles" | "no network";

/** An application and the connections to it, as the ports show them. */
function application(clock: Clock) {
  let health: Health = "answers";
  const held = new Set<HeldEvents>();
  const knocks: { at: number; connection: HttpRequest["connection"] }[] = [];
  let holds = 0;
  const failed = (cause: HttpFailure["cause"], tookMs: number, noNetwork = false): HttpFailure => ({ kind: "failed", cause, noNetwork, answered: false, detail: cause, tookMs });
  const answer: HttpAnswer = { kind: "answer", status: 500, headers: {}, body: "", bodyBytes: 0, bodyCut: false, firstByteMs: 1, tookMs: 1 };
  const http: Http = {
    request: ({ deadlineMs, connection }) =>
      new Promise((resolve) => {
        knocks.push({ at: clock.now(), connection });
        const now = health;
        if (now === "answers") resolve(answer);
        else if (now === "refuses") resolve(failed("refused", 0));
        else if (now === "no network") resolve(failed("timeout", 0, true));
        // A stumble: this one hangs, the next ones are answered.
        else if (now === "stumbles") health = "answers";
        if (now === "hangs" || now === "stumbles") clock.after(deadlineMs, () => resolve(failed("timeout", deadlineMs)));
      }),
    close: async () => {},
  };
  const socket: PulseSocket = {
    hold: (_url, events) => {
      holds += 1;
      const refused = health === "refuses";
      if (!refused) held.add(events);
      clock.after(0, () => (refused ? events.closed("refused") : events.opened()));
      return () => void held.delete(events);
    },
  };
  return {
    http,
    socket,
    knocks,
    holds: () => holds,
    open: () => held.size,
    become: (next: Health) => void (health = next),
    hangUp: (detail = "closed by the other side") => {
      for (const events of [...held]) {
        held.delete(events);
        events.closed(detail);
      }
    },
  };
}

function pulseOf(answeredAt: () => number | null = () => null, { wasLost, health }: { readonly wasLost: boolean; readonly health: Health } = { wasLost: false, health: "answers" }) {
  const { clock, pass } = virtualClock();
  const app = application(clock);
  app.become(health);
  const said: string[] = [];
  const losses: PulseLoss[] = [];
  const pulse = startPulse([{ id: "app", url: "http://127.0.0.1:3000/", wasLost }], {
    clock,
    http: app.http,
    socket: app.socket,
    answeredAt,
    events: {
      lost: (loss) => {
        losses.push(loss);
        said.push(`lost ${loss.cause} ${loss.at}`);
      },
      still: ({ at }) => void said.push(`still ${at}`),
      back: (_target, at) => void said.push(`back ${at}`),
    },
  });
  return { app, pass, said, losses, pulse };
}

describe("pulse", () => {
  test("beats every 2 s and says nothing while all is well, whatever the answer says", async () => {
    const { app, pass, said } = pulseOf();
    await pass(10_000);
    expect(app.knocks.map(({ at }) => at)).toEqual([2_000, 4_000, 6_000, 8_000, 10_000]);
    expect(said).toEqual([]);
  });

  test("knocks three times within 200 ms of the connection's end, on new connections, and calls it lost", async () => {
    const { app, pass, said, losses } = pulseOf();
    await pass(5_000);
    app.become("refuses");
    app.hangUp();
    await pass(200);
    expect(said).toEqual(["lost refused 5200"]);
    expect(losses[0]?.since).toBe(5_000);
    expect(app.knocks.slice(-3)).toEqual([5_000, 5_100, 5_200].map((at) => ({ at, connection: "new" })));
  });

  test("takes a closed connection of a living server for nothing, and opens another", async () => {
    const { app, pass, said } = pulseOf();
    await pass(5_000);
    app.hangUp();
    await pass(1_000);
    expect(said).toEqual([]);
    expect(app.open()).toBe(1);
  });

  test("learns when a server closes idle connections, and renews its own before", async () => {
    const { app, pass } = pulseOf();
    await pass(5_000);
    app.hangUp();
    await pass(1);
    expect(app.holds()).toBe(2);
    await pass(3_998);
    expect(app.holds()).toBe(2);
    await pass(2);
    expect(app.holds()).toBe(3);
    expect(app.open()).toBe(1);
  });

  test("does not insist where a server closes every idle connection at once", async () => {
    const { app, pass, said } = pulseOf();
    await pass(500);
    app.hangUp();
    await pass(25_000);
    expect(app.holds()).toBe(1);
    await pass(10_000);
    expect(app.holds()).toBe(2);
    expect(said).toEqual([]);
  });

  test("of a frozen process is lost 700 ms after the first missed beat", async () => {
    const { app, pass, said } = pulseOf();
    await pass(3_000);
    app.become("hangs");
    await pass(2_200);
    expect(said).toEqual(["lost timeout 5200"]);
  });

  test("of a process that missed one beat goes on", async () => {
    const { app, pass, said } = pulseOf();
    await pass(3_000);
    app.become("stumbles");
    await pass(10_000);
    expect(said).toEqual([]);
    expect(app.knocks.at(-1)?.connection).toBe("reuse");
    expect(app.holds()).toBe(1);
  });

  test("of a process that others saw answering meanwhile goes on", async () => {
    const { app, pass, said } = pulseOf(() => 4_900);
    await pass(3_000);
    app.become("hangs");
    await pass(2_200);
    expect(said).toEqual([]);
  });

  test("of a process that nobody answers for any more is lost, whatever was seen a moment ago", async () => {
    const { app, pass, said } = pulseOf(() => 3_050);
    await pass(3_000);
    app.become("refuses");
    app.hangUp();
    await pass(200);
    expect(said).toEqual(["lost refused 3200"]);
  });

  test("is not lost while our own network is", async () => {
    const { app, pass, said } = pulseOf();
    app.become("no network");
    await pass(20_000);
    expect(said).toEqual([]);
  });

  test("says every half second that it is still lost, and once that it is back", async () => {
    const { app, pass, said } = pulseOf();
    app.become("refuses");
    app.hangUp();
    await pass(1_300);
    app.become("answers");
    await pass(5_000);
    expect(said).toEqual(["lost refused 200", "still 700", "still 1200", "back 1700"]);
    expect(app.open()).toBe(1);
  });

  test.each([
    ["answers", "back 0"],
    ["no network", "back 200"],
    ["refuses", "lost refused 200"],
    ["hangs", "lost timeout 700"],
  ] as const)("that was lost when the last watch ended is felt at once: %s", async (health, verdict) => {
    const { app, pass, said } = pulseOf(undefined, { wasLost: true, health });
    await pass(800);
    expect(said[0]).toBe(verdict);
    app.become("answers");
    await pass(5_000);
    expect(said.at(-1)).toMatch(/^back/);
    expect(app.open()).toBe(1);
  });

  test("is back only after a loss, whatever words a connection ends with", async () => {
    const { app, pass, said } = pulseOf();
    await pass(3_000);
    app.hangUp("it was lost before");
    await pass(3_000);
    expect(said).toEqual([]);
  });

  test("stopped says nothing more and holds nothing", async () => {
    const { app, pass, said, pulse } = pulseOf();
    await pass(3_000);
    pulse.stop();
    const before = app.knocks.length;
    app.become("refuses");
    await pass(60_000);
    expect([said, app.open(), app.knocks.length]).toEqual([[], 0, before]);
  });
});
