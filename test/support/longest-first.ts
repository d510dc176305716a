/**
 * In which order files begin: those that take longest first, since what begins last is waited for while nothing else is left.
 * Of itself Vitest goes by how long they took, which it keeps in node_modules, and `npm ci` removes; then by their sizes, one project after the other.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Half a minute and more each, the longest first; all others follow as Vitest has them. */
export const LONGEST: readonly string[] = [
  "test/cluster/pair.test.ts",
  "test/image/image.test.ts",
  "test/cluster/singleton.test.ts",
  "test/cluster/api-away.test.ts",
  "test/e2e/regions/failover.test.ts",
  "test/cluster/rights.test.ts",
  "test/e2e/daemon/life.test.ts",
  "test/cluster/api-server.test.ts",
  "test/roles/pods.real.test.ts",
  "test/roles/daemon.real.test.ts",
];

const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = LONGEST.findIndex((file) => moduleId.endsWith(`/${file}`));
  return place === -1 ? LONGEST.length : place;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}
