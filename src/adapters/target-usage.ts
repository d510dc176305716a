/**
 * The TargetUsage port: a target's cgroup where one is named, the cgroup of its
 * systemd unit, else its supervised process.
 */
import type { TargetConfig } from "../config/config.ts";
import type { TargetId } from "../core/target.ts";
import type { ProcessRef, Processes } from "../ports/processes.ts";
import type { TargetUsage, TargetUsageAnswer } from "../ports/target-usage.ts";

/** Where systemd keeps the cgroups of system units. */
const SYSTEM_SLICE = "/sys/fs/cgroup/system.slice";

/** `markers`: of the children we keep, by target. */
export type TargetUsageParts = { readonly markers: ReadonlyMap<TargetId, string>; readonly targets: readonly TargetConfig[]; readonly processes: Pick<Processes, "find" | "alive" | "usage"> };

export function createTargetUsage({ markers, targets, processes }: TargetUsageParts): TargetUsage {
  const byId = new Map(targets.map((target) => [target.id, target]));
  /** Finding a process means reading all of /proc, so the one found is remembered until it is gone. */
  const known = new Map<TargetId, ProcessRef>();

  const ofCgroup = async (cgroup: string): Promise<TargetUsageAnswer> => {
    const usage = await processes.usage({ cgroup });
    return usage === null ? { kind: "none", detail: `no cgroup v2 at ${cgroup}` } : { kind: "usage", usage };
  };
  const ofProcess = async (id: TargetId): Promise<TargetUsageAnswer> => {
    const remembered = known.get(id);
    const ref = remembered !== undefined && (await processes.alive(remembered)) ? remembered : (await processes.find(markers.get(id) ?? id))[0]?.ref;
    if (ref === undefined) {
      known.delete(id);
      return { kind: "gone", detail: "its process is not running" };
    }
    known.set(id, ref);
    const usage = await processes.usage({ pid: ref.pid });
    return usage === null ? { kind: "gone", detail: `process ${ref.pid} is gone` } : { kind: "usage", usage };
  };
  const read = (target: TargetConfig): Promise<TargetUsageAnswer> => {
    if (target.cgroup !== null) return ofCgroup(target.cgroup);
    if (target.unit !== null) return ofCgroup(`${SYSTEM_SLICE}/${target.unit.includes(".") ? target.unit : `${target.unit}.service`}`);
    if (target.process !== null) return ofProcess(target.id);
    return Promise.resolve({ kind: "none", detail: "no process, unit or cgroup is configured" });
  };

  return {
    read: async (id) => {
      const target = byId.get(id);
      if (target === undefined) return { kind: "none", detail: `no target ${id}` };
      try {
        return await read(target);
      } catch (error) {
        return { kind: "none", detail: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}
