/**
 * `npm run cluster -- …`: a real Kubernetes on this machine, to test against and to
 * play with.
 */
import { parseArgs } from "node:util";
import { build } from "./build.ts";
import { down, load, placeFrom, status, up, type Place, type Size } from "./cluster.ts";
import { lackingOnMachine, programsFor, type Level } from "./needs.ts";
import { builtProgram, PROGRAMS, type ProgramName } from "./programs.ts";

const USAGE = `npm run cluster -- up [--nodes N] [--fake N] [--addons]   start one: N real nodes, N fake ones, DNS and metrics
npm run cluster -- load IMAGE.tar                         an OCI or docker archive into every real node
npm run cluster -- status                                 what runs, and where its kubeconfig is
npm run cluster -- down                                   end it and remove all of it
npm run cluster -- build [NAME...]                        only compile its programs: ${PROGRAMS.join(", ")}

Its state is in $CLUSTER_DIR, its API server's port is $CLUSTER_PORT (16443).
`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name}: expected a whole number, got ${text}`);
  return value;
}

function sizeFrom(args: readonly string[]): Size {
  const { values } = parseArgs({ args: [...args], options: { nodes: { type: "string", default: "0" }, fake: { type: "string", default: "0" }, addons: { type: "boolean", default: false } } });
  return { nodes: count("nodes", values.nodes), fakeNodes: count("fake", values.fake), addons: values.addons };
}

async function buildAll(names: readonly ProgramName[]): Promise<void> {
  const built = await build(names);
  if (!built.ok) throw new Error(built.why);
}

async function startUp(place: Place, args: readonly string[]): Promise<void> {
  const size = sizeFrom(args);
  const level: Level = size.nodes > 0 || size.addons ? "whole" : "fake";
  const lacks = lackingOnMachine(level);
  if (lacks.length > 0) throw new Error(lacks.join("\n"));
  await buildAll(programsFor(level));
  const started = performance.now();
  const { kubeconfig } = await up(place, size, process.env, untilStopped());
  say(`up in ${((performance.now() - started) / 1_000).toFixed(1)} s:\n${builtProgram("kubectl", process.env)} --kubeconfig ${kubeconfig} get nodes`);
}

/** Aborted by Ctrl-C: `up` then ends what it has started. */
function untilStopped(): AbortSignal {
  const stopped = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stopped.abort(new Error(`stopped by ${name}; what was started has ended`)));
  return stopped.signal;
}

async function tellStatus(place: Place): Promise<void> {
  const { kubeconfig, running, ended } = await status(place);
  say(`kubeconfig: ${kubeconfig}\nruns: ${running.join(", ") || "nothing"}`);
  if (ended.length > 0) say(`has ended: ${ended.join(", ")} (see ${place.folder}/log)`);
}

async function main([command, ...args]: readonly string[]): Promise<void> {
  const place = placeFrom(process.env);
  switch (command) {
    case "up":
      return startUp(place, args);
    case "load": {
      const [archive] = args;
      if (archive === undefined) throw new Error("load: expected an archive");
      return say(`loaded into ${await load(place, archive)} nodes`);
    }
    case "status":
      return tellStatus(place);
    case "down":
      return down(place);
    case "build": {
      const unknown = args.find((name) => !PROGRAMS.some((known) => known === name));
      if (unknown !== undefined) throw new Error(`build: no program is called ${unknown}; there are ${PROGRAMS.join(", ")}`);
      return buildAll(args.length === 0 ? PROGRAMS : (args as ProgramName[]));
    }
    default:
      process.stderr.write(USAGE);
      process.exitCode = 2;
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
