/**
 * Our own death at every port call of an action, and again at every port call of the
 * recovery from it. Deterministic: the same call, each time.
 */
import { describe, expect, test } from "vitest";
import type { Intent } from "../../src/core/intent.ts";
import { adoptOrStart } from "../../src/engine/supervise.ts";
import { APP, createDaemon, createWorld, decisionOf, judged, MARKER, storedIntents } from "../support/acting-world.ts";
import type { Daemon, World } from "../support/acting-world.ts";
import { CrashPoint } from "../support/crash-point.ts";
import type { CrashWhen } from "../support/crash-point.ts";
import { settle } from "../support/manual-clock.ts";

type Life = (daemon: Daemon, world: World) => Promise<void>;

const NEVER = new AbortController().signal;

/** Every daemon begins like this. */
async function begin({ actor, outbox, restart }: Daemon, world: World): Promise<void> {
  await outbox.resume();
  await actor.resume(NEVER);
  await adoptOrStart(actor, restart, APP, world.clock, 60_000, NEVER);
}

/** The application is sick as long as the process it began with runs; acts on that, verifies, and lets alerts go out. */
const restartLife: Life = async (daemon, world) => {
  await begin(daemon, world);
  const [running] = await world.processes.find(MARKER);
  if (running?.ref.pid === 100) {
    const { precondition } = await daemon.restart.prepare(APP, {}, NEVER);
    await daemon.actor.act(decisionOf({ precondition }));
  }
  await finish(daemon, world);
};

/** One command, asked for once: by the first process that gets so far as to record it. */
function commandLife(program: string): Life {
  return async (daemon, world) => {
    await begin(daemon, world);
    if (!storedIntents(world).some((intent) => intent.proposal.remedy === "run_command")) {
      const params = { command: [program, "0"], cwd: ".", deadline: 1_000, env: {}, destructive: true };
      await daemon.actor.act(decisionOf({ policy: "clear", action: "clear_cache", remedy: "run_command", params }));
    }
    await finish(daemon, world);
  };
}

const alertLife: Life = async (daemon, world) => {
  await begin(daemon, world);
  if (!storedIntents(world).some((intent) => intent.proposal.remedy === "alert")) {
    await daemon.actor.act(decisionOf({ policy: "tell", action: "alert", remedy: "alert", params: { route: "ops", severity: "notify" } }));
  }
  await finish(daemon, world);
};

const holdLife: Life = async (daemon, world) => {
  await begin(daemon, world);
  if (!storedIntents(world).some((intent) => intent.proposal.remedy === "hold_breaker")) {
    await daemon.actor.act(decisionOf({ policy: "circuit_breaker", action: "open_breaker", remedy: "hold_breaker", params: { breaker: "egress:storefront", position: "open", for: 60_000 } }));
  }
  await finish(daemon, world);
};

async function finish({ actor, outbox }: Daemon, world: World): Promise<void> {
  await actor.verify([judged("healthy", world.clock.now())], NEVER);
  await outbox.idle();
}

/** Lives that end at port call `n`; undefined once there are fewer calls than `n`. */
async function liveUntil(world: World, life: Life, n: number, when: CrashWhen): Promise<CrashPoint | undefined> {
  const crash = new CrashPoint(n, when);
  const ended = await Promise.race([life(createDaemon(world, crash), world).then(() => "lived" as const), crash.happened]);
  await settle();
  return ended === "crashed" ? crash : undefined;
}

/** The application runs already when the story begins. */
async function withProcess(): Promise<World> {
  const world = createWorld();
  await world.processes.start({ command: ["stays"], cwd: "/", env: {}, marker: MARKER, intentId: "", logFile: null });
  return world;
}

type Story = { readonly world: World; readonly told: string; readonly recorded: readonly Intent[] };

/** One death at every call of the life, then a new instance, which dies at every call of its own as well, before a third one. */
async function storiesOf(life: Life): Promise<readonly Story[]> {
  const stories: Story[] = [];
  for (const when of ["before", "after"] as const) {
    for (let first = 1; ; first++) {
      const story = await storyOf(life, when, first, 0);
      if (story === null) break;
      stories.push(story);
      for (let second = 1; ; second++) {
        const twice = await storyOf(life, when, first, second);
        if (twice === null) break;
        stories.push(twice);
      }
    }
  }
  return stories;
}

/** @returns null when a life has fewer calls than the one it should have died at. */
async function storyOf(life: Life, when: CrashWhen, first: number, second: number): Promise<Story | null> {
  const world = await withProcess();
  const crash = await liveUntil(world, life, first, when);
  if (crash === undefined) return null;
  const recorded = storedIntents(world);
  const again = await liveUntil(world, life, second, when);
  if (second > 0 && again === undefined) return null;
  if (again !== undefined) await liveUntil(world, life, 0, when);
  return { world, recorded, told: `died ${crash.where} (call ${first})${again === undefined ? "" : `, then ${again.where} (call ${second})`}` };
}

async function ledgerOf(world: World, intent: Intent): Promise<readonly string[]> {
  return (await world.ledger.query({ limit: 10_000 })).filter((entry) => entry.actionId === intent.id).map((entry) => entry.kind);
}

/** What holds after every death, whatever the action was. */
async function expectNothingLost({ world, told, recorded }: Story): Promise<void> {
  const now = storedIntents(world);
  const lost = recorded.filter((intent) => !now.some((kept) => kept.id === intent.id));
  expect([told, lost]).toEqual([told, []]);
  for (const intent of now) {
    expect([told, intent.state.phase]).toEqual([told, expect.stringMatching(/^(verified|refused|uncertain)$/)]);
    const kinds = await ledgerOf(world, intent);
    const ending = intent.state.phase === "verified" ? "verified" : "outcome";
    expect([told, kinds]).toEqual([told, expect.arrayContaining(["intent", ending])]);
    expect([told, kinds]).toEqual([told, [...new Set(kinds)]]);
  }
  expect([told, [...world.rows.keys()].filter((key) => key.startsWith("outbox/"))]).toEqual([told, []]);
  const running = await world.processes.find(MARKER);
  expect([told, running.length]).toEqual([told, 1]);
}

function alertKeys(world: World, reason: string): number {
  return new Set(world.delivered.filter(({ alert }) => alert.reason === reason).map(({ alert }) => alert.key)).size;
}

describe("died once or twice, at any port call", () => {
  test("a restart happens exactly once, and the child is adopted, never doubled", async () => {
    const stories = await storiesOf(restartLife);
    expect(stories.length).toBeGreaterThan(200);
    for (const story of stories) {
      await expectNothingLost(story);
      const { world, told } = story;
      const [running] = world.processes.running;
      expect([told, running?.ref.pid]).toEqual([told, 101]);
      expect([told, world.processes.started.length]).toEqual([told, 2]);
      // The intent that its environment names is the one known to have landed; every other one did nothing.
      for (const intent of storedIntents(world)) expect([told, intent.id, intent.state.phase]).toEqual([told, intent.id, intent.id === running?.intentId ? "verified" : "refused"]);
    }
  });

  test("a command runs at most once; one whose end nobody knows is uncertain and alerted", async () => {
    const stories = await storiesOf(commandLife("exits"));
    expect(stories.length).toBeGreaterThan(100);
    for (const story of stories) {
      await expectNothingLost(story);
      const { world, told } = story;
      expect([told, world.processes.ran.length <= 1]).toEqual([told, true]);
      const [intent] = storedIntents(world);
      expect([told, intent === undefined]).toEqual([told, false]);
      const uncertain = intent?.state.phase === "uncertain";
      expect([told, alertKeys(world, "action_uncertain")]).toEqual([told, uncertain ? 1 : 0]);
      if (!uncertain) expect([told, world.processes.ran.length]).toEqual([told, 1]);
    }
    expect(stories.some(({ world }) => storedIntents(world)[0]?.state.phase === "uncertain")).toBe(true);
    expect(stories.some(({ world }) => storedIntents(world)[0]?.state.phase === "verified")).toBe(true);
  });

  test("a command that was killed at its deadline is uncertain and alerted, once", async () => {
    for (const story of await storiesOf(commandLife("stays"))) {
      await expectNothingLost(story);
      expect([story.told, story.world.processes.ran.length <= 1]).toEqual([story.told, true]);
      expect([story.told, storedIntents(story.world)[0]?.state.phase]).toEqual([story.told, "uncertain"]);
      expect([story.told, alertKeys(story.world, "action_uncertain")]).toEqual([story.told, 1]);
    }
  });

  test("an alert arrives, always with the same key", async () => {
    for (const story of await storiesOf(alertLife)) {
      await expectNothingLost(story);
      expect([story.told, alertKeys(story.world, "policy_alert")]).toEqual([story.told, 1]);
    }
  });

  test("a breaker is held once, until the time the intent named", async () => {
    for (const story of await storiesOf(holdLife)) {
      await expectNothingLost(story);
      const [intent] = storedIntents(story.world);
      expect([story.told, ...story.world.holds]).toMatchObject([story.told, { breaker: "egress:storefront", position: "open", until: (intent?.recordedAt ?? 0) + 60_000 }]);
    }
  });
});
