/**
 * Tables and colours for a terminal. Colour only where asked for; widths by what stands in the cells.
 */
import { stripVTControlCharacters, styleText } from "node:util";

export type Style = Parameters<typeof styleText>[0];

/** Colours text on a colour terminal; the text itself elsewhere. */
export type Paint = (style: Style, text: string) => string;

export function painter(colour: boolean): Paint {
  return colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}

/** A terminal that wants colour: a TTY, and neither NO_COLOR nor TERM=dumb (https://no-color.org). */
export function wantsColour(stream: { readonly isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>): boolean {
  return stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

/**
 * Lays rows out in columns, two spaces apart, the last column free. Coloured cells count by what is seen.
 *
 * @param rows the heading first; shorter rows leave the rest empty.
 */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, width(cell))));
  const line = (row: readonly string[]): string =>
    row.map((cell, index) => (index === row.length - 1 ? cell : cell + " ".repeat((widths[index] ?? 0) - width(cell)))).join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
