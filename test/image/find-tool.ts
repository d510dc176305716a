/**
 * What builds and runs images on this machine: Docker or podman where one works, else
 * Debian's buildah and runc on a base image made here.
 */
import { findProgram, provideServers } from "../support/provide-servers.ts";
import { openBuildah } from "./buildah.ts";
import type { ContainerTool } from "./container-tool.ts";
import { engine } from "./engine.ts";
import { execute } from "./execute.ts";

export type FoundTool = { readonly kind: "found"; readonly open: () => Promise<ContainerTool> } | { readonly kind: "missing"; readonly why: string };

/** Looks for Docker, podman, buildah; installs the last from Debian's packages where that is allowed. */
export async function findTool(): Promise<FoundTool> {
  for (const name of ["docker", "podman"]) {
    const works = findProgram(name) !== null && (await execute(name, ["info"], { timeoutMs: 20_000 })).code === 0;
    if (works) return { kind: "found", open: () => Promise.resolve(engine(name)) };
  }
  if (process.platform !== "linux" || process.getuid?.() !== 0) return { kind: "missing", why: "no Docker engine or podman answers, and buildah needs Linux and root" };
  const { missing } = await provideServers(["buildah", "debootstrap", "runc"]);
  if (missing.length > 0) return { kind: "missing", why: missing.map(({ name, why }) => `${name}: ${why}`).join("; ") };
  return { kind: "found", open: openBuildah };
}
