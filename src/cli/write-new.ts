/** New files in a folder: all of them, or none. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ExitError } from "./terminal.ts";

/** A file to be written: its path within the folder, and its text. */
export type NewFile = { readonly path: string; readonly text: string };

/** Exit code of what is refused, with nothing written. */
const EXIT_REFUSED = 1;

/**
 * Writes them.
 *
 * @throws {ExitError} when one is there already, or cannot be written.
 */
export async function writeNew(folder: string, files: readonly NewFile[]): Promise<void> {
  const paths = files.map(({ path }) => join(folder, path));
  const there = (await Promise.all(paths.map((path) => readFile(path).then(() => path, (error: unknown) => (codeOf(error) === "ENOENT" ? null : path))))).filter((path) => path !== null);
  if (there.length > 0) throw new ExitError(EXIT_REFUSED, `nothing is written, since there already is ${there.join(", ")}: move it away, or name another folder`);
  try {
    for (const [index, { text }] of files.entries()) {
      const path = paths[index] ?? folder;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { flag: "wx" });
    }
  } catch (error) {
    throw new ExitError(EXIT_REFUSED, `cannot write into ${folder}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
