import { describe, expect, test } from "vitest";
import { countVotes, findingOf, VOTE_FOR, type Vote } from "../../../src/core/region/vote.ts";
import { NOW, PLAN, voted } from "../../support/region-scene.ts";

const OWN = { observer: "us", says: "down", copiesForMs: 0 } as const;

function finding(answers: string, { own = OWN, gaveUp = false, copiesForMs = 0, quorum = 2 }: { own?: Pick<Vote, "observer" | "says" | "copiesForMs">; gaveUp?: boolean; copiesForMs?: number; quorum?: number } = {}): string {
  const { ballot, votes } = voted("eu", answers, copiesForMs);
  const found = findingOf(countVotes(PLAN, "eu", ballot, own, votes, NOW), quorum, gaveUp);
  return found.kind === "agreed" ? `${found.what} by ${found.by.join(" ")}` : found.kind;
}

describe("what the observers agree on, where the asker sees eu down", () => {
  test.each([
    ["", "too_few", "one view is never enough"],
    ["w1:down", "down by us w1", "two are"],
    ["ap:down w1:down", "down by ap us w1", "all of them"],
    ["ap:unknown w1:unknown", "too_few", "who cannot look says nothing"],
    ["ap:up w1:down", "down by us w1", "two against one"],
    ["ap:up w1:up", "up by ap w1", "it is only our own way that is cut"],
    ["eu:down", "too_few", "a region's word on itself is no vote"],
    ["us:down", "too_few", "nor is a second one of our own"],
    ["nobody:down", "too_few", "nor a stranger's"],
    ["w1:down w1:up", "too_few", "of two words of one observer the less alarming counts"],
    ["ap:copies-only w1:down", "down by us w1", "two see it down, and one gets copies"],
    ["w1:copies-only", "copies-only by us w1", "nobody gets more than copies"],
    ["ap:up w1:copies-only", "copies-only by us w1", "two get no more than copies, one sees it sell"],
  ])("%s: %s, %s", (answers, expected) => expect(finding(answers)).toBe(expected));

  test("as many that see it answer outweigh a quorum", () => {
    const plan = { ...PLAN, witnesses: ["w1", "w2"] };
    const { ballot, votes } = voted("eu", "ap:down w1:up w2:up");
    expect(findingOf(countVotes(plan, "eu", ballot, OWN, votes, NOW), 2, false).kind).toBe("disagree");
  });

  test("copies need not last a minute where the region gives itself up", () => {
    const own = { observer: "us", says: "up", copiesForMs: 4_000 } as const;
    expect(finding("w1:up", { own, copiesForMs: 3_000 })).toBe("too_few");
    expect(finding("w1:up", { own, copiesForMs: 3_000, gaveUp: true })).toBe("copies-only by us w1");
  });
});

describe("a vote counts", () => {
  const { ballot, votes } = voted("eu", "w1:down");
  const down = (over: Partial<Vote>, askedAt = NOW - 300): readonly string[] => countVotes(PLAN, "eu", ballot === null ? null : { ...ballot, askedAt }, OWN, votes.map((vote) => ({ ...vote, ...over })), NOW).down;

  test.each([
    ["for this question", {}, ["us", "w1"]],
    ["not for an earlier one", { nonce: "m" }, ["us"]],
    ["not for another region", { about: "ap" }, ["us"]],
  ])("%s", (_, over, expected) => expect(down(over)).toEqual(expected));

  test("for a few seconds by the asker's own clock", () => {
    expect([down({}, NOW - VOTE_FOR), down({}, NOW - VOTE_FOR - 1)]).toEqual([["us", "w1"], ["us"]]);
  });

  test("and who has not answered is named", () => {
    expect(countVotes(PLAN, "eu", ballot, OWN, votes, NOW).silent).toEqual(["ap"]);
  });
});
