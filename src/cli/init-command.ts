/**
 * `init`: a first configuration for the project in a folder, or, with `--kubernetes`, a folder of
 * kustomize that puts Shopkeeper beside a Deployment and over its pods. Writes new files only.
 */
import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Command } from "commander";
import { DEFAULT_FILE } from "./load-site.ts";
import { ExitError, printJson, type Terminal } from "./terminal.ts";
import { writeNew } from "./write-new.ts";

type InitOptions = { readonly kubernetes?: string; readonly deployment?: string; readonly container?: string; readonly json?: boolean };

export function addInitCommand(program: Command, terminal: Terminal): void {
  program
    .command("init")
    .argument("[dir]", "where to write; default: here, or the folder shopkeeper beside the Deployment's file")
    .description("write a first shopkeeper.yaml, or the kustomize component that puts Shopkeeper beside a Deployment and over its pods")
    .option("--kubernetes <file>", "a file with the Deployment, and its Service where it stands there too")
    .option("--deployment <name>", "which Deployment, where the file has several")
    .option("--container <name>", "which container is the application, where that is not plain")
    .option("--json", "stable output for scripts")
    .addHelpText(
      "after",
      `
It writes new files only, and nothing at all where one of them is there already.
Exit code 0, 1 when a file is in the way, 2 when the manifests cannot be read as they should.`,
    )
    .action(async (dir: string | undefined, options: InitOptions) => {
      if (options.kubernetes === undefined) return initProject(terminal, dir ?? ".", options);
      const { initKubernetes } = await import("./init-kubernetes.ts");
      return initKubernetes(terminal, dir, { ...options, kubernetes: options.kubernetes });
    });
}

async function initProject(terminal: Terminal, dir: string, { json, deployment, container }: InitOptions): Promise<void> {
  const stray = deployment !== undefined ? "--deployment" : container !== undefined ? "--container" : null;
  if (stray !== null) throw new ExitError(2, `${stray} goes with --kubernetes`);
  const folder = resolve(terminal.cwd, dir);
  const { draftSite } = await import("../core/site-draft.ts");
  const draft = draftSite({ folder: basename(folder), manifest: await packageJson(join(folder, "package.json")), entries: await readdir(folder).catch(() => []) });
  await writeNew(folder, [{ path: DEFAULT_FILE, text: draft.text }]);
  if (json === true) return printJson(terminal, { folder, files: [DEFAULT_FILE], notes: draft.notes });
  terminal.out([...draft.notes, `written: ${join(dir, DEFAULT_FILE)}`, "next: shopkeeper validate, shopkeeper check, shopkeeper run", ""].join("\n"));
}

/** null where there is none. @throws {ExitError} where it is not JSON: what it would have said is then unknown. */
async function packageJson(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ExitError(2, `${file}: not valid JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
