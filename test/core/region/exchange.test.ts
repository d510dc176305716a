import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatAnswer, formatQuestion, MAX_EXCHANGE_BYTES, parseAnswer, parseQuestion, type RegionAnswer } from "../../../src/core/region/exchange.ts";

const NONCE = "0123456789abcdef";
const REPORT = { region: "eu", status: "healthy", selling: true, ready: 3, parity: "not_measured", givesUp: null, outside: "up", mark: { region: "eu", epoch: 7, seenForMs: 1_000 } } as const;
const ANSWER: RegionAnswer = { nonce: NONCE, observer: "eu", votes: [{ nonce: NONCE, observer: "eu", about: "us", says: "down", copiesForMs: 0, vetoed: false }], report: REPORT };

describe("a question between regions", () => {
  it("is read as it was written", () => {
    const question = { nonce: NONCE, about: ["eu", "ap"] };
    expect(parseQuestion(formatQuestion(question))).toEqual(question);
  });

  it.each<[string, unknown]>([
    ["no object", [1]],
    ["a nonce that could be guessed", { nonce: "short", about: [] }],
    ["a name that is too long", { nonce: NONCE, about: ["u".repeat(25)] }],
    ["more regions than there can be", { nonce: NONCE, about: Array.from({ length: 9 }, () => "eu") }],
    ["something else than names", { nonce: NONCE, about: [7] }],
  ])("is none where it has %s", (_what, raw) => {
    expect(parseQuestion(JSON.stringify(raw))).toBeNull();
  });
});

describe("an answer between regions", () => {
  it.each([ANSWER, { ...ANSWER, report: null, votes: [] }, { ...ANSWER, report: { ...REPORT, mark: null, givesUp: "it has no instance left" } }])("is read as it was written", (answer) => {
    expect(parseAnswer(formatAnswer(answer))).toEqual(answer);
  });

  it("votes under the answer's own nonce and name, whatever stands in a vote", () => {
    const text = JSON.stringify({ ...ANSWER, votes: [{ ...ANSWER.votes[0], nonce: "another-nonce-of-old", observer: "witness" }] });
    expect(parseAnswer(text)?.votes).toEqual(ANSWER.votes);
  });

  it.each<[string, object]>([
    ["a word nobody knows", { votes: [{ about: "us", says: "gone", copiesForMs: 0, vetoed: false }] }],
    ["a time before now", { votes: [{ about: "us", says: "up", copiesForMs: -1, vetoed: false }] }],
    ["a report without its half", { report: { region: "eu", status: "healthy" } }],
    ["a report of a status nobody knows", { report: { ...REPORT, status: "fine" } }],
    ["a reason without an end", { report: { ...REPORT, givesUp: "x".repeat(201) } }],
    ["a mark that is none", { report: { ...REPORT, mark: { region: "eu", epoch: "7", seenForMs: 0 } } }],
  ])("is none where it has %s", (_what, over) => {
    expect(parseAnswer(JSON.stringify({ ...ANSWER, ...over }))).toBeNull();
  });

  it("a long reason is cut when it is written, so that the other side reads it", () => {
    const said = parseAnswer(formatAnswer({ ...ANSWER, report: { ...REPORT, givesUp: "x".repeat(1_000) } }));
    expect(said?.report?.givesUp).toHaveLength(200);
  });

  it("no text whatever throws, and none beyond the bound is read", () => {
    fc.assert(fc.property(fc.string(), (text) => parseAnswer(text) === null && parseQuestion(text) === null));
    expect(parseQuestion(" ".repeat(MAX_EXCHANGE_BYTES) + formatQuestion({ nonce: NONCE, about: [] }))).toBeNull();
  });
});
