import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Document, Scalar } from "yaml";
import { readYaml } from "../../src/config/yaml-source.ts";

const TEXT = `name: shop # comment
list:
  - one
  - two: 2
"quoted key": 'it''s'
`;

describe("locate", () => {
  const source = readYaml(TEXT, "a.yaml");

  test.each([
    [["name"], "value", 1, 7],
    [["name"], "key", 1, 1],
    [["list", 0], "value", 3, 5],
    [["list", 1, "two"], "value", 4, 10],
    [["list", 1, "two"], "key", 4, 5],
    [["quoted key"], "value", 5, 15],
    [["list", 1, "absent"], "value", 4, 5],
    [["absent", "deeper"], "value", 1, 1],
  ] as const)("%j (%s) is at %i:%i", (path, at, line, column) => {
    expect(source.locate(path, at)).toMatchObject({ line, column });
  });

  test("a missing entry is placed at the key of the map that should hold it", () => {
    expect(readYaml("a: 1\nb:\n  c: 2\n", "x").locate(["b", "missing"])).toMatchObject({ line: 2, column: 1 });
  });
});

describe("locateIn", () => {
  const word = fc.stringMatching(/^[a-z%>"'\\]{1,9}$/).filter((text) => !/^["'>%]/.test(text));
  const styles = [Scalar.PLAIN, Scalar.QUOTE_DOUBLE, Scalar.QUOTE_SINGLE, Scalar.BLOCK_FOLDED, Scalar.BLOCK_LITERAL] as const;

  test("finds every word of a text, however the text is quoted, folded and escaped", () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), fc.constantFrom(...styles), fc.integer({ min: 10, max: 60 }), (words, style, lineWidth) => {
        const value = words.join(" ");
        const document = new Document({ outer: { trigger: value } });
        const scalar = document.getIn(["outer", "trigger"], true);
        if (!(scalar instanceof Scalar)) throw new Error("no scalar");
        scalar.type = style;
        const text = document.toString({ lineWidth });
        const source = readYaml(text, "x.yaml");
        // Read back: the writer may fold where no white space was.
        const read = (source.value as { outer: { trigger: string } }).outer.trigger;
        const lines = text.split("\n");
        for (const { 0: one, index } of read.matchAll(/\S+/g)) {
          const place = source.locateIn(["outer", "trigger"], index);
          // Double quotes may break a line within a word, and escape: there the first letter has to do.
          expect(lines[place.line - 1]?.slice(place.column - 1).startsWith(one[0] ?? "")).toBe(true);
          if (style !== Scalar.QUOTE_DOUBLE && /^[a-z]+$/.test(one)) expect(lines[place.line - 1]?.slice(place.column - 1).startsWith(one)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("the end of a text is the place after its last character", () => {
    expect(readYaml("a: 'x > '\n", "x").locateIn(["a"], 4)).toMatchObject({ line: 1, column: 8 });
  });
});

describe("readYaml", () => {
  test("says every syntax error and never throws", () => {
    fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => {
      const { errors, value } = readYaml(text, "x.yaml");
      expect(errors.every((error) => error.line >= 1 && error.column >= 1)).toBe(true);
      expect(value === undefined).toBe(false);
    }));
  });

  test("aliases are expanded, but not without bound", () => {
    expect(readYaml("a: &x [1]\nb: *x\n", "x").value).toEqual({ a: [1], b: [1] });
    const bomb = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]", ...[1, 2, 3, 4].map((level) => `a${level}: &a${level} [${`*a${level - 1},`.repeat(10)}]`)].join("\n");
    expect(readYaml(bomb, "x").errors.map((error) => error.code)).toEqual(["YAML_SYNTAX"]);
  });
});
