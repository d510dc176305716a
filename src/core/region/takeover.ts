/**
 * May this region take over from the one that buyers are led to? All that speaks against it is said, not the first alone.
 */
import { formatDuration } from "../time.ts";
import { blockedUntil } from "./block.ts";
import { fitnessOf, type Fitness } from "./fitness.ts";
import { because, type HoldReason } from "./reason.ts";
import { preferredTo, rankOf, specOf, type RegionName } from "./region.ts";
import { gaveUp, toldMarks, vetoes, type RegionReport } from "./report.ts";
import { findingOn, sees, tallyOf, type RegionDecision, type RegionScene } from "./scene.ts";
import type { Finding, Tally } from "./vote.ts";

export function decideTakeover(scene: RegionScene, current: RegionName): RegionDecision {
  const finding = findingOn(scene, current);
  const agreed = finding.kind === "agreed" && finding.what !== "up" ? finding : null;
  const wholeDown = agreed?.what === "down";
  const fitness = ownFitness(scene, wholeDown);
  const reasons = [...obstacles(scene, current), ...preferredOnes(scene, current, wholeDown), ...providerReasons(scene)];
  if (reasons.length > 0 || agreed === null || agreed.what === "up") return { kind: "hold", about: "takeover", reasons };
  return { kind: "flip", to: scene.me, from: current, epoch: nextEpoch(scene), cause: agreed.what, by: agreed.by, warns: fitness.warns.map((one) => one.text), who: "shopkeeper" };
}

/** What speaks against taking over now, apart from the provider and from those that are preferred. */
export function obstacles(scene: RegionScene, current: RegionName): readonly HoldReason[] {
  const finding = findingOn(scene, current);
  const what = finding.kind === "agreed" ? finding.what : null;
  const fitness = ownFitness(scene, what === "down");
  return [
    ...evidenceAgainst(scene, current, finding),
    ...vetoOf(scene, current),
    ...copiesWait(scene, current, what),
    ...fitness.blocks.map(({ code, text }) => because(code, text)),
    ...allBad(scene, current, fitness),
    ...blockOf(scene),
  ];
}

/** How fit this region is by all that its own daemon knows. */
export function ownFitness(scene: RegionScene, wholeDown: boolean): Fitness {
  const spec = specOf(scene.plan, scene.me) ?? { name: scene.me, floor: Infinity };
  return fitnessOf(spec, scene.own, { outside: sees(scene, scene.me), parity: scene.incident?.parity ?? scene.own.parity, wholeDown });
}

export function nextEpoch({ memory }: RegionScene): number {
  return (memory?.epoch ?? 0) + 1;
}

export function blockOf(scene: RegionScene): readonly HoldReason[] {
  if (scene.memory === null) return [];
  const until = blockedUntil(scene.memory, toldMarks(scene.heard), scene.acknowledged, scene.now, scene.plan.rules);
  return until === null ? [] : [because("block", `the last flip is too fresh: none for another ${formatDuration(until - scene.now)}, unless a person says that they have looked (shopkeeper failover --ack, here)`, until)];
}

export function providerReasons({ unsettled, tries, now }: RegionScene): readonly HoldReason[] {
  if (unsettled !== null) return [because("unsettled", unsettled)];
  if (tries.over) return [because("provider_down", `the provider could not be made to change it: ${tries.why}`)];
  return tries.count > 0 && now < tries.nextAt ? [because("provider_wait", `the provider is tried again in ${formatDuration(tries.nextAt - now)}: ${tries.why}`, tries.nextAt)] : [];
}

/** A region that a takeover passes by: enough observers see it down. */
export function isLost(scene: RegionScene, region: RegionName): boolean {
  const finding = findingOn(scene, region);
  return finding.kind === "agreed" && finding.what === "down";
}

export function reportsFit(scene: RegionScene, report: RegionReport, wholeDown: boolean): boolean {
  const spec = specOf(scene.plan, report.region);
  return spec !== undefined && fitnessOf(spec, report, { outside: report.outside, parity: report.parity, wholeDown }).fit;
}

function evidenceAgainst(scene: RegionScene, current: RegionName, finding: Finding): readonly HoldReason[] {
  const said = describeTally(tallyOf(scene, current));
  const { quorum } = scene.plan.rules;
  switch (finding.kind) {
    case "agreed":
      return finding.what === "up" ? [because("disagree", `${finding.by.join(", ")} see ${current} answer: ${said}`)] : [];
    case "disagree":
      return [because("disagree", `as many see ${current} answer as do not: ${said}`)];
    case "too_few":
      return [because("quorum", `${finding.against.length} of the ${quorum} observers needed speak against ${current}: ${said}`)];
  }
}

function vetoOf(scene: RegionScene, current: RegionName): readonly HoldReason[] {
  const told = tallyOf(scene, current).vetoed;
  const hearers = vetoes(scene.heard.get(current) ?? null) ? [scene.me, ...told] : told;
  return hearers.length === 0 ? [] : [because("veto", `${current}'s own daemon answers ${hearers.join(", ")} that it is healthy, and its public path passes its own probe`)];
}

/** Copies cannot sell, but they serve: a region is left for them only once this one has been able to sell all the while. */
function copiesWait(scene: RegionScene, current: RegionName, what: "down" | "copies-only" | "up" | null): readonly HoldReason[] {
  if (what !== "copies-only" || gaveUp(scene.heard.get(current) ?? null) !== null) return [];
  const { copiesFor } = scene.plan.rules;
  const since = scene.sellingSince;
  if (since === null) return [because("copies_wait", `${scene.me} could not sell either`)];
  const until = since + copiesFor;
  return scene.now >= until ? [] : [because("copies_wait", `${scene.me} has been able to sell for ${formatDuration(scene.now - since)}, and must for ${formatDuration(copiesFor)}`, until)];
}

/**
 * More preferred regions that may take over themselves. Their time begins when this one could: were it to pass while all
 * of them wait for the block to end, all would flip in that moment.
 */
function preferredOnes(scene: RegionScene, current: RegionName, wholeDown: boolean): readonly HoldReason[] {
  const { yieldFor } = scene.plan.rules;
  const since = scene.incident?.readySince ?? scene.now;
  const found: HoldReason[] = [];
  let silent = 0;
  let fit = 0;
  for (const region of preferredTo(scene.plan, scene.me)) {
    if (region === current || isLost(scene, region)) continue;
    const report = scene.heard.get(region)?.report;
    if (report === undefined) silent += 1;
    else if (reportsFit(scene, report, wholeDown)) {
      fit += 1;
      // One that seems fit and does nothing all the same lacks something that is not seen from here.
      const until = since + 3 * fit * yieldFor;
      if (scene.now < until) found.push(because("not_preferred", `${region} is preferred and fit: it takes over`, until));
    }
  }
  const until = since + silent * yieldFor;
  if (silent > 0 && scene.now < until) found.push(because("yielding", `a more preferred region says nothing, and has another ${formatDuration(until - scene.now)} to take over`, until));
  return found;
}

function allBad(scene: RegionScene, current: RegionName, own: Fitness): readonly HoldReason[] {
  if (own.blocks.every(({ code }) => code === "unfit_unseen")) return [];
  const others = scene.plan.regions.filter(({ name }) => name !== current && name !== scene.me);
  const hope = others.some(({ name }) => {
    const report = scene.heard.get(name)?.report;
    return report === undefined ? !isLost(scene, name) : reportsFit(scene, report, true);
  });
  return hope ? [] : [because("all_bad", "no region that could take over is fit: buyers stay where they are")];
}

function describeTally(tally: Tally): string {
  const parts = [
    ["down", tally.down],
    ["copies only", tally.copiesOnly],
    ["copies so far", tally.copies],
    ["up", tally.up],
    ["cannot look", tally.unknown],
    ["no answer", tally.silent],
  ] as const;
  return parts.filter(([, names]) => names.length > 0).map(([says, names]) => `${names.join(", ")}: ${says}`).join("; ");
}

/** More preferred than the one that buyers are led to. */
export function isPreferredTo(scene: RegionScene, current: RegionName): boolean {
  return rankOf(scene.plan, scene.me) < rankOf(scene.plan, current);
}
