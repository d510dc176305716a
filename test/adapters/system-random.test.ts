import { expect, test } from "vitest";
import { createSystemRandom } from "../../src/adapters/system-random.ts";

const random = createSystemRandom();
const many = Array.from({ length: 1_000 });

test("next is in [0, 1)", () => {
  expect(many.map(() => random.next()).every((value) => value >= 0 && value < 1)).toBe(true);
});

test("ids are new and of the promised shape", () => {
  const ids = many.map(() => random.id());
  expect(new Set(ids).size).toBe(1_000);
  expect(ids.every((id) => /^[0-9a-f-]{16,36}$/.test(id))).toBe(true);
});
