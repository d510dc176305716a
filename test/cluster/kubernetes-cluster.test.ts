import { describe } from "vitest";
import { clusterContract } from "../contract/cluster.ts";
import { apiScene } from "./api-scene.ts";
import { createApiWorld } from "./api-world.ts";
import { lacking } from "./needs.ts";

describe.skipIf(lacking("api").length > 0)("a cluster by its API server", () => {
  const world = createApiWorld();
  clusterContract("Kubernetes", () => apiScene(world));
});
