/**
 * The configuration as the commands load it: errors are printed all at once, and end the command.
 */
import { resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { renderErrors, type Problem } from "../config/problem.ts";
import type { Reading } from "../roles/read-config.ts";
import { ExitError, type Terminal } from "./terminal.ts";

export const DEFAULT_FILE = "shopkeeper.yaml";

/** Exit code of a configuration that is not valid. */
export const EXIT_CONFIGURATION = 2;

export type LoadedSite = { readonly config: Config; readonly warnings: readonly Problem[]; readonly file: string; readonly reading: Reading };

/**
 * @param exitCode of a configuration that is not valid
 * @throws {ExitError} with every error: file, line, column, what was expected, the nearest right word.
 */
export async function loadSite(terminal: Terminal, file: string, exitCode: number = EXIT_CONFIGURATION): Promise<LoadedSite> {
  const path = resolve(terminal.cwd, file);
  const [{ readConfig }, { diskFilesAtOnce }] = await Promise.all([import("../roles/read-config.ts"), import("../config/files.ts")]);
  const reading = await readConfig(path, terminal.env, diskFilesAtOnce);
  const { loaded } = reading;
  const color = terminal.paintErr("red", "") !== "";
  if (!loaded.ok) {
    const count = loaded.errors.length;
    throw new ExitError(exitCode, `${renderErrors(loaded.errors, { color })}\n${count} ${count === 1 ? "error" : "errors"} in the configuration`);
  }
  return { config: loaded.config, warnings: loaded.warnings, file: path, reading };
}

/** Warnings for people, on standard error. */
export function showWarnings(terminal: Terminal, warnings: readonly Problem[]): void {
  if (warnings.length > 0) terminal.err(`${renderErrors(warnings, { color: terminal.paintErr("red", "") !== "", kind: "warning" })}\n`);
}
