/**
 * The demo on a terminal: a live board while it runs, and the table at the end.
 */
import { styleText } from "node:util";
import { table } from "../src/cli/table.ts";
import type { Visit } from "./buyers.ts";
import { acted, detected, recovery, seconds, shareServed, shortcomings, type Row, type Share } from "./row.ts";

type Style = Parameters<typeof styleText>[0];

const STRIP = 48;

export type Screen = { draw(rows: readonly Row[], elapsedMs: number): void; end(): void };

/** Redraws in place on a terminal; elsewhere prints each new ledger line once. */
export function liveScreen(colour: boolean, interactive: boolean): Screen {
  const paint = painter(colour);
  let lines = 0;
  const printed = new Set<string>();
  return {
    draw(rows, elapsedMs) {
      if (!interactive) return printNew(rows, printed);
      const text = board(rows, elapsedMs, paint);
      process.stdout.write(`${lines > 0 ? `\u001B[${lines}A` : ""}${text.map((line) => `\u001B[2K${line}\n`).join("")}`);
      lines = text.length;
    },
    end: () => void (interactive && process.stdout.write("\n")),
  };
}

function painter(colour: boolean): (style: Style, text: string) => string {
  return colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}

function board(rows: readonly Row[], elapsedMs: number, paint: (style: Style, text: string) => string): string[] {
  const lines = [paint("bold", `Shopkeeper demo  ${(elapsedMs / 1_000).toFixed(0)} s`) + paint("gray", "   each mark is one buyer: ● served  ✗ not")];
  for (const row of rows) {
    lines.push("", `${paint("bold", row.fault.title)}  ${paint("gray", row.phase)}`);
    lines.push(`  with     ${strip(row, row.with?.visits ?? [], paint)}`);
    lines.push(`  without  ${strip(row, row.without?.visits ?? [], paint)}`);
    for (const entry of story(row).slice(-3)) lines.push(paint("gray", `  ${entry}`.slice(0, (process.stdout.columns ?? 120) - 1)));
    for (let missing = Math.min(3, story(row).length); missing < 3; missing++) lines.push("");
  }
  return lines;
}

function strip(row: Row, visits: readonly Visit[], paint: (style: Style, text: string) => string): string {
  return visits
    .slice(-STRIP)
    .map((visit) => (visit.served ? paint(row.faultAt > 0 && visit.at >= row.faultAt ? "green" : "gray", "●") : paint("red", "✗")))
    .join("");
}

/** What the daemon saw, decided and did since the fault, with seconds after it. */
function story(row: Row): readonly string[] {
  if (row.faultAt === 0) return [];
  const told = new Set(["verdict", "status", "decision", "hold", "outcome", "verified", "breaker", "escalation"]);
  return (row.watch?.entries ?? [])
    .filter((entry) => entry.at >= row.faultAt - 50 && told.has(entry.kind))
    .map((entry) => `+${((entry.at - row.faultAt) / 1_000).toFixed(1)} s  ${entry.kind.padEnd(8)} ${entry.text}`);
}

function printNew(rows: readonly Row[], printed: Set<string>): void {
  for (const row of rows) {
    for (const line of story(row)) {
      const whole = `${row.fault.name.padEnd(7)} ${line}`;
      if (printed.has(whole)) continue;
      printed.add(whole);
      process.stdout.write(`${whole}\n`);
    }
  }
}

/** The table that the demo is for. */
export function resultTable(rows: readonly Row[], colour: boolean): string {
  const paint = painter(colour);
  const body = rows.map((row) => {
    const wrong = shortcomings(row);
    const found = detected(row);
    return [
      row.fault.title,
      found === undefined ? "-" : seconds(found.at - row.faultAt),
      served(shareServed(row, row.with)),
      served(shareServed(row, row.without)),
      recovery(row),
      acted(row) === undefined ? "none" : row.fault.remedy,
      wrong.length === 0 ? paint("green", "holds") : paint("red", wrong.join("; ")),
    ];
  });
  return table([["FAULT", "DETECTED AFTER", "SERVED WITH", "WITHOUT", "RECOVERED AFTER", "ACTION", ""], ...body]);
}

function served(share: Share): string {
  return share.of === 0 ? "-" : `${share.served} of ${share.of} (${Math.floor((100 * share.served) / share.of)} %)`;
}
