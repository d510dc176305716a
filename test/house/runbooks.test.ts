/** Every runbook that an alert links to exists, says what a person at night needs, and none is left over. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = join(ROOT, "docs/runbooks");
const PAGES = readdirSync(FOLDER).filter((file) => file.endsWith(".md"));

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
}

/** Pages named where an alert is made, by their name or by the incident's reason. */
function linked(): readonly string[] {
  const texts = sources(join(ROOT, "src"));
  const named = texts.flatMap((text) =>
    text.split("\n").filter((line) => line.includes("runbook")).flatMap((line) => [...line.matchAll(/["/]([a-z]+(?:-[a-z]+)+)(?:"|\.md)/g)].map((found) => found[1] ?? "")));
  const reasons = texts.flatMap((text) => [.../type IncidentReason =([^;]*);/.exec(text)?.[1]?.matchAll(/"([a-z_]+)"/g) ?? []].map((found) => (found[1] ?? "").replaceAll("_", "-")));
  return [...new Set([...named, ...reasons])].toSorted();
}

test("every runbook that the source links to is there, and no other", () => {
  expect(linked()).toContain("check-unhealthy");
  expect(linked()).toContain("restart-escalated");
  expect(PAGES.map((file) => file.replace(".md", "")).toSorted()).toEqual(linked());
});

describe.each(PAGES)("%s", (file) => {
  const text = readFileSync(join(FOLDER, file), "utf8");

  test("names its alert, and says what it means, what is done meanwhile, where to look, what to do and how to silence it", () => {
    expect(text).toContain(`**Alert:** \`${file.replace(".md", "").replaceAll("-", "_")}\``);
    const sections = [...text.matchAll(/^## (.+)$/gm)].map((found) => found[1]);
    expect(sections).toEqual(["What it means", "What Shopkeeper does meanwhile", "Look", "Do", "Silence"]);
  });

  test("uses commands that exist", () => {
    const program = readFileSync(join(ROOT, "src/cli/program.ts"), "utf8") + sources(join(ROOT, "src/cli")).join("\n");
    const commands = [...text.matchAll(/shopkeeper ([a-z]+)/g)].map((found) => found[1] ?? "");
    for (const command of commands) expect(program).toMatch(new RegExp(`command\\("${command}|"${command}[ "]`));
  });
});
