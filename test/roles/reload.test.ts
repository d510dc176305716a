import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { Config } from "../../src/config/config.ts";
import type { Taken } from "../../src/roles/daemon.ts";
import { readConfig } from "../../src/roles/read-config.ts";
import { digestOf, startReloading, type Reloading } from "../../src/roles/reload.ts";

const SITE = 'site: shop\ntargets: { app: { url: http://127.0.0.1:3000 } }\ntokens: { ada: { role: operator, value: "file:secrets/ada" } }\n';

type Line = { readonly msg: string; readonly taken?: boolean; readonly errors?: readonly string[] };

let folder: string;
let lines: Line[];
let taken: Config[];
let answers: Taken[];
let reloading: Reloading | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "shopkeeper-reload-"));
  [lines, taken, answers, reloading] = [[], [], [], null];
  await mkdir(join(folder, "secrets"));
  await write("secrets/ada", "token-of-ada\n");
  await write("shopkeeper.yaml", SITE);
});
afterEach(async () => {
  await reloading?.stop();
  await rm(folder, { recursive: true, force: true });
});

function write(name: string, text: string): Promise<void> {
  return writeFile(join(folder, name), text);
}

/** Watches the folder; a valid configuration is answered with the next of `answers`, else taken. */
async function watching(): Promise<{ readonly lost: string[] }> {
  const lost: string[] = [];
  const file = join(folder, "shopkeeper.yaml");
  const first = await readConfig(file, {});
  reloading = startReloading({
    file, env: {}, clock: createSystemClock(), first,
    log: pino({ base: {} }, { write: (line) => void lines.push(JSON.parse(line) as Line) }),
    take: (config) => {
      taken.push(config);
      return Promise.resolve(answers.shift() ?? { kind: "taken" });
    },
    ports: () => ({ ingress: null, health: 1, admin: 2, public: null }),
    lost: (why) => lost.push(why),
  });
  return { lost };
}

/** The reloads so far, once there are that many. */
async function reloads(count: number): Promise<readonly Line[]> {
  await expect.poll(() => lines.filter((line) => line.taken !== undefined).length, { timeout: 20_000 }).toBe(count);
  return lines.filter((line) => line.taken !== undefined);
}

describe("reloading", () => {
  test("what is read twice without a change has one digest; any text of it makes another", async () => {
    const file = join(folder, "shopkeeper.yaml");
    const first = await readConfig(file, {});
    const { files } = first;
    expect(digestOf(await readConfig(file, {}))).toBe(digestOf(first));
    expect(files).toEqual(expect.arrayContaining([file, join(folder, "secrets", "ada")]));
    await write("secrets/ada", "another-token\n");
    expect(digestOf(await readConfig(file, {}))).not.toBe(digestOf(first));
  });

  test("a changed file, a new folder's file and a changed secret are each taken", async () => {
    await watching();
    await write("shopkeeper.yaml", `${SITE}time_zone: Europe/Berlin\n`);
    await reloads(1);
    await mkdir(join(folder, "checks"));
    await write("checks/mine.yaml", 'name: mine\nprobe: http\nendpoint: /\ninterval: 10s\ntimeout: 1s\nchecks: { http_status: "200 OK" }\n');
    await reloads(2);
    await write("secrets/ada", "another-token\n");
    await reloads(3);
    expect(taken.map((config) => [config.timeZone, config.checks.some((check) => check.name === "mine"), config.tokens[0]?.value.reveal()])).toEqual([
      ["Europe/Berlin", false, "token-of-ada"],
      ["Europe/Berlin", true, "token-of-ada"],
      ["Europe/Berlin", true, "another-token"],
    ]);
  });

  test("an invalid one is not taken, all its errors are told, and mending it takes nothing anew", async () => {
    await watching();
    await write("shopkeeper.yaml", `${SITE}gatway: {}\nlistners: {}\n`);
    const [line] = await reloads(1);
    expect(line).toMatchObject({ taken: false, errors: [expect.stringMatching(/:4:1: gatway: .*did you mean gateway\?/), expect.stringMatching(/:5:1: listners: .*did you mean listeners\?/)] });
    await write("shopkeeper.yaml", SITE);
    expect((await reloads(2))[1]?.msg).toContain("nothing to do");
    expect(taken).toEqual([]);
  });

  test("one that was refused is tried again at SIGHUP", async () => {
    answers.push({ kind: "refused", why: "EADDRINUSE" });
    await watching();
    await write("shopkeeper.yaml", `${SITE}time_zone: Europe/Berlin\n`);
    expect((await reloads(1))[0]).toMatchObject({ taken: false, errors: ["EADDRINUSE"] });
    reloading?.request();
    expect((await reloads(2))[1]).toMatchObject({ taken: true });
    reloading?.request();
    expect((await reloads(3))[2]?.msg).toContain("nothing to do");
    expect(taken).toHaveLength(2);
  });

  test("when neither can be started the process is told to end", async () => {
    answers.push({ kind: "lost", why: "no port" });
    const { lost } = await watching();
    reloading?.request();
    await write("shopkeeper.yaml", `${SITE}time_zone: Europe/Berlin\n`);
    await expect.poll(() => lost, { timeout: 20_000 }).toEqual(["no port"]);
  });

  test("files of no meaning, such as logs and the state beside it, are not read again", async () => {
    await watching();
    await write("app.log", "hello\n");
    await write("secrets/ada.swp", "editor\n");
    reloading?.request();
    expect((await reloads(1))[0]?.msg).toContain("nothing to do");
    expect(taken).toEqual([]);
  });
});
