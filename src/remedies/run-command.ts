/**
 * Runs a command of the operator's own: argument vector, no shell, a deadline, bounded output.
 *
 * Its secrets are in the parameters as secrets: the stored intent has none of them.
 * Nobody can read back whether somebody else's command did its work. So an interrupted one
 * is uncertain for good: alerted, never repeated.
 */
import * as path from "node:path";
import * as z from "zod";
import { reveal, Secret } from "../config/secret.ts";
import { argument, duration, textOrSecret } from "../config/values.ts";
import type { Remedy } from "../ports/remedy.ts";
import { ActionError } from "../ports/remedy.ts";
import type { RemedyEntry, RemedyPorts } from "./remedy-entry.ts";

const MAX_OUTPUT_BYTES = 2_000;
const command = z.array(argument({ max: 4_096 })).min(1).max(64);
const env = z.record(z.string(), textOrSecret({ min: 0 }));

const schema = z.strictObject({
  command: command.meta({ description: "Program and arguments; no shell. Every user of the host can read them: secrets belong in env.", examples: [["/usr/local/bin/clear-cache", "--all"]] }),
  cwd: z.string().min(1).default(".").meta({ description: "Folder it runs in, relative to that of shopkeeper.yaml." }),
  deadline: duration({ min: 100, max: 120_000 }).prefault("10s"),
  env: env.default({}).meta({ description: "Added to a minimal environment." }),
  destructive: z.boolean().default(true).meta({ description: "Takes something working away, so every guard applies." }),
});
/** The same after parsing. */
const parsed = z.object({ command, cwd: z.string(), deadline: z.number(), env, destructive: z.boolean() });
type Params = z.infer<typeof parsed>;

export const runCommand: RemedyEntry = {
  name: "run_command",
  summary: "Runs a command on this host.",
  schema,
  make: (ports): Remedy => ({
    extraMs: (_target, params) => read(params).deadline,
    prepare: async (_target, params) => ({ precondition: { kind: "none" }, destructive: read(params).destructive, gone: false }),
    execute: (intent, _target, signal) => run(read(intent.proposal.params), ports, signal),
    readBack: async () => ({ kind: "unreadable", reason: "a command leaves nothing to read" }),
  }),
};

async function run(params: Params, { processes, folder }: RemedyPorts, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  const [first, ...args] = params.command;
  if (first === undefined) throw new ActionError("REFUSED", "an empty command");
  // What the command prints, and what the system says of it, stands in the ledger and in alerts.
  const secrets = [...params.command, ...Object.values(params.env)].filter((value) => value instanceof Secret);
  const shown = (text: string): string => Secret.conceal(text, secrets);
  const program = first instanceof Secret ? first.origin : first;
  const env = Object.fromEntries(Object.entries(params.env).map(([name, value]) => [name, reveal(value)]));
  const result = await processes.run({ command: [reveal(first), ...args.map(reveal)], cwd: path.resolve(folder, params.cwd), env, deadlineMs: params.deadline, maxOutputBytes: MAX_OUTPUT_BYTES, signal });
  switch (result.kind) {
    case "exited":
      return { code: result.code, tookMs: Math.round(result.tookMs), output: Secret.conceal(result.output, secrets, Buffer.byteLength(result.output) < MAX_OUTPUT_BYTES ? null : "start") };
    case "killed":
      throw new ActionError("UNCERTAIN", `${program} was killed (${result.reason}) after ${Math.round(result.tookMs)}ms`);
    case "not_started":
      throw new ActionError("REFUSED", `${program} could not be started: ${shown(result.reason)}`);
  }
}

function read(params: Readonly<Record<string, unknown>>): Params {
  const result = parsed.safeParse(params);
  if (!result.success) throw new ActionError("REFUSED", `params: ${result.error.issues[0]?.path.join(".") ?? ""} ${result.error.issues[0]?.message ?? "not valid"}`);
  return result.data;
}
