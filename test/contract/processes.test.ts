import { FakeProcesses } from "../support/fake-processes.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { processesContract } from "./processes.ts";

processesContract("fake", async () => {
  const clock = new ManualClock();
  return {
    processes: new FakeProcesses(clock), cwd: "/", stays: ["stays"], exits: (code) => ["exits", String(code)], says: (text) => ["says", text],
    tick: () => clock.advance(10), cleanUp: async () => undefined,
  };
});
