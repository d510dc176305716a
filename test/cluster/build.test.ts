/** Which Go is new enough, and where programs are looked for. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { atLeast } from "./build.ts";
import { builtProgram, findBuilt, kubernetesVersion } from "./programs.ts";

describe("atLeast", () => {
  test.each([
    ["1.26.8", "1.26.4", true],
    ["1.26.4", "1.26.4", true],
    ["1.27", "1.26.4", true],
    ["1.26", "1.26.4", false],
    ["1.9.9", "1.26.4", false],
  ])("Go %s for %s: %s", (found, needed, enough) => {
    expect(atLeast(found, needed)).toBe(enough);
  });
});

describe("findBuilt", () => {
  let folder: string;
  let own: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "shopkeeper-programs-"));
    own = join(folder, "cache/shopkeeper-cluster", kubernetesVersion());
    for (const file of ["assets/etcd", "assets/kubelet"].map((name) => join(folder, name)).concat(["etcd", "kubectl"].map((name) => join(own, name)))) {
      mkdirSync(join(file, ".."), { recursive: true });
      writeFileSync(file, "");
      chmodSync(file, 0o755);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("looks in KUBEBUILDER_ASSETS first, for what envtest has, and then in the cache", () => {
    const env = { XDG_CACHE_HOME: join(folder, "cache"), KUBEBUILDER_ASSETS: join(folder, "assets") };
    expect(findBuilt("etcd", env)).toBe(join(folder, "assets/etcd"));
    expect(findBuilt("kubectl", env)).toBe(join(own, "kubectl"));
    expect(findBuilt("kubelet", env)).toBeNull();
  });

  test("says how to build what is not there", () => {
    expect(() => builtProgram("kwok", { XDG_CACHE_HOME: folder })).toThrow("kwok is not built: npm run cluster -- build kwok");
  });
});
