/** Writes to objects as the API server's audit log has them. */
import { readFileSync } from "node:fs";

export type Written = { readonly by: string; readonly verb: string; readonly name: string; /** HTTP status it was answered with. */ readonly status: number };

type AuditEntry = {
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly namespace?: string; readonly resource?: string; readonly name?: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code?: number };
};

/** Those to the objects themselves, not to their status; oldest first. */
export function writesOf(auditLog: string, namespace: string, resource: string): readonly Written[] {
  const lines = readFileSync(auditLog, "utf8").split("\n").filter((line) => line.includes(`"resource":"${resource}"`) && line.includes(`"namespace":"${namespace}"`));
  return lines.flatMap((line) => {
    const { stage, verb, user, objectRef, responseStatus } = JSON.parse(line) as AuditEntry;
    if (stage !== "ResponseComplete" || objectRef?.resource !== resource || objectRef.namespace !== namespace || objectRef.subresource !== undefined) return [];
    return [{ by: user.username, verb, name: objectRef.name ?? "", status: responseStatus?.code ?? 0 }];
  });
}
