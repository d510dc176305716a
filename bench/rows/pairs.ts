/** Two singletons of which the leading one is disturbed about when it acts: one cause, one effect. */
import { fileURLToPath } from "node:url";
import { lacking } from "../../test/cluster/needs.ts";
import type { Row } from "../support/bench.ts";
import { runToEnd } from "../support/child.ts";
import { bounded } from "../support/table.ts";

const PROGRAM = fileURLToPath(new URL("../pairs.ts", import.meta.url));
/** Longest time a round may take on average. */
const PER_ROUND_MS = 180_000;

export const pairs: Row = {
  name: "pairs",
  about: "pairs of singletons whose leader is killed, paused, cut off or loses its API server as it acts, by the API server's audit log",
  run: async ({ quick, say }) => {
    const row = "pairs";
    const missing = lacking("api");
    if (missing.length > 0) return [bounded({ row, what: "effects doubled", measured: `not measured: ${missing.join("; ")}`, budget: "0" }, null)];
    const rounds = quick ? 4 : 30;
    const args = quick ? ["--pairs", "2", "--lease", "short"] : ["--pairs", "10", "--lease", "shipped"];
    const { code, output } = await runToEnd([PROGRAM, "--rounds", String(rounds), ...args], rounds * PER_ROUND_MS, say);
    if (code === 124) throw new Error("did not end in time");
    const counted = (what: string): string => new RegExp(`^\\s*${what}\\s+(\\S+)$`, "m").exec(output)?.[1] ?? "?";
    return [
      bounded({ row, what: "doubled; lost; without outcome; broke", measured: ["effects doubled", "intents lost", "intents without outcome", "rounds that broke"].map(counted).join("; "), budget: "0; 0; 0; 0" }, code === 0),
      bounded({ row, what: "take-over p50; max", measured: `${counted("take-over p50 s")}; ${counted("take-over max s")} s`, budget: "≤ 20 s" }, Number(counted("take-over max s")) <= 20),
      bounded({ row, what: "rounds of a pair; late writes refused", measured: `${counted("rounds of a pair")}; ${counted("late writes refused")}`, budget: "" }, null),
    ];
  },
};
