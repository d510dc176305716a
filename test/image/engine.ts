/** Docker and podman: they take the same words. */
import { BASE, BUILD_TIMEOUT_MS, RUN_TIMEOUT_MS, TAG, type ContainerTool, type ImageConfig } from "./container-tool.ts";
import { execute, succeed } from "./execute.ts";
import { withNpmSettings } from "./npm-settings.ts";

export function engine(name: string): ContainerTool {
  const call = (args: readonly string[], timeoutMs = RUN_TIMEOUT_MS): Promise<string> => succeed(name, args, { timeoutMs });
  const size = async (image: string): Promise<number> => Number(await call(["image", "inspect", "--format", "{{.Size}}", image]));
  return {
    name,
    build: (folder, tag = TAG) => withNpmSettings((file) => call(["build", ...(name === "podman" ? ["--format", "docker"] : []), "--secret", `id=npmrc,src=${file}`, "--tag", tag, folder], BUILD_TIMEOUT_MS)),
    save: async (tag, image, file) => {
      await call(["tag", tag, image]);
      await call(["save", ...(name === "podman" ? ["--format", "docker-archive"] : []), "--output", file, image], BUILD_TIMEOUT_MS);
    },
    sizes: async () => {
      await call(["pull", "--quiet", BASE], BUILD_TIMEOUT_MS);
      return { base: await size(BASE), image: await size(TAG) };
    },
    inspect: async () => JSON.parse(await call(["image", "inspect", "--format", "{{json .Config}}", TAG])) as ImageConfig,
    run: ({ command, configuration, env = {} }) =>
      execute(
        name,
        [
          ...["run", "--rm", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none"],
          ...(configuration === undefined ? [] : ["--volume", `${configuration}:/etc/shopkeeper:ro`]),
          ...Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
          ...["--entrypoint", command[0] ?? "", TAG, ...command.slice(1)],
        ],
        { timeoutMs: RUN_TIMEOUT_MS },
      ),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
