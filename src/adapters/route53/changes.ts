/** Change batches, as values: what is sent, what a dry run prints. Pure. */
import { formatMark, type RegionMark } from "../../core/region/mark.ts";
import { canonicalName, companionName, type RecordName, type Standing } from "./records.ts";
import { quoteTxt } from "./txt.ts";

export type Change = {
  readonly action: "DELETE" | "CREATE";
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly values: readonly string[];
};

/** Of a companion that we create: read by us alone, through the API, so nobody waits for it. */
const COMPANION_TTL_S = 60;
/** Values at which no shop stands, in records that are therefore never there. */
const NOWHERE = { A: "0.0.0.0", AAAA: "::", CNAME: "nowhere.invalid" } as const;

/**
 * Deletes exactly what stands and creates what is wanted, in one transaction: Route 53 refuses all of it when anything
 * has changed since it was read, however late it arrives.
 *
 * @param value null: as it is.
 */
export function switchChanges(name: RecordName, { record, companion }: Standing, value: string | null, mark: RegionMark): readonly Change[] {
  const own = { name: canonicalName(name.name), type: name.type };
  const beside = { name: companionName(name), type: "TXT" };
  return [
    { action: "DELETE", ...own, ...record },
    ...(companion === null ? [] : [{ action: "DELETE", ...beside, ...companion } as const]),
    { action: "CREATE", ...own, ttl: record.ttl, values: value === null ? record.values : [value] },
    { action: "CREATE", ...beside, ttl: companion?.ttl ?? COMPANION_TTL_S, values: [quoteTxt(formatMark(mark))] },
  ];
}

/** Deletes what stands and creates the same: needs every right that a switch needs, and changes nothing. */
export function sameAgain(name: RecordName, { record, companion }: Standing): readonly Change[] {
  const sets = [
    { name: canonicalName(name.name), type: name.type, ...record },
    ...(companion === null ? [] : [{ name: companionName(name), type: "TXT", ...companion }]),
  ];
  return [...sets.map((set) => ({ action: "DELETE", ...set }) as const), ...sets.map((set) => ({ action: "CREATE", ...set }) as const)];
}

/**
 * The same for what never stands there: Route 53 asks first whether we may, and then refuses all of it for its content.
 * (And if it stood there, it would stand there still.)
 */
export function neverHolds(name: RecordName): readonly Change[] {
  return sameAgain(name, { record: { ttl: 1, values: [NOWHERE[name.type]] }, companion: { ttl: 1, values: [quoteTxt("shopkeeper asks for its rights")] } });
}

/** The body of a request, as the SDK writes it. */
export function changeXml(changes: readonly Change[]): string {
  const each = changes.map(({ action, name, type, ttl, values }) => {
    const records = values.map((value) => `<ResourceRecord><Value>${escaped(value)}</Value></ResourceRecord>`).join("");
    return `<Change><Action>${action}</Action><ResourceRecordSet><Name>${escaped(name)}</Name><Type>${type}</Type><TTL>${ttl}</TTL><ResourceRecords>${records}</ResourceRecords></ResourceRecordSet></Change>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?><ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes>${each.join("")}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
