/** What the pulse of one configuration leaves to that of the next. */
import { afterEach, expect, test } from "vitest";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import { createLeanHttp } from "../../src/adapters/lean-http.ts";
import type { Config } from "../../src/config/config.ts";
import { createBreakerBoard } from "../../src/gateway/breaker-board.ts";
import { watchPulse, type PulseWatchParts } from "../../src/roles/pulse-watch.ts";
import { load, SITE } from "../config/harness.ts";
import { freePort, serveHttp, until } from "../support/faulty-server.ts";

const clock = createSystemClock();
const http = createLeanHttp({ clock });
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Gateway and pulse where the last configuration's pulse was lost; its hold would outlast the test. */
async function takeOver(port: number, target = "") {
  const loaded = await load({ "shopkeeper.yaml": SITE.replace("http://127.0.0.1:3000", `http://127.0.0.1:${port}${target}`) });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  const config: Config = loaded.config;
  const board = createBreakerBoard(clock);
  board.hold({ breaker: "ingress:app", position: "open", until: clock.now() + 600_000, by: "pulse", why: "no pulse of app (timeout): a beat was missed" });
  const said: string[] = [];
  const host: PulseWatchParts["host"] = {
    hold: (hold) => void board.hold(hold),
    release: (breaker, by) => void board.release(breaker, by),
    breakers: () => board.views(),
    appBack: () => void said.push("back"),
    evidence: () => ({ lastGoodAt: null, lastFailedAt: null, succeeded: 0, failed: 0, inFlight: 0, oldestInFlightMs: 0, copies: 0 }),
  };
  const pulse = watchPulse({ config, clock, http, host, lost: () => void said.push("lost") });
  ends.push(() => pulse?.stop());
  return { said, held: () => board.views()[0]?.hold ?? null };
}

test("a hold of the last configuration ends as soon as the application answers the next one's pulse", async () => {
  const app = await serveHttp((_, res) => void res.end("ok"));
  ends.push(() => app.close());
  const { said, held } = await takeOver(app.port);
  await until(() => said.length > 0, "the pulse says how it is");
  expect([said, held()]).toEqual([["back"], null]);
});

test("it stands, with the news, where the application still is silent", async () => {
  const { said, held } = await takeOver(await freePort());
  await until(() => said.length > 0, "the pulse says how it is");
  expect(said).toEqual(["lost"]);
  expect(held()?.why).toContain("it was lost before; connect ECONNREFUSED");
});

test("it ends at once where the next configuration feels no pulse", async () => {
  const { said, held } = await takeOver(await freePort(), "\n    pulse: false");
  expect([said, held()]).toEqual([[], null]);
});
