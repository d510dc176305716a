/**
 * The official Hydrogen starter in three pods on two real nodes, behind Shopkeeper and bare, while things go wrong.
 *
 * Twenty buyers a second at each shop's Service; the same fault hits both at the same time. Goes on where it
 * was cut short: results are kept in CLUSTER_RESULTS (.cache/bench-cluster.json). CLUSTER_FAULTS, names with commas
 * between, measures only those, again.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { placeFrom } from "../../test/cluster/cluster.ts";
import { givenCluster } from "../../test/cluster/given-cluster.ts";
import { lackingForShop } from "../../test/cluster/needs.ts";
import { FAULTS, faultNamed, type Fault } from "../../test/cluster/storefront/faults.ts";
import { provideImages, type ShopImages } from "../../test/cluster/storefront/images.ts";
import { measure, type Result, type SideResult } from "../../test/cluster/storefront/measure.ts";
import { differences, SHIPPED } from "../../test/cluster/storefront/overlay.ts";
import { keepResults, keptResults } from "../../test/cluster/storefront/results.ts";
import { openScene } from "../../test/cluster/storefront/scene.ts";
import { shareOf } from "../../test/cluster/storefront/tally.ts";
import { FILES, textOf } from "../../test/deploy/manifests.ts";
import type { Bench, Row } from "../support/bench.ts";
import { bounded, type Line } from "../support/table.ts";

const FILE = process.env["CLUSTER_RESULTS"] ?? join(import.meta.dirname, "../../.cache/bench-cluster.json");
/** Of the buyers of a whole run. */
const QUICK_SHARE = 0.4;

export const cluster: Row = {
  name: "cluster",
  about: "Hydrogen in three pods on two nodes, bare and behind Shopkeeper: share of fetches not served, fault by fault",
  run: async (bench) => {
    const lacks = lackingForShop();
    if (lacks.length > 0) throw new Error(lacks.join("; "));
    const images = await provideImages(bench.say);
    const manifests = createHash("sha256").update(FILES.map(textOf).join("\n")).digest("hex").slice(0, 12);
    const of = `${images.shopkeeper.name} ${images.storefront.name} manifests:${manifests}${bench.quick ? " quick" : ""}`;
    const wanted = process.env["CLUSTER_FAULTS"]?.split(",").map((name) => faultNamed(name.trim())) ?? FAULTS.filter(({ needsMachine }) => needsMachine !== true || givenCluster(process.env) === null);
    const before = keptResults(FILE, of).filter(({ fault }) => process.env["CLUSTER_FAULTS"] === undefined || !wanted.some(({ name }) => name === fault));
    const open = wanted.filter(({ name }) => !before.some(({ fault }) => fault === name));
    if (before.length > 0) bench.say(`measured before: ${before.map(({ fault }) => fault).join(", ")}`);
    const results = open.length === 0 ? before : await run(bench, images, open, before, (all) => keepResults(FILE, of, all));
    return FAULTS.flatMap((fault) => results.filter((one) => one.fault === fault.name).map((one) => lineOf(fault, one)));
  },
};

async function run({ quick, say }: Bench, images: ShopImages, faults: readonly Fault[], before: readonly Result[], keep: (all: readonly Result[]) => void): Promise<readonly Result[]> {
  await using scene = await openScene({ place: placeFrom(process.env), images, times: SHIPPED, say });
  for (const text of differences(scene.plan)) say(text);
  const results = [...before];
  for (const fault of faults) {
    say(`${fault.name}: ${fault.about}`);
    const result = await measure(scene, fault, quick ? QUICK_SHARE : 1);
    say(`  bare ${shown(result.bare)}; pods ${JSON.stringify(result.bare.spread)}`);
    say(`  ours ${shown(result.ours)}; pods ${JSON.stringify(result.ours.spread)}`);
    for (const { afterS, what } of result.ours.log.filter(({ alarming }) => alarming).slice(0, 12)) say(`    ${afterS.toFixed(1)} s ${what}`);
    results.push(result);
    keep(results);
  }
  return results;
}

function lineOf({ name, bound }: Fault, { bare, ours }: Result): Line {
  const line = { row: "cluster", what: name, measured: shown(ours) };
  const peer = `bare ${shown(bare)}`;
  if (bound === null) return bounded({ ...line, budget: "" }, null, peer);
  const share = shareOf(ours.tally);
  return bounded({ ...line, budget: `≤ ${percent(bound)}, and bare's` }, share <= bound && share <= shareOf(bare.tally), peer);
}

const percent = (share: number): string => `${(100 * share).toFixed(share > 0 && share < 0.001 ? 3 : 1)} %`;
const seconds = (value: number | null | undefined): string => (value === null || value === undefined ? "–" : `${value.toFixed(1)} s`);

function shown({ tally, noticed, detected, recoveredAfterS }: SideResult): string {
  const lost = tally.span === null ? "" : ` (${tally.span.first.toFixed(1)} to ${tally.span.last.toFixed(1)} s: ${Object.entries(tally.how).map(([what, count]) => `${count} ${what}`).join(", ")})`;
  return `${tally.notServed} of ${tally.fetches} = ${percent(shareOf(tally))}${lost}; detected ${seconds(detected?.afterS ?? noticed?.afterS)}, recovered ${seconds(recoveredAfterS)}`;
}
