/**
 * The configuration as the commands load it: errors are printed all at once, and end the command.
 */
import { resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { renderErrors, type Problem } from "../config/problem.ts";
import { catalogues } from "../roles/catalogues.ts";
import { ExitError, type Terminal } from "./terminal.ts";

export const DEFAULT_FILE = "shopkeeper.yaml";

/** Exit code of a configuration that is not valid. */
export const EXIT_CONFIGURATION = 2;

export type LoadedSite = { readonly config: Config; readonly warnings: readonly Problem[]; readonly file: string };

/** @throws {ExitError} 2 with every error: file, line, column, what was expected, the nearest right word. */
export async function loadSite(terminal: Terminal, file: string): Promise<LoadedSite> {
  const path = resolve(terminal.cwd, file);
  const loaded = await loadConfig({ file: path, env: terminal.env, catalogues });
  const color = terminal.paintErr("red", "") !== "";
  if (!loaded.ok) {
    const count = loaded.errors.length;
    throw new ExitError(EXIT_CONFIGURATION, `${renderErrors(loaded.errors, { color })}\n${count} ${count === 1 ? "error" : "errors"} in the configuration`);
  }
  return { config: loaded.config, warnings: loaded.warnings, file: path };
}

/** Warnings for people, on standard error. */
export function showWarnings(terminal: Terminal, warnings: readonly Problem[]): void {
  if (warnings.length > 0) terminal.err(`${renderErrors(warnings, { color: terminal.paintErr("red", "") !== "", kind: "warning" })}\n`);
}
