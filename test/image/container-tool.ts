/** What builds an image and runs it, whichever tool that is. */
import type { Ran } from "./execute.ts";

export const BUILD_TIMEOUT_MS = 600_000;
export const RUN_TIMEOUT_MS = 60_000;

/** What an image says of itself, as Docker has it. */
export type ImageConfig = {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly StopSignal: string;
  readonly ExposedPorts: Readonly<Record<string, unknown>>;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Healthcheck?: { readonly Test: readonly string[] };
};

export type RunOptions = {
  /** Instead of the image's entrypoint and command. */
  readonly command: readonly string[];
  /** Folder of this machine shown read-only at /etc/shopkeeper. */
  readonly configuration?: string;
  readonly env?: Readonly<Record<string, string>>;
};

/** Containers run as a Restricted pod does: the image's user, a read-only root, no capabilities, no new privileges; and no network but their own loopback. */
export type ContainerTool = AsyncDisposable & {
  readonly name: string;
  /** Image of the base and of ours, in bytes. */
  sizes(): Promise<{ readonly base: number; readonly image: number }>;
  /** Builds the Dockerfile of a folder. @param tag default: ours, on which everything else here works. @throws {Error} with the builder's words. */
  build(folder: string, tag?: string): Promise<void>;
  /** Writes a built image to a docker archive under another name, "docker.io/library/shop:1": by that a cluster's nodes know it. */
  save(tag: string, name: string, file: string): Promise<void>;
  inspect(): Promise<ImageConfig>;
  run(options: RunOptions): Promise<Ran>;
};

export const TAG = "localhost/shopkeeper:test";
export const BASE = "docker.io/library/node:24.21.0-bookworm-slim";
