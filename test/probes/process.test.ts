import { describe, expect, test } from "vitest";
import { createTargetUsage } from "../../src/adapters/target-usage.ts";
import type { TargetConfig } from "../../src/config/config.ts";
import type { Processes, Usage } from "../../src/ports/processes.ts";
import type { TargetUsageAnswer } from "../../src/ports/target-usage.ts";
import { processProbe } from "../../src/probes/process.ts";
import { UsageRates } from "../../src/probes/usage-percent.ts";
import { aLook, findingOf, lookOnce, prepare } from "./look.ts";

const USAGE: Usage = { rssBytes: 500, memoryLimitBytes: 1_000, cpuMs: 0, cpus: 1, source: "process" };
const CHECKS = { memory_usage: "< 80%", cpu_usage: "< 90%" };

/** A usage port that answers these in turn. */
function answering(...answers: readonly TargetUsageAnswer[]) {
  const left = [...answers];
  return { usage: { read: async (): Promise<TargetUsageAnswer> => left.shift() ?? { kind: "none", detail: "no more" } } };
}

describe("a process", () => {
  test("is judged by memory at once, by CPU from the second look on", async () => {
    const heavy: Usage = { ...USAGE, rssBytes: 900, cpuMs: 3_600_000 };
    const probe = prepare(processProbe, { checks: CHECKS }, answering({ kind: "usage", usage: USAGE }, { kind: "usage", usage: heavy }));
    const first = await probe.run(aLook());
    expect(first).toMatchObject({ kind: "pass", facts: { memory_usage: 50 } });
    expect(findingOf(first, "cpu_usage")).toMatchObject({ level: "unknown" });
    expect(await probe.run(aLook({ ordinal: 1 }))).toMatchObject({ kind: "warn", detail: "memory_usage is 90%, expected < 80%" });
  });

  test("asked for CPU alone says nothing at the first look", async () => {
    const seen = await lookOnce(processProbe, { checks: { cpu_usage: "< 90%" } }, answering({ kind: "usage", usage: USAGE }));
    expect(seen).toMatchObject({ kind: "unknown", cause: "no_data" });
  });

  test("that is not running has exited", async () => {
    expect(await lookOnce(processProbe, { checks: CHECKS }, answering({ kind: "gone", detail: "its process is not running" }))).toMatchObject({ kind: "fail", cause: "exited" });
  });

  test("that nothing measures is unknown", async () => {
    expect(await lookOnce(processProbe, { checks: CHECKS }, answering({ kind: "none", detail: "no cgroup" }))).toMatchObject({ kind: "unknown", cause: "no_data", detail: "no cgroup" });
  });
});

test("usage that does not come in time was not measured", async () => {
  const never = { usage: { read: () => new Promise<TargetUsageAnswer>(() => {}) } };
  expect(await lookOnce(processProbe, { checks: CHECKS }, never, { deadlineMs: 20 })).toMatchObject({ kind: "unknown", cause: "no_data" });
});

describe("a CPU rate", () => {
  const at = (cpuMs: number): Usage => ({ ...USAGE, cpuMs, cpus: 2 });

  test("is what was used of what may be used, between two looks at one target", () => {
    const rates = new UsageRates();
    expect(rates.cpu("a", at(1_000), 0).kind).toBe("missing");
    expect(rates.cpu("b", at(9_000), 5_000).kind).toBe("missing");
    expect(rates.cpu("a", at(11_000), 10_000)).toMatchObject({ kind: "number", value: 50, dimension: "percent" });
  });

  test("begins anew with a new process", () => {
    const rates = new UsageRates();
    rates.cpu("a", at(50_000), 0);
    expect(rates.cpu("a", at(10), 10_000)).toMatchObject({ kind: "missing", why: "restarted since the last look" });
    expect(rates.cpu("a", at(2_010), 20_000)).toMatchObject({ kind: "number", value: 10 });
  });
});

describe("where a target's usage comes from", () => {
  const target: TargetConfig = {
    id: "app",
    kind: "process",
    workload: "app",
    url: "http://127.0.0.1:3000",
    process: { command: ["node"], cwd: "/", env: {}, logFile: null, stopGrace: 1, onExit: "leave" },
    unit: null,
    cgroup: null,
    pulse: false,
    pods: null, startupGrace: 0,
  };

  /** Only what is asked here; one process at most, by its marker. */
  function local(pid: { current: number | null }) {
    const asked: string[] = [];
    const processes: Pick<Processes, "find" | "alive" | "usage"> = {
      find: async (marker) => {
        asked.push(`find ${marker}`);
        return pid.current === null ? [] : [{ ref: { pid: pid.current, startTime: "1" }, intentId: "" }];
      },
      alive: async (ref) => ref.pid === pid.current,
      usage: async (of) => {
        asked.push(JSON.stringify(of));
        return USAGE;
      },
    };
    return { asked, usage: (targets: readonly TargetConfig[]) => createTargetUsage({ markers: new Map(targets.map((target) => [target.id, `shop/${target.id}`])), targets, processes }) };
  }

  test("is the supervised process, looked for once while it lives", async () => {
    const pid = { current: 7 as number | null };
    const { asked, usage } = local(pid);
    const reading = usage([target]);
    expect(await reading.read("app")).toEqual({ kind: "usage", usage: USAGE });
    await reading.read("app");
    expect(asked).toEqual(["find shop/app", '{"pid":7}', '{"pid":7}']);
    pid.current = 8;
    await reading.read("app");
    expect(asked.slice(3)).toEqual(["find shop/app", '{"pid":8}']);
    pid.current = null;
    expect(await reading.read("app")).toMatchObject({ kind: "gone" });
  });

  test("is the cgroup named, before anything else, and a unit's own", async () => {
    const { asked, usage } = local({ current: 7 });
    await usage([{ ...target, cgroup: "/sys/fs/cgroup/app" }]).read("app");
    await usage([{ ...target, process: null, unit: "storefront" }]).read("app");
    expect(asked).toEqual(['{"cgroup":"/sys/fs/cgroup/app"}', '{"cgroup":"/sys/fs/cgroup/system.slice/storefront.service"}']);
  });

  test("is nowhere for a mere address or an unknown target", async () => {
    const { usage } = local({ current: 7 });
    const reading = usage([{ ...target, process: null }]);
    expect(await reading.read("app")).toMatchObject({ kind: "none" });
    expect(await reading.read("other")).toMatchObject({ kind: "none" });
  });
});
