import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";

const API = ["api-away", "api-server", "election", "kubernetes-*", "minimal-role", "pair", "regions", "remedies", "rights", "singleton"].map((name) => `test/cluster/${name}.test.ts`);

/**
 * Suites by what they need. `quick` needs nothing but Node: no server, no other
 * process; its files share their modules, since loading them anew for each file took half its time. `real` speaks to real counterparts (files named *.real.test.ts).
 * `e2e` runs whole storefronts, one file at a time: they measure faults.
 * `daemons` runs Shopkeeper as it ships, with small applications: most of its time is waiting.
 * `image` builds the container image and renders the manifests.
 * `api` has a Kubernetes API server for each file, on ports of its own: most of its time is waiting.
 * `cluster` runs a whole Kubernetes, one file at a time: there is one of it a machine.
 */
export default defineConfig({
  test: {
    setupFiles: ["test/support/require-node.ts"],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: { name: "quick", isolate: false, include: ["test/**/*.test.ts"], exclude: ["test/e2e/**", "test/image/**", "test/cluster/**", "test/**/*.real.test.ts"] },
      },
      {
        extends: true,
        test: { name: "real", include: ["test/**/*.real.test.ts"], exclude: ["test/e2e/**"], testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        extends: true,
        test: { name: "e2e", include: ["test/e2e/hydrogen/**/*.test.ts"], testTimeout: 180_000, hookTimeout: 600_000, fileParallelism: false },
      },
      {
        extends: true,
        test: { name: "daemons", include: ["test/e2e/**/*.test.ts"], exclude: ["test/e2e/hydrogen/**"], testTimeout: 180_000, hookTimeout: 600_000 },
      },
      {
        extends: true,
        test: { name: "image", include: ["test/image/**/*.test.ts"], testTimeout: 180_000, hookTimeout: 1_800_000 },
      },
      {
        extends: true,
        test: { name: "api", globalSetup: ["test/support/bundle-setup.ts"], include: API, testTimeout: 120_000, hookTimeout: 300_000 },
      },
      {
        extends: true,
        test: { name: "cluster", globalSetup: ["test/support/bundle-setup.ts"], include: ["test/cluster/**/*.test.ts"], exclude: API, testTimeout: 120_000, hookTimeout: 300_000, fileParallelism: false },
      },
    ],
  },
});
