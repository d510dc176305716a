/** Many checks in one engine: punctual, and small. */
import { fileURLToPath } from "node:url";
import type { Row } from "../support/bench.ts";
import { runToEnd } from "../support/child.ts";
import type { ManyChecks } from "../support/many-checks.ts";
import { bounded } from "../support/table.ts";

const COUNT = 5_000;

export const checks: Row = {
  name: "checks",
  about: "5,000 looks every 10 s through the real engine, in memory, with a probe that costs nothing: how late they begin, heap per check",
  run: async ({ quick, say }) => {
    const seconds = quick ? 10 : 20;
    say(`running for ${seconds + 11} s`);
    const program = fileURLToPath(new URL("../support/many-checks.ts", import.meta.url));
    const { code, output } = await runToEnd(["--expose-gc", program, String(COUNT), String(seconds)], (seconds + 60) * 1_000);
    if (code !== 0) throw new Error(`many-checks ended with ${code}`);
    const seen = JSON.parse(output) as ManyChecks;
    const row = "checks";
    const share = (of: number): string => `${(of * 100).toFixed(2)} %`;
    return [
      bounded({ row, what: "begun within 250 ms of due (ticks are 100 ms)", measured: `${share(seen.inTime)} of ${seen.looks}; p99 ${seen.p99LateMs.toFixed(0)} ms`, budget: "≥ 99 %" }, seen.inTime >= 0.99),
      bounded({ row, what: "the same of each look's first; worst later; CPU", measured: `${share(seen.firstInTime)}; ${seen.worstLateMs.toFixed(0)} ms; ${(seen.cpuShare * 100).toFixed(0)} % of a core`, budget: "" }, null),
      bounded({ row, what: "heap per check", measured: `${(seen.bytesPerCheck / 1_024).toFixed(2)} KB`, budget: "< 4 KB" }, seen.bytesPerCheck < 4_096),
    ];
  },
};
