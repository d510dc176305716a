import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createQuarantineDesk, type QuarantineShift } from "../../src/gateway/quarantine-desk.ts";

const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp() {
  const changes: QuarantineShift[] = [];
  const desk = createQuarantineDesk(createSystemClock(), (shift) => void changes.push(shift));
  /** One death, a second after the last, with what each worker answers. */
  const die = (...answers: readonly (readonly string[])[]): void => {
    vi.advanceTimersByTime(1_000);
    const at = desk.died();
    if (at !== null) for (const classes of answers) desk.suspects(at, classes);
  };
  return { desk, changes, die };
}

describe("the quarantine desk", () => {
  test("joins what several workers had in flight at one death, and counts it once", () => {
    const { desk, changes, die } = setUp();
    die(["killer"], ["killer", "home"]);
    expect(desk.held()).toEqual([]);
    die(["killer"], []);
    expect(changes).toEqual([{ held: ["killer"], added: ["killer"], lifted: [], why: "in flight at two deaths of the application" }]);
  });

  test("sees a killer that met another worker at each death", () => {
    const { desk, die } = setUp();
    die(["killer"], []);
    die([], ["killer"]);
    expect(desk.held()).toEqual(["killer"]);
  });

  test("takes two reports within a quarter of a second for one death", () => {
    const { desk } = setUp();
    expect(desk.died()).not.toBeNull();
    vi.advanceTimersByTime(249);
    expect(desk.died()).toBeNull();
    vi.advanceTimersByTime(1);
    expect(desk.died()).not.toBeNull();
  });

  test("an answer about an earlier death counts for nothing", () => {
    const { desk } = setUp();
    const first = desk.died() ?? 0;
    vi.advanceTimersByTime(1_000);
    const second = desk.died() ?? 0;
    desk.suspects(second, ["killer"]);
    desk.suspects(first, ["killer"]);
    expect(desk.held()).toEqual([]);
  });

  test("lifts by itself when the bound is over, and by the verdict at once", () => {
    const { changes, desk, die } = setUp();
    die(["killer"]);
    die(["killer"]);
    vi.advanceTimersByTime(10 * MINUTE);
    expect(changes.at(-1)).toEqual({ held: [], added: [], lifted: ["killer"], why: "in flight at no death of the application lately" });
    die(["killer"]);
    die(["killer"]);
    desk.verdict("healthy");
    expect(changes.at(-1)).toEqual({ held: [], added: [], lifted: ["killer"], why: "the Storefront API is healthy" });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("shows since when a class is held, and until when at the latest; a further death moves only the end", () => {
    const { desk, die } = setUp();
    die(["killer"]);
    die(["killer"]);
    const since = Date.now();
    expect(desk.view()).toEqual([{ requestClass: "killer", since, until: since + 10 * MINUTE }]);
    die(["killer"]);
    expect(desk.view()).toEqual([{ requestClass: "killer", since, until: since + 1_000 + 10 * MINUTE }]);
    desk.verdict("unhealthy");
    expect(desk.view()).toEqual([{ requestClass: "killer", since, until: null }]);
  });

  test("stopping leaves no timer", () => {
    const { desk, die } = setUp();
    die(["killer"]);
    die(["killer"]);
    expect(vi.getTimerCount()).toBe(1);
    desk.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
