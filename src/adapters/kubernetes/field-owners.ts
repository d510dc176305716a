/** Who wrote a field, from the `managedFields` the API server keeps with every object. */
import type { V1ManagedFieldsEntry } from "@kubernetes/client-node";
import type { FieldOwner } from "../../ports/cluster.ts";
import { instantOf } from "./instant.ts";

/** All managers that own the field at `path` itself, oldest first: several may, when they agree. A status subresource owns no wishes. */
export function ownersOf(managed: readonly V1ManagedFieldsEntry[], path: readonly string[]): readonly FieldOwner[] {
  return managed
    .filter(({ fieldsV1, subresource }) => subresource !== "status" && owns(fieldsV1, path))
    .map(({ manager, operation, time }): FieldOwner => ({ manager: manager ?? "", operation: operation === "Apply" ? "Apply" : "Update", at: instantOf(time) }))
    .toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
}

/** `fieldsV1` is a tree of "f:NAME". */
function owns(fields: unknown, path: readonly string[]): boolean {
  let level: unknown = fields;
  for (const name of path) {
    if (typeof level !== "object" || level === null || !Object.hasOwn(level, `f:${name}`)) return false;
    level = (level as Record<string, unknown>)[`f:${name}`];
  }
  return true;
}
