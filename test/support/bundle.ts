/** Shopkeeper as it ships, for whoever starts it as a process: the bundle starts in a tenth of the time that its sources take. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
/** The program that a whole run shares; set by `bundle-setup.ts`. */
export const BUNDLE = "SHOPKEEPER_TEST_BUNDLE";
let built: string | null = process.env[BUNDLE] ?? null;

/** Builds it into a folder of its own, so that a build elsewhere changes nothing under a run. @throws {Error} with the builder's words */
export function buildBundle(): { readonly program: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "shopkeeper-bundle-"));
  const made = spawnSync(process.execPath, ["build.ts", folder], { cwd: ROOT, encoding: "utf8", timeout: 120_000 });
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  if (made.status === 0) return { program: join(folder, "shopkeeper.mjs"), remove };
  remove();
  throw new Error(`the bundle cannot be built: ${made.stderr.split("\n").find((line) => line.includes("ERROR")) ?? made.stderr}`);
}

/** The program: that of the run, else built once a process. @throws {Error} with the builder's words */
export function bundle(): string {
  if (built !== null) return built;
  const { program, remove } = buildBundle();
  process.on("exit", remove);
  built = program;
  return program;
}
