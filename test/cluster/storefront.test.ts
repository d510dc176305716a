/** The official Hydrogen starter in three pods on two real nodes: what buyers lose of it when things go wrong, bare and behind Shopkeeper. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Place } from "./cluster.ts";
import { givenCluster } from "./given-cluster.ts";
import { lackingForShop } from "./needs.ts";
import { faultNamed } from "./storefront/faults.ts";
import { provideImages } from "./storefront/images.ts";
import { measure } from "./storefront/measure.ts";
import { differences, type Times } from "./storefront/overlay.ts";
import { openScene, type Scene } from "./storefront/scene.ts";
import { shareOf } from "./storefront/tally.ts";

const PLACE: Place = { folder: join(tmpdir(), "shopkeeper-cluster-shop"), port: 17_643 };
const TIMES: Times = { minReadySeconds: 5 };
/** Of the buyers that `npm run bench -- cluster` counts, in which the other faults are: 9 to 25 s of each. */
const SHARE = 0.2;
/** Both images by their Dockerfiles, when they are not in the cache; and the starter. */
const BUILD_MS = 900_000;
const FAULT_MS = 300_000;

const say = (text: string): void => void process.stdout.write(`   ${text}\n`);

/** Nodes and processes of a cluster that was given are not touched. */
const FAULT_NAMES = givenCluster(process.env) === null ? ["application killed", "application frozen", "one pod 500"] : ["one pod 500", "rolling restart"];

describe.skipIf(lackingForShop().length > 0)("Hydrogen in three pods", () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await openScene({ place: PLACE, images: await provideImages(say), times: TIMES, say });
    for (const text of differences(scene.plan)) say(text);
  }, BUILD_MS);
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test.each(FAULT_NAMES)("%s: buyers lose no more than they may, and never more than without Shopkeeper", async (name) => {
    const fault = faultNamed(name);
    const { bare, ours } = await measure(scene, fault, SHARE);
    say(`${name}: bare ${bare.tally.notServed} of ${bare.tally.fetches} not served, behind Shopkeeper ${ours.tally.notServed} of ${ours.tally.fetches}`);
    expect(ours.tally.fetches).toBeGreaterThanOrEqual(fault.buyers * SHARE);
    // With all there is to know of those who were not served.
    const lost = { how: ours.tally.how, bySecond: ours.tally.bySecond, log: ours.log.slice(0, 20) };
    expect({ lost, holds: shareOf(ours.tally) <= (fault.bound ?? 0) }).toEqual({ lost, holds: true });
    expect(shareOf(ours.tally)).toBeLessThanOrEqual(shareOf(bare.tally));
  }, FAULT_MS);
});
