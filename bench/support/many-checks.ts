/**
 * The real engine with many looks whose probe costs nothing: how late looks begin, and
 * what state they take. Prints one line of JSON.
 *
 *   node --expose-gc bench/support/many-checks.ts COUNT SECONDS
 */
import { createMemoryLedger } from "../../src/adapters/memory-ledger.ts";
import { createMemoryStateStore } from "../../src/adapters/memory-state-store.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createSystemRandom } from "../../src/adapters/system-random.ts";
import type { CheckSpec } from "../../src/core/check.ts";
import { DEFAULT_GUARD_SETTINGS } from "../../src/core/scene.ts";
import { firstSlot } from "../../src/core/schedule.ts";
import { lookKey, type Target, type TargetId } from "../../src/core/target.ts";
import { alwaysClear } from "../../src/engine/act.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { eventsTo } from "../../src/ports/events.ts";
import type { PreparedProbe } from "../../src/ports/probe.ts";
import { cpuSeconds } from "./processes.ts";

export type ManyChecks = {
  readonly looks: number;
  /** Share of looks that began within 250 ms of being due. */
  readonly inTime: number;
  readonly p50LateMs: number;
  readonly p99LateMs: number;
  readonly worstLateMs: number;
  /** The same, of each look's first. */
  readonly firstInTime: number;
  /** Heap per check after a collection, less what the process had before the engine. */
  readonly bytesPerCheck: number;
  readonly cpuShare: number;
};

const INTERVAL = 10_000;
const [count = 0, seconds = 0] = process.argv.slice(2).map(Number);
const clock = createSystemClock();

function heap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** A look's due time is its last begin plus the interval: with this chance, jitter is nothing. */
const random = { ...createSystemRandom(), next: () => 0.5 };
const cadence = { interval: INTERVAL, fast: 2_000, down: 5_000, timeout: 5_000 };
const due = new Map<TargetId, number>();
// Grown before the heap is read, so that the measuring is not measured.
const late = new Float64Array(count * (seconds / 10 + 2));
const lateFirst = new Float64Array(count);
let looks = 0;
let firsts = 0;

const probe: PreparedProbe = {
  run: async ({ target }) => {
    const now = clock.now();
    const expected = due.get(target.id) ?? now;
    if (expected < 0) lateFirst[firsts++] = now + expected;
    else late[looks++] = now - expected;
    due.set(target.id, now + INTERVAL);
    return {
      kind: "pass",
      at: now,
      tookMs: 3,
      findings: [
        { assertion: "http_status", level: "pass", observed: "200", expected: "200 OK" },
        { assertion: "response_time", level: "pass", observed: "3ms", expected: "< 500ms" },
      ],
      facts: { memory_usage: 41.5, cpu_usage: 12 },
    };
  },
  close: async () => {},
};

for (let at = 0; at < count; at += 1) due.set(`t${at}`, -1);
const before = heap();
const targets = Array.from({ length: count }, (_, at): Target => ({ id: `t${at}`, kind: "origin", workload: `t${at}` }));
const check: CheckSpec = { name: "application", targets: targets.map(({ id }) => id), cadence, thresholds: { fall: 3, rise: 2 }, critical: true, dependsOn: [], inactive: null, remote: false };
const engine = createEngine({
  site: "bench",
  checks: [check],
  probes: new Map([[check.name, probe]]),
  targets,
  startupGrace: new Map(),
  policies: [],
  settings: DEFAULT_GUARD_SETTINGS,
 
  timeZone: "UTC",
  actionsPerMinute: 10, watchFirst: 0,
  references: [],
  remedies: new Map(),
  supervised: null,
  fence: alwaysClear,
  alertRoutes: { page: null, notify: null },
  runbooks: "",
  clock,
  random,
  ledger: createMemoryLedger(clock, { maxAgeMs: 3_600_000, maxBytes: 1_000_000 }),
  store: createMemoryStateStore(),
  outbox: { enqueue: async () => {} },
  events: eventsTo(() => {}),
});
const startedAt = clock.now();
for (const { id } of targets) {
  const { phase } = firstSlot(lookKey(check.name, id), cadence, startedAt);
  // Negative: a first look; its due time without the sign.
  due.set(id, phase.kind === "waiting" ? -phase.dueAt : -startedAt);
}
await engine.start();
await new Promise((resolve) => setTimeout(resolve, INTERVAL + 1_000));
const cpuBefore = cpuSeconds(process.pid);
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const cpuShare = (cpuSeconds(process.pid) - cpuBefore) / seconds;
const bytesPerCheck = (heap() - before) / count;

const sorted = late.subarray(0, looks).toSorted();
const at = (share: number): number => sorted[Math.min(looks - 1, Math.floor(looks * share))] ?? Number.NaN;
const inTime = (values: Float64Array): number => values.filter((value) => value <= 250).length / values.length;
const result: ManyChecks = {
  looks, inTime: inTime(sorted), p50LateMs: at(0.5), p99LateMs: at(0.99), worstLateMs: at(1),
  firstInTime: inTime(lateFirst.subarray(0, firsts)), bytesPerCheck, cpuShare,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await engine.stop();
process.exit(0);
