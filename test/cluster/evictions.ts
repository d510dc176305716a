/** Evictions as the API server's audit log has them. */
import { readFileSync } from "node:fs";

export type Evicted = {
  readonly pod: string;
  /** The precondition it was sent with. */
  readonly uid: string;
  /** HTTP status it was answered with. */
  readonly status: number;
  /** Why it was refused; "" where it was not. */
  readonly reason: string;
};

type AuditEntry = {
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly objectRef?: { readonly namespace?: string; readonly name?: string; readonly subresource?: string };
  readonly requestObject?: { readonly deleteOptions?: { readonly preconditions?: { readonly uid?: string }; readonly dryRun?: readonly string[] } };
  readonly responseStatus?: { readonly code?: number; readonly reason?: string };
};

/** Those of one namespace that were no dry runs, oldest first. One that the server did not answer before it ended is not among them. */
export function evictionsIn(auditLog: string, namespace: string): readonly Evicted[] {
  const lines = readFileSync(auditLog, "utf8").split("\n").filter((line) => line.includes("/eviction") && line.includes(`"namespace":"${namespace}"`));
  return lines.flatMap((line) => {
    const { stage, requestURI, objectRef, requestObject, responseStatus } = JSON.parse(line) as AuditEntry;
    if (stage !== "ResponseComplete" || requestURI.includes("dryRun") || objectRef?.subresource !== "eviction") return [];
    return [{ pod: objectRef.name ?? "", uid: requestObject?.deleteOptions?.preconditions?.uid ?? "", status: responseStatus?.code ?? 0, reason: responseStatus?.reason ?? "" }];
  });
}
