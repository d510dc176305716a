/** The kinds this build knows, as the configuration is handed them. */
import type { Catalogues } from "../config/catalogue.ts";
import { PRESETS } from "../gateway/presets/index.ts";
import { probes } from "../probes/index.ts";
import { REMEDIES } from "../remedies/index.ts";

export const catalogues: Catalogues = { probes, remedies: REMEDIES, presets: PRESETS };
