/**
 * What the configuration is handed: the kinds of looks, recoveries and gateway
 * presets this build knows. `config` never imports them (they stand a floor above);
 * whoever starts the program passes the catalogues in.
 */
import type * as z from "zod";
import type { GatewayPreset } from "../core/preset.ts";
import type { TargetKind } from "../core/target.ts";
import type { GatewayConfig, StorefrontConfig, TargetConfig } from "./config.ts";

/**
 * How an assertion's text is read.
 * `status`: "200 OK", "2xx", "200-299" · `duration`: "< 500ms" · `percent`: "> 20%" ·
 * `number`: "<= 3" · `word`: one of a closed list ("reachable") · `text`: compared as text.
 */
export type AssertionValue = "status" | "duration" | "percent" | "number" | "word" | "text";

/** One assertion a probe kind knows: a key under `checks:` of a check's file. */
export type AssertionKind = {
  readonly value: AssertionValue;
  /** What a single bound means when it is broken; both may be given as `{ warn, fail }`. */
  readonly severity: "warn" | "fail";
  /** For `word`: the words that may be expected. */
  readonly words?: readonly string[];
  /** A valid value, shown in errors: "< 500ms". */
  readonly example: string;
  /** Why this part is not looked at with this configuration and the check's own settings (as its schema returned them); null or absent: it is. */
  readonly inactiveWhen?: (site: Surroundings, settings: unknown) => string | null;
};

/** The parts of the configuration a kind may ask about to decide whether it can look at anything. */
export type Surroundings = {
  readonly targets: readonly TargetConfig[];
  readonly storefront: StorefrontConfig | null;
  readonly redis: { readonly url: unknown } | null;
  readonly gateway: GatewayConfig | null;
};

/** One kind of look, as the configuration needs to know it. `src/probes/index.ts` holds the full entries. */
export type ProbeKind = {
  /** As written in `probe:`. */
  readonly name: string;
  /** One sentence for people. */
  readonly summary: string;
  /**
   * The kind's own settings, which stand beside the common keys of a check's file. Its keys must
   * not be those of every check (`COMMON_CHECK_KEYS`). Durations: use `duration()` of `config/values.ts`.
   */
  readonly schema: z.ZodObject;
  /** Assertions by name; keys under `checks:`. */
  readonly assertions: Readonly<Record<string, AssertionKind>>;
  /** Families of assertions written `PREFIX.NAME`: "header.content-type", "json.status". */
  readonly families?: Readonly<Record<string, AssertionKind>>;
  /** `target`: looks at each target on its own; of pods, at each pod. `workload`: at pods as a whole. `site`: at something all targets share. */
  readonly scope: "target" | "workload" | "site";
  /**
   * Looks beyond the own host, so the connectivity guard applies; `settings` are the check's own, as its schema
   * returned them. A check of targets that all have loopback URLs is never remote.
   */
  readonly remote: boolean | ((site: Surroundings, settings: unknown) => boolean);
  /** Kinds of target it can look at; absent: all. */
  readonly targetKinds?: readonly TargetKind[];
  /** Why nothing can be looked at with this configuration; null: it can. */
  readonly inactiveWhen: (site: Surroundings) => string | null;
};

/** One kind of recovery, as the configuration needs to know it. `src/remedies/index.ts` holds the full entries. */
export type RemedyKind = {
  /** The remedy's name, as in the table of actions: "restart_process". */
  readonly name: string;
  readonly summary: string;
  /** A policy's `params:` for this remedy. */
  readonly schema: z.ZodObject;
};

export type Catalogues = {
  readonly probes: Readonly<Record<string, ProbeKind>>;
  readonly remedies: Readonly<Record<string, RemedyKind>>;
  readonly presets: Readonly<Record<string, GatewayPreset>>;
};
