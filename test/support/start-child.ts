/** A program that starts one child as told by its argument, and ends. */
import { createLocalProcesses } from "../../src/adapters/local-processes.ts";
import { createSystemClock } from "../../src/adapters/system-clock.ts";
import type { ProcessSpec } from "../../src/ports/processes.ts";

const processes = createLocalProcesses({ clock: createSystemClock(), env: process.env });
await processes.start(JSON.parse(process.argv[2] ?? "") as ProcessSpec);
processes.close();
