/**
 * Which files make a configuration: `shopkeeper.yaml`, and `checks/` and `policies/` beside
 * it, laid over the shipped ones.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { filelessProblem } from "./yaml-source.ts";
import type { Problem } from "./problem.ts";

/** Reading, handed in so that tests need no disk. Both reject when there is nothing to read. */
export type Files = {
  read(path: string): Promise<string>;
  /** Names of the entries of a folder. */
  list(folder: string): Promise<readonly string[]>;
};

/** Largest file read, in bytes. */
export const MAX_FILE_BYTES = 1024 * 1024;
/** Most files of one folder. */
export const MAX_FILES = 500;

export const diskFiles: Files = {
  read: async (path) => {
    admitSize((await stat(path)).size);
    return readFile(path, "utf8");
  },
  list: (folder) => readdir(folder),
};

/** The disk for who has nothing else to do meanwhile, such as a start: each step by Node's thread pool costs more than the file. */
export const diskFilesAtOnce: Files = {
  read: async (path) => {
    admitSize(statSync(path).size);
    return readFileSync(path, "utf8");
  },
  list: async (folder) => readdirSync(folder),
};

function admitSize(bytes: number): void {
  if (bytes > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`);
}

/** One file's text; `shipped` ones give way to the project's own. */
export type FileText = { readonly file: string; readonly text: string; readonly shipped: boolean };

export type Gathered = {
  readonly site: FileText | null;
  readonly checks: readonly FileText[];
  readonly policies: readonly FileText[];
  readonly problems: readonly Problem[];
};

/** The folder that holds the shipped `checks/` and `policies/`: the package's root, or `dist/` in a bundle. */
export function shippedFolder(here: string = import.meta.url): string {
  const candidates = [new URL("./", here), new URL("../", here), new URL("../../", here)].map((url) => fileURLToPath(url));
  return candidates.find((folder) => existsSync(join(folder, "checks", "application.yaml"))) ?? candidates[0] ?? ".";
}

/**
 * Reads everything there is. A file of the project's own folder replaces the shipped one of
 * the same name; others add. Never rejects.
 */
export async function gatherFiles(file: string, files: Files, shipped: string): Promise<Gathered> {
  const problems: Problem[] = [];
  const site = await readText(file, false, files, problems, "FILE_MISSING");
  const own = dirname(file);
  const [checks, policies] = await Promise.all([partFiles("checks", own, shipped, files, problems), partFiles("policies", own, shipped, files, problems)]);
  return { site, checks, policies, problems };
}

/** Contents of the secrets' files, by path as written; null where one cannot be read. */
export async function readSecretFiles(names: readonly string[], folder: string, files: Files): Promise<ReadonlyMap<string, string | null>> {
  const contents = await Promise.all(
    [...new Set(names)].map(async (name): Promise<readonly [string, string | null]> => {
      const path = isAbsolute(name) ? name : join(folder, name);
      return [name, await files.read(path).catch(() => null)];
    }),
  );
  return new Map(contents);
}

async function partFiles(kind: "checks" | "policies", own: string, shipped: string, files: Files, problems: Problem[]): Promise<readonly FileText[]> {
  const ours = await yamlNames(join(own, kind), files, problems);
  const theirs = await yamlNames(join(shipped, kind), files, problems);
  const stems = new Set(ours.map(stem));
  const wanted = [
    ...theirs.filter((name) => !stems.has(stem(name))).map((name) => ({ path: join(shipped, kind, name), shipped: true })),
    ...ours.map((name) => ({ path: join(own, kind, name), shipped: false })),
  ];
  const texts = await Promise.all(wanted.map((one) => readText(one.path, one.shipped, files, problems, "FILE_MISSING")));
  return texts.filter((text) => text !== null);
}

async function yamlNames(folder: string, files: Files, problems: Problem[]): Promise<readonly string[]> {
  const names = await files.list(folder).catch((): readonly string[] => []);
  const found = names.filter((name) => /\.ya?ml$/.test(name)).toSorted();
  if (found.length <= MAX_FILES) return found;
  problems.push(filelessProblem("FILE_MISSING", folder, `the folder holds ${found.length} files`, `at most ${MAX_FILES}`));
  return found.slice(0, MAX_FILES);
}

function stem(name: string): string {
  return basename(name).replace(/\.ya?ml$/, "");
}

async function readText(file: string, shipped: boolean, files: Files, problems: Problem[], code: "FILE_MISSING"): Promise<FileText | null> {
  try {
    return { file, text: await files.read(file), shipped };
  } catch (error) {
    problems.push(filelessProblem(code, file, `cannot be read: ${error instanceof Error ? error.message : "unknown reason"}`, "a readable file"));
    return null;
  }
}
