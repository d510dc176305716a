/**
 * The second critical check: a page of the application itself, rendered and read to its end.
 *
 * It comes from the gateway's preset, not from a file in `checks/`, because what a good page
 * looks like is the framework's. It always exists, so that policies may name it; without a
 * gateway it is inactive. A file `checks/page.yaml`, or any check called `page`, replaces it.
 */
import { stringify } from "yaml";
import type { Catalogues } from "./catalogue.ts";
import { mapOf } from "./part.ts";
import { readLater, type YamlSource } from "./yaml-source.ts";

export const PAGE_CHECK = "page";

const DEFAULT_PRESET = "hydrogen-react-router";

export type PresetCheck = {
  readonly source: YamlSource;
  /** Why it looks at nothing; null: it looks. */
  readonly idle: string | null;
};

/**
 * The check as a file nobody wrote, so that it goes the way of all others.
 *
 * @param site `shopkeeper.yaml` as read, right or wrong.
 * @returns null where the build has no `page` probe.
 */
export function presetCheck(site: Readonly<Record<string, unknown>>, catalogues: Catalogues): PresetCheck | null {
  const kind = catalogues.probes[PAGE_CHECK];
  if (kind === undefined) return null;
  const gateway = mapOf(site["gateway"]);
  const name = typeof gateway["preset"] === "string" ? gateway["preset"] : DEFAULT_PRESET;
  const preset = catalogues.presets[name];
  const page = preset?.page ?? null;
  const targets = targetsBehind(gateway["target"], mapOf(site["targets"]));
  const check = {
    name: PAGE_CHECK,
    probe: PAGE_CHECK,
    interval: "10s",
    timeout: "5s",
    depends_on: ["shopify_api"],
    ...(targets === null ? {} : { targets }),
    ...(page === null ? {} : { page: page.path, must_contain: [...page.mustContain], must_not_contain: [...page.mustNotContain] }),
    ...(kind.assertions["http_status"] === undefined ? {} : { checks: { http_status: "200 OK" } }),
  };
  // The sidecars have gateways: what their looks see is read from them.
  const elsewhere = Object.values(mapOf(site["targets"])).some((target) => mapOf(target)["kubernetes"] !== undefined);
  const idle = site["gateway"] === undefined && !elsewhere ? "no gateway is configured, whose preset says what a good page is" : page === null ? `the preset ${name} names no page` : null;
  return { source: readLater(check, `preset ${name}: page.yaml`, () => stringify(check)), idle };
}

/** The targets that run what the gateway serves: its own target's workload. Null: all. */
function targetsBehind(target: unknown, targets: Readonly<Record<string, unknown>>): readonly string[] | null {
  if (typeof target !== "string" || !Object.hasOwn(targets, target)) return null;
  const workload = (name: string): unknown => mapOf(targets[name])["workload"] ?? name;
  return Object.keys(targets).filter((name) => workload(name) === workload(target));
}
