import { expect, test } from "vitest";
import { readYamlDocuments } from "../../src/config/yaml-documents.ts";

test("each document is read by itself, with the lines of the file", () => {
  const [first, second, ...rest] = readYamlDocuments("# a file\nkind: One\n---\n# between\nkind: Two\nname: second\n--- # the end\n", "two.yaml");
  expect(rest).toEqual([]);
  expect([first?.value, second?.value]).toEqual([{ kind: "One" }, { kind: "Two", name: "second" }]);
  expect(second?.problem({ code: "BAD_VALUE", path: ["name"], message: "no" })).toMatchObject({ line: 6, column: 7, source: "name: second" });
});

test("what stands on the mark's own line belongs to the document", () => {
  expect(readYamlDocuments("--- {kind: One}\n---\tkind\n", "one.yaml").map(({ value }) => value)).toEqual([{ kind: "One" }, "kind"]);
});

test("an error is at its line of the file, and spoils its own document only", () => {
  const sources = readYamlDocuments("kind: One\n---\nkind: [\n---\nkind: Three\n", "three.yaml");
  expect(sources.map(({ errors }) => errors.length > 0)).toEqual([false, true, false]);
  expect(sources[1]?.errors[0]?.line).toBeGreaterThanOrEqual(3);
});

test("comments and nothing are no documents", () => {
  expect(readYamlDocuments("# nothing\n---\n\n---\n# here\n", "empty.yaml")).toEqual([]);
});
