/** All rows, in the order of the table. */
import type { Row } from "../support/bench.ts";
import { checks } from "./checks.ts";
import { cluster } from "./cluster.ts";
import { killsRow } from "./kills.ts";
import { later } from "./later.ts";
import { liveUnderLoad } from "./live-under-load.ts";
import { frozen, killed } from "./outages.ts";
import { pairs } from "./pairs.ts";
import { passThrough } from "./pass-through.ts";
import { probeCpu } from "./probe-cpu.ts";
import { rto } from "./rto.ts";
import { sidecar } from "./sidecar.ts";
import { singleton } from "./singleton.ts";
import { storedCopy } from "./stored-copy.ts";

export const ROWS: readonly Row[] = [storedCopy, passThrough, probeCpu, checks, killed, frozen, liveUnderLoad, sidecar, singleton, killsRow, pairs, rto, cluster, later];
