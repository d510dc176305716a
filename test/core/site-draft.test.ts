import { describe, expect, test } from "vitest";
import { draftSite } from "../../src/core/site-draft.ts";

function command(start: string | null, entries: readonly string[] = []): unknown {
  const { text } = draftSite({ folder: "shop", manifest: { name: "shop", scripts: start === null ? {} : { start } }, entries });
  return JSON.parse(/command: (.*)$/m.exec(text)?.[1] ?? "null");
}

describe("how the application is started", () => {
  test.each<[string | null, readonly string[], readonly string[], string]>([
    ["node ./server.mjs --port 3000", [], ["node", "./server.mjs", "--port", "3000"], "its own words, without a shell"],
    ["NODE_ENV=production node server.mjs", [], ["npm", "start"], "settings before the program need one"],
    ["node server.mjs | pino-pretty", [], ["npm", "start"], "a pipe needs one"],
    ["react-router-serve ./build/server/index.js", [], ["npm", "start"], "a program of node_modules needs npm"],
    ["shopify hydrogen preview", ["server.js"], ["node", "server.js"], "a tool for development does not serve buyers"],
    ["vite dev", [], ["node", "server.mjs"], "a guess where there is nothing to go by"],
    [null, ["server.js", "server.mjs"], ["node", "server.mjs"], "the module first"],
  ])("%s: %j starts %j: %s", (start, entries, words, _why) => {
    expect(command(start, entries)).toEqual(words);
  });
});

test("it is named after the package, else the folder", () => {
  expect(draftSite({ folder: "x", manifest: { name: "@acme/Store Front" }, entries: [] }).text).toContain("\nsite: store-front\n");
  expect(draftSite({ folder: "My Shop", manifest: null, entries: [] }).text).toContain("\nsite: my-shop\n");
});

test("it says whether the preset fits", () => {
  const notes = (manifest: unknown): string => draftSite({ folder: "shop", manifest, entries: [] }).notes.join("\n");
  expect(notes({ name: "shop", dependencies: { "@shopify/hydrogen": "1" } })).toContain("a Hydrogen storefront");
  expect(notes({ name: "shop" })).toContain("see whether the preset fits");
  expect(notes(null)).toContain("no package.json");
});
