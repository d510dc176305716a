/**
 * Plays a scenario's timeline: faults begin and end, people give orders.
 */
import type { Ms } from "../core/time.ts";
import { formatDuration } from "../core/time.ts";
import type { Engine } from "../engine/engine.ts";
import type { Scenario, ScenarioEvent } from "./scenario.ts";
import { targetsOf } from "./scenario.ts";
import type { Transcript } from "./transcript.ts";
import type { VirtualClock } from "./virtual-clock.ts";
import type { World } from "./world.ts";

export type Stage = { readonly world: World; readonly engine: Engine; readonly clock: VirtualClock; readonly transcript: Transcript };

/** Plans every event of the timeline; each happens when the clock gets there. */
export function playTimeline(scenario: Scenario, stage: Stage): void {
  for (const event of scenario.timeline) stage.clock.after(event.at, () => play(event, stage));
}

function play(event: ScenarioEvent, stage: Stage): void {
  const { world, clock, transcript } = stage;
  switch (event.fault) {
    case "exit":
      transcript.world(describe(event));
      for (const target of allOf(event, world)) {
        if (event.cannot_start) world.forbidStart(target);
        world.exit(target, "exited with code 1");
      }
      return;
    case "clock_jump":
      transcript.world(describe(event));
      return clock.jump(event.back ? -event.by : event.by);
    case "pause":
    case "acknowledge":
    case "manual_restart":
      return order(event, stage);
    case "crash_loop":
    case "hang":
    case "slow":
    case "status":
    case "broken_pages":
    case "flaky":
    case "usage":
    case "storefront_api_down":
    case "storefront_api_slow":
    case "storefront_api_throttled":
    case "network_gone": {
      transcript.world(describe(event));
      const lift = world.strike(event);
      if (event.for === undefined) return;
      clock.after(event.for, () => {
        lift();
        transcript.world(`${event.fault} is over`);
      });
    }
  }
}

/** People's orders go the way of any command; what they led to is told by the engine. */
function order(event: Extract<ScenarioEvent, { fault: "pause" | "acknowledge" | "manual_restart" }>, { engine, transcript }: Stage): void {
  const by = { who: "person", why: "scenario", dryRun: false };
  const given = (): ReturnType<Engine["pause"]> => {
    switch (event.fault) {
      case "pause":
        return engine.pause({ ...by, scope: scopeOf(event), forMs: event.for ?? null });
      case "acknowledge":
        return engine.acknowledge({ ...by, target: event.target, check: null, forMs: null });
      case "manual_restart":
        return engine.restart({ ...by, target: event.target });
    }
  };
  void given().then((result) => {
    if (result.kind === "refused") transcript.world(`${event.fault} was refused (${result.code}): ${result.text}`);
  });
}

function scopeOf({ target, policy }: Extract<ScenarioEvent, { fault: "pause" }>): Parameters<Engine["pause"]>[0]["scope"] {
  if (target !== undefined) return { kind: "target", target };
  return policy === undefined ? { kind: "all" } : { kind: "policy", policy };
}

function allOf(event: ScenarioEvent, world: World): readonly string[] {
  const names = targetsOf(event);
  return names.includes("all") ? world.targets() : names;
}

function describe(event: ScenarioEvent): string {
  const details = Object.entries(event).flatMap(([key, value]) => {
    if (key === "fault" || key === "at" || key === "cured_by_restart" || value === false || value === undefined) return [];
    return [`${key} ${DURATIONS.has(key) ? formatDuration(Number(value) satisfies Ms) : String(value)}`];
  });
  return [event.fault, ...details].join(", ");
}

const DURATIONS: ReadonlySet<string> = new Set(["for", "by", "after"]);
