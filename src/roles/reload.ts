/**
 * Another configuration while the daemon runs: on SIGHUP, or when one of its files changes. A valid
 * one is taken; else the old one stays, and the log says why.
 */
import { createHash } from "node:crypto";
import { watch, type FSWatcher } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { shippedFolder } from "../config/files.ts";
import type { Problem } from "../config/problem.ts";
import type { Ms } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { DaemonPorts, Taken } from "./daemon.ts";
import { readConfig, type Reading } from "./read-config.ts";

export type ReloadParts = {
  /** Absolute path of shopkeeper.yaml. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
  /** The configuration at work. */
  readonly first: Reading;
  /** Hands a valid configuration over. Must not reject. */
  readonly take: (config: Config) => Promise<Taken>;
  /** Ports in use, for the log. */
  readonly ports: () => DaemonPorts;
  /** Nothing is at work any more. */
  readonly lost: (why: string) => void;
};

export type Reloading = {
  /** Reads the files again, changed or not; at once, or once the reload that runs has ended. */
  request(): void;
  /** Stops watching; resolves when a reload that runs has ended. */
  stop(): Promise<void>;
};

/** Files are saved in several steps, and several at a time: read once nothing has changed for this long. */
const QUIET_MS: Ms = 250;

/** Folders of files beside shopkeeper.yaml. */
const PART_FOLDERS: readonly string[] = ["checks", "policies"];

/** Problems of one configuration in one log line. */
const MAX_PROBLEMS = 50;

/** Watches the configuration's files from now on. */
export function startReloading(parts: ReloadParts): Reloading {
  return new Reloader(parts);
}

/** Two readings with one digest are of one configuration. */
export function digestOf({ read }: Pick<Reading, "read">): string {
  return createHash("sha256").update(read).digest("hex");
}

class Reloader implements Reloading {
  readonly #parts: ReloadParts;
  readonly #watch: FolderWatch;
  /** Of the configuration in force, and of what was read last, valid or not. */
  #inForce: string;
  #seen: string;
  #warnings: readonly string[];
  #running: Promise<void> | null = null;
  #wanted = false;
  #stopped = false;
  #cancel: () => void = () => undefined;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#inForce = digestOf(parts.first);
    this.#seen = this.#inForce;
    this.#warnings = linesOf(parts.first.loaded.warnings);
    this.#watch = new FolderWatch(() => this.#changed(), (detail) => parts.log.warn({ event: "reload" }, `changes of files are not noticed any more (${detail}): send SIGHUP after a change`));
    this.#watch.follow(parts.file, parts.first.files);
    // What changed between the first reading and this moment was seen by nobody.
    this.#changed();
  }

  request(): void {
    this.#parts.log.info({ event: "reload" }, "SIGHUP: the configuration is read again");
    // What was refused before is tried once more.
    this.#seen = "";
    this.#want();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    this.#watch.close();
    await this.#running;
  }

  #changed(): void {
    this.#cancel();
    this.#cancel = this.#parts.clock.after(QUIET_MS, () => this.#want());
  }

  /** One reload at a time; what is asked meanwhile is one more after it. */
  #want(): void {
    if (this.#stopped) return;
    if (this.#running !== null) {
      this.#wanted = true;
      return;
    }
    this.#running = this.#reload()
      .catch((error: unknown) => this.#parts.log.error({ event: "trouble" }, `the configuration could not be read again: ${error instanceof Error ? error.message : String(error)}`))
      .finally(() => {
        this.#running = null;
        if (!this.#wanted) return;
        this.#wanted = false;
        this.#want();
      });
  }

  async #reload(): Promise<void> {
    const { file, env, log, take, ports, lost } = this.#parts;
    const reading = await readConfig(file, env);
    const { loaded, files } = reading;
    const digest = digestOf(reading);
    if (this.#stopped) return;
    this.#watch.follow(file, files);
    if (digest === this.#seen) return;
    this.#seen = digest;
    if (digest === this.#inForce) return log.info({ event: "reload", taken: false }, "the configuration's files are those in force: nothing to do");
    if (!loaded.ok) return log.error({ event: "reload", taken: false, errors: linesOf(loaded.errors) }, `the changed configuration is not valid (${counted(loaded.errors)}); the one before stays in force`);
    const known = new Set(this.#warnings);
    this.#warnings = linesOf(loaded.warnings);
    for (const warning of this.#warnings) if (!known.has(warning)) log.warn({ event: "reload" }, warning);
    const taken = await take(loaded.config);
    switch (taken.kind) {
      case "taken":
        this.#inForce = digest;
        return log.info({ event: "reload", taken: true, ...ports() }, "the changed configuration is in force");
      case "refused":
        return log.error({ event: "reload", taken: false, errors: [taken.why], ...ports() }, `the changed configuration was not taken: ${taken.why}; the one before stays in force`);
      case "lost":
        log.fatal({ event: "reload", taken: false, errors: [taken.why] }, `nothing is at work any more: ${taken.why}`);
        return lost(taken.why);
    }
  }
}

/** Watches the folders of a configuration for changes of the files that make it. */
class FolderWatch {
  readonly #changed: () => void;
  readonly #failed: (detail: string) => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #names: ReadonlySet<string> = new Set();

  constructor(changed: () => void, failed: (detail: string) => void) {
    this.#changed = changed;
    this.#failed = failed;
  }

  /** Watches the folders of these files, and `checks/` and `policies/` beside the first, and no other. */
  follow(file: string, files: readonly string[]): void {
    const own = dirname(file);
    const parts = PART_FOLDERS.map((name) => join(own, name));
    // The shipped files change with the program, not while it runs.
    const shipped = new Set(PART_FOLDERS.map((name) => join(shippedFolder(), name)));
    const wanted = new Set([own, ...parts, ...files.map((path) => dirname(path)).filter((folder) => !shipped.has(folder))]);
    this.#names = new Set([...files.map((path) => basename(path)), ...PART_FOLDERS]);
    for (const folder of this.#watchers.keys()) if (!wanted.has(folder)) this.#forget(folder);
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#open(folder);
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #open(folder: string): void {
    const lose = (error: unknown): void => {
      this.#forget(folder);
      // `checks/` need not be there; that it comes to be is seen in the folder above.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) this.#failed(error instanceof Error ? error.message : String(error));
    };
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        // A folder made anew is another one, though its name is the same.
        if (name !== null && PART_FOLDERS.includes(name)) this.#forget(join(folder, name));
        // A mounted volume swaps a link named "..data".
        if (name === null || this.#names.has(name) || name.startsWith("..") || /\.ya?ml$/.test(name)) this.#changed();
      });
      watcher.on("error", lose);
      this.#watchers.set(folder, watcher);
    } catch (error) {
      lose(error);
    }
  }
}

function linesOf(problems: readonly Problem[]): readonly string[] {
  return problems.slice(0, MAX_PROBLEMS).map(({ file, line, column, path, message, expected, nearest }) => {
    const hints = `${expected === null ? "" : `; expected ${expected}`}${nearest === null ? "" : `; did you mean ${nearest}?`}`;
    return `${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}${message}${hints}`;
  });
}

function counted(problems: readonly Problem[]): string {
  return problems.length === 1 ? "1 error" : `${problems.length} errors`;
}
