/** The daemon killed at random moments of acting: nothing lost, nothing done twice. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Row } from "../support/bench.ts";
import { runToEnd } from "../support/child.ts";
import { bounded } from "../support/table.ts";

const PROGRAM = fileURLToPath(new URL("../kills.ts", import.meta.url));
/** Longest time a life may take on average. */
const PER_ROUND_MS = 3_000;

export const killsRow: Row = {
  name: "kills",
  about: "SIGKILL of the daemon at 200 random moments of acting; what its stores and the world say afterwards",
  run: async ({ quick, say }) => {
    if (!existsSync(PROGRAM)) throw new Error("bench/kills.ts is missing");
    const rounds = quick ? 20 : 200;
    const { code, output } = await runToEnd([PROGRAM, "--rounds", String(rounds)], rounds * PER_ROUND_MS + 60_000, say);
    if (code === 124) throw new Error("did not end in time");
    const counted = (what: string): string => new RegExp(`^\\s*${what}\\s+(\\d+)$`, "m").exec(output)?.[1] ?? "?";
    const row = "kills";
    return [
      bounded({ row, what: "lost; without outcome; doubled effects; doubled children", measured: ["lost", "still without an outcome after the next start", "effects doubled", "children doubled"].map(counted).join("; "), budget: "0; 0; 0; 0" }, code === 0),
      bounded({ row, what: "killed; intents recorded; interrupted; uncertain and alerted", measured: ["killed \\(SIGKILL\\)", "intents recorded", "interrupted by the kill", "uncertain actions alerted"].map(counted).join("; "), budget: "" }, null),
    ];
  },
};
