/** Budgets that wait for the part they measure. */
import type { Row } from "../support/bench.ts";
import type { Line } from "../support/table.ts";

const WAITING: readonly (readonly [string, string])[] = [
  ["stored copy of an http route", "needs the http cache"],
  ["two workers on two cores ≥ 1.7 × one", "needs more cores than this measures with: wrk takes one of two"],
  ["singleton, 2,000 pods at 10 s < 50 % of a core", "needs the singleton"],
  ["rule change → in every gateway ≤ 1 s, ≤ 10 s", "needs routing rules"],
];

export const later: Row = {
  name: "later",
  about: "budgets that are not measured yet, and what they wait for",
  run: async () => WAITING.map(([what, why]): Line => ({ row: "later", what, measured: "not yet", peer: why, ratio: null, budget: "", holds: null })),
};
