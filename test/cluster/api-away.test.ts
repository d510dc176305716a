/** The API server is away: whoever led says that it cannot see, acts on nothing, lives on, and goes on by itself when it is back. */
import { describe, expect, test } from "vitest";
import { runAway } from "./api-away.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";

describe.skipIf(lacking("api").length > 0)("a pair of singletons without an API server", () => {
  const world = createApiWorld();

  test("leads no more and says why, is not ended by its liveness probe, and acts once after the return", { timeout: 110_000 }, async () => {
    const away = await runAway(world.api(), { namespace: "away", awayMs: 10_000, withinMs: 45_000 });
    expect(away.leading).toEqual([false, false]);
    expect(away.live).toMatchObject([{ status: 200, body: { status: "pass" } }, { status: 200, body: { status: "pass" } }]);
    for (const answer of away.status) expect(answer).toMatchObject({ status: 503, body: { code: "UNAVAILABLE", detail: expect.stringContaining("nobody acts at the moment: the lease cannot be read") } });
    expect(away.evictions).toMatchObject([{ uid: away.illUid, status: 201 }]);
  });
});
