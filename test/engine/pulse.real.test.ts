import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { afterEach, describe, expect, test } from "vitest";
import { createPulseConnection } from "../../src/adapters/pulse-connection.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createLeanHttp } from "../../src/adapters/lean-http.ts";
import { startPulse } from "../../src/engine/pulse.ts";
import type { Pulse, PulseLoss } from "../../src/engine/pulse.ts";
import { freePort, until } from "../support/faulty-server.ts";

/** An application that answers everything. */
const APPLICATION = `
  const { createServer } = require("node:http");
  createServer((request, response) => response.end("ok")).listen(Number(process.argv[1]), "127.0.0.1", () => console.log("up"));
`;

const clock = createSystemClock();
const http = createLeanHttp({ clock });
const children: ChildProcess[] = [];
const pulses: Pulse[] = [];

afterEach(async () => {
  for (const pulse of pulses.splice(0)) pulse.stop();
  await Promise.all(children.splice(0).map(kill));
});

async function startApplication(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", APPLICATION, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

/** Feels the pulse of a port and keeps what it says. */
function feel(port: number): { readonly said: string[]; readonly losses: PulseLoss[] } {
  const said: string[] = [];
  const losses: PulseLoss[] = [];
  const pulse = startPulse([{ id: "app", url: `http://127.0.0.1:${port}/health` }], {
    clock,
    http,
    socket: createPulseConnection(),
    events: {
      lost: (loss) => {
        said.push("lost");
        losses.push(loss);
      },
      still: () => void said.push("still"),
      back: () => void said.push("back"),
    },
  });
  pulses.push(pulse);
  return { said, losses };
}

const ask = (port: number, path: string) =>
  http.request({ method: "GET", url: `http://127.0.0.1:${port}${path}`, headers: {}, deadlineMs: 10_000, maxBodyBytes: 10, connection: "new" });

describe("the pulse of a real process", () => {
  test("is lost when the process is killed, refused, and comes back with the next one", async () => {
    const port = await freePort();
    const child = await startApplication(port);
    const { said, losses } = feel(port);
    await ask(port, "/");
    await kill(child);
    await until(() => said.includes("lost"), "the loss is noticed");
    expect(losses[0]).toMatchObject({ target: "app", cause: "refused" });
    await until(() => said.includes("still"), "the loss is repeated, for the hold to be renewed");
    await startApplication(port);
    await until(() => said.includes("back"), "the return is noticed");
    expect(said.filter((word) => word !== "still")).toEqual(["lost", "back"]);
  });

  test("is lost when the process is frozen, a timeout, and comes back when it thaws", async () => {
    const port = await freePort();
    const child = await startApplication(port);
    const { said, losses } = feel(port);
    await ask(port, "/");
    child.kill("SIGSTOP");
    await until(() => said.includes("lost"), "the freeze is noticed");
    expect(losses[0]).toMatchObject({ cause: "timeout" });
    child.kill("SIGCONT");
    await until(() => said.includes("back"), "the thaw is noticed");
  });

  test("of a process that is not there yet is lost at once, and comes with it", async () => {
    const port = await freePort();
    const { said } = feel(port);
    await until(() => said.includes("lost"), "nobody is there");
    await startApplication(port);
    await until(() => said.includes("back"), "somebody is there");
    expect(said.filter((word) => word !== "still")).toEqual(["lost", "back"]);
  });
});
