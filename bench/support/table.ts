/**
 * What a row says, and the one table of all rows.
 */

/** One line of the table. Ratios are always ours to the peer's, so that the budget says which side is good. */
export type Line = {
  readonly row: string;
  readonly what: string;
  /** Our figure with its unit. */
  readonly measured: string;
  /** The peer and its figure; why it is missing; "" where the budget names no peer. */
  readonly peer: string;
  /** Ours divided by the peer's; null where there is nothing to divide by. */
  readonly ratio: number | null;
  /** As written in the budget; "" for a line that only informs. */
  readonly budget: string;
  /** null: no budget, or nothing to compare with. */
  readonly holds: boolean | null;
};

const HEAD = ["row", "what", "measured", "peer", "ratio", "budget", "holds?"] as const;

/** The table as text; a row's name is written once. */
export function table(lines: readonly Line[]): string {
  const cells = lines.map((line, at) => [
    lines[at - 1]?.row === line.row ? "" : line.row,
    line.what,
    line.measured,
    line.peer,
    line.ratio === null ? "" : line.ratio.toFixed(2),
    line.budget,
    line.holds === null ? "" : line.holds ? "yes" : "NO",
  ]);
  const widths = HEAD.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const write = (row: readonly string[]): string => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
  return [write(HEAD), widths.map((width) => "-".repeat(width)).join("  "), ...cells.map(write)].join("\n");
}

/** A line that compares: ours divided by theirs, held against a bound. A missing peer leaves the ratio out. */
export function compared(line: Pick<Line, "row" | "what" | "measured" | "budget">, ours: number, peer: { readonly name: string; readonly figure: number; readonly shown: string } | { readonly missing: string }, within: ((ratio: number) => boolean) | null): Line {
  if ("missing" in peer) return { ...line, peer: peer.missing, ratio: null, holds: null };
  const ratio = peer.figure > 0 ? ours / peer.figure : null;
  return { ...line, peer: `${peer.name} ${peer.shown}`, ratio, holds: ratio === null || within === null ? null : within(ratio) };
}

/** A line whose budget is an absolute figure. */
export function bounded(line: Pick<Line, "row" | "what" | "measured" | "budget">, holds: boolean | null, peer = ""): Line {
  return { ...line, peer, ratio: null, holds };
}
