/**
 * A small daemon that does nothing but act, for kills.ts to kill: SQLite, real processes, the real
 * remedies and the one protocol. `acting-daemon.ts FOLDER`
 *
 * Prints `ready {…}` once it has resumed and its child runs, waits for a line on standard input, then
 * acts without end: a restart of its child, a command, a restart …; `stop` on standard input ends it in order.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { createLocalProcesses } from "../../src/adapters/local-processes.ts";
import { openSqlite } from "../../src/adapters/sqlite-store.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createSystemRandom } from "../../src/adapters/system-random.ts";
import type { Proposal } from "../../src/core/proposal.ts";
import type { Target } from "../../src/core/target.ts";
import { alwaysClear, createActor } from "../../src/engine/act.ts";
import type { ActDecision } from "../../src/engine/act.ts";
import { createOutbox } from "../../src/engine/outbox.ts";
import { adoptOrStart } from "../../src/engine/supervise.ts";
import type { Alerts } from "../../src/ports/alerts.ts";
import type { Remedy } from "../../src/ports/remedy.ts";
import type { StateStore } from "../../src/ports/state-store.ts";
import { makeRemedies } from "../../src/remedies/index.ts";

const [folder = "."] = process.argv.slice(2);
const file = (name: string): string => path.join(folder, name);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const problem = (text: string): boolean => say(`problem ${text}`);
const TARGET: Target = { id: "app", kind: "process", workload: "app" };
const CHILD = 'echo "$SHOPKEEPER_INTENT $$" >> "$1"; exec sleep 3600';

const clock = createSystemClock();
const random = createSystemRandom();
const stores = await openSqlite({
  file: file("shopkeeper.db"), clock, problem, workerUrl: new URL("../../src/sqlite-worker.ts", import.meta.url), limits: { maxAgeMs: 86_400_000, maxBytes: 64 * 1024 * 1024 },
});
if (stores.moved !== null) problem(`the database was corrupt: ${stores.moved.problem}`);

/** Tells the outside which intents were acknowledged as recorded, so that their loss would be noticed. */
const store: StateStore = {
  get: (key) => stores.state.get(key),
  list: (prefix, limit) => stores.state.list(prefix, limit),
  delete: (key) => stores.state.delete(key),
  close: () => stores.state.close(),
  put: async (key, value, ifRevision) => {
    const revision = await stores.state.put(key, value, ifRevision);
    if (ifRevision === 0 && key.startsWith("intent/")) fs.appendFileSync(file("recorded.log"), `${key.slice("intent/".length)}\n`);
    return revision;
  },
};
/** The receiver is a file: what it took it keeps. */
const alerts: Alerts = {
  send: async (_route, alert) => {
    fs.appendFileSync(file("alerts.log"), `${JSON.stringify(alert)}\n`);
    return { kind: "delivered" };
  },
  close: async () => undefined,
};

const processes = createLocalProcesses({ clock, env: process.env });
const outbox = createOutbox({ store, alerts, ledger: stores.ledger, clock, problem });
const marker = `${path.basename(folder)}/app`;
const remedies = makeRemedies({
  cluster: null, claims: null,
  site: "bench", folder, runbooks: "docs/runbooks", clock, processes, outbox,
  units: { state: () => Promise.reject(new Error("no units")), restart: () => Promise.reject(new Error("no units")) },
  breakers: { hold: async () => undefined, release: async () => undefined, views: () => [] },
  supervised: () => ({ kind: "child", stopGrace: 1_000, spec: { command: ["sh", "-c", CHILD, "sh", file("starts.log")], cwd: folder, env: {}, marker, logFile: file("app.log") } }),
});
const actor = createActor({
  site: "bench", store, ledger: stores.ledger, outbox, clock, random, remedies, target: () => TARGET, fence: alwaysClear, alertRoute: "on_call", runbooks: "docs/runbooks", problem,
});

const signal = new AbortController().signal;
await outbox.resume();
const settled = await actor.resume(signal);
const restart = restartRemedy();
const supervision = await adoptOrStart(actor, restart, TARGET, clock, 60_000, signal);
await outbox.idle();
say(`ready ${JSON.stringify({ settled: settled.map(({ id, state }) => ({ id, phase: state.phase })), child: supervision.kind })}`);

let stopping = false;
process.stdin.once("data", (first: Buffer) => {
  const stop = (line: Buffer): void => {
    if (line.toString().includes("stop")) stopping = true;
  };
  stop(first);
  process.stdin.on("data", stop);
  void actForEver();
});

function restartRemedy(): Remedy {
  const found = remedies.get("restart_process");
  if (found === undefined) throw new Error("no restart_process in the catalogue");
  return found;
}

async function actForEver(): Promise<void> {
  for (let n = 0; !stopping; n++) {
    await actor.act(n % 2 === 0 ? await restartDecision() : commandDecision());
    const now = clock.now();
    await actor.verify([{ check: "application", target: "app", workload: "app", bornAt: null, verdict: "healthy", since: now, lastSeen: { at: now, level: "pass" } }], signal);
  }
  await outbox.close();
  processes.close();
  await stores.close();
  process.exit(0);
}

async function restartDecision(): Promise<ActDecision> {
  const { precondition } = await restart.prepare(TARGET, {}, signal);
  return decision("restart_process", precondition, {});
}

function commandDecision(): ActDecision {
  const token = random.id();
  return decision("run_command", { kind: "none" }, {
    command: ["sh", "-c", 'echo "$1" >> "$2"', "sh", token, file("effects.log")], cwd: ".", deadline: 4_000, env: {}, destructive: true, token,
  });
}

function decision(remedy: string, precondition: Proposal["precondition"], params: Proposal["params"]): ActDecision {
  const proposal: Proposal = {
    policy: "bench", action: remedy, remedy, target: "app", workload: "app", cause: "application", evidence: ["application"], since: clock.now(), why: "to be killed",
    destructive: true, gone: false, precondition, params,
  };
  return { kind: "act", proposal, attempt: 1, verifyWithin: 60_000 };
}
