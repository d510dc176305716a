/**
 * What is wrong with a configuration, as a value: where, what, what was expected, and
 * the right word where one is near.
 */

/** Stable codes, for `--json` and for tests. */
export type ProblemCode =
  | "YAML_SYNTAX"
  | "DUPLICATE_KEY"
  | "TAB_INDENT"
  | "UNKNOWN_KEY"
  | "MISSING_KEY"
  | "WRONG_TYPE"
  | "BAD_VALUE"
  | "UNKNOWN_NAME"
  | "DUPLICATE_NAME"
  | "CYCLE"
  | "RELATION"
  | "TRIGGER"
  | "ASSERTION"
  | "ENV_MISSING"
  | "SECRET_INLINE"
  | "SECRET_FILE"
  | "FILE_MISSING"
  | "WARNING";

export type Problem = {
  readonly code: ProblemCode;
  /** As handed in: relative names stay relative. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in characters. */
  readonly column: number;
  /** "targets.app.url", "depends_on[1]"; "" for the whole file. */
  readonly path: string;
  /** One sentence without a full stop: what is wrong. */
  readonly message: string;
  /** What would have been right; null where the message says all. */
  readonly expected: string | null;
  /** The right word, where one is near; null where none is. */
  readonly nearest: string | null;
  /** The line itself, for showing; "" where there is none. */
  readonly source: string;
  /** Characters to underline from `column` on; at least 1. */
  readonly length: number;
};

/** A path as people write it: ["checks", 2, "timeout"] is "checks[2].timeout". */
export function pathText(path: readonly PropertyKey[]): string {
  let written = "";
  for (const part of path) {
    if (typeof part === "number") written += `[${part}]`;
    else if (String(part).includes(".")) written += `["${String(part)}"]`;
    else written += written === "" ? String(part) : `.${String(part)}`;
  }
  return written;
}

/** The same without what stands at its place: that may be a secret, which must not reach the terminal and its logs as well. */
export function withoutLine(problem: Problem): Problem {
  return { ...problem, source: `${problem.source.slice(0, problem.column - 1)}********`, length: 8 };
}

/** By file, line and column, as they are shown. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1));
}

const COLORS = { bold: "\u001b[1m", red: "\u001b[31m", yellow: "\u001b[33m", cyan: "\u001b[36m", off: "\u001b[0m" } as const;

/**
 * The problems as text for a terminal: one paragraph each, with the line and a mark under the word.
 *
 * @param options.kind what to call them; warnings are yellow.
 */
export function renderErrors(problems: readonly Problem[], options: { readonly color: boolean; readonly kind?: "error" | "warning" }): string {
  const kind = options.kind ?? "error";
  const paint = (color: keyof typeof COLORS, words: string): string => (options.color ? `${COLORS[color]}${words}${COLORS.off}` : words);
  const tone = kind === "error" ? "red" : "yellow";
  return inOrder(problems)
    .map((problem) => {
      const place = paint("bold", `${problem.file}:${problem.line}:${problem.column}`);
      const path = problem.path === "" ? "" : `${paint("cyan", problem.path)}: `;
      const lines = [`${place}: ${paint(tone, kind)}: ${path}${problem.message}`];
      if (problem.expected !== null) lines.push(`  expected ${problem.expected}`);
      if (problem.nearest !== null) lines.push(`  did you mean ${paint("bold", problem.nearest)}?`);
      lines.push(...frame(problem, (words) => paint(tone, words)));
      return lines.join("\n");
    })
    .join("\n\n");
}

const FRAME_WIDTH = 160;

function frame(problem: Problem, paint: (words: string) => string): readonly string[] {
  if (problem.source.trim() === "") return [];
  const margin = `  ${problem.line} | `;
  const shown = problem.source.slice(0, FRAME_WIDTH).replaceAll("\t", " ");
  if (problem.column > FRAME_WIDTH) return [`${margin}${shown}`];
  const length = Math.max(1, Math.min(problem.length, shown.length - problem.column + 1));
  return [`${margin}${shown}`, `${" ".repeat(margin.length + problem.column - 1)}${paint("^".repeat(length))}`];
}
