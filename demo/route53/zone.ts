/**
 * A hosted zone with Route 53's rules for changing it: a batch is a transaction, carried out one change after another on a
 * copy; a DELETE must name all of what stands. Its refusals are in the words of the real one.
 */
import { isIPv4, isIPv6 } from "node:net";

export type RecordSet = {
  /** With the dot at its end. */
  readonly name: string;
  readonly type: string;
  readonly ttl?: number;
  readonly values?: readonly string[];
  readonly setIdentifier?: string;
  readonly weight?: number;
  readonly failover?: "PRIMARY" | "SECONDARY";
  readonly healthCheckId?: string;
  readonly alias?: { readonly zone: string; readonly name: string; readonly evaluate: boolean };
};

export type Change = { readonly action: string; readonly set: RecordSet };

/** Refused: what Route 53 would say, one sentence a fault. */
export class InvalidBatch extends Error {
  readonly messages: readonly string[];
  constructor(messages: readonly string[]) {
    super(messages.join(", "));
    this.messages = messages;
  }
}

export class Zone {
  readonly id: string;
  readonly name: string;
  #sets: readonly RecordSet[] = [];

  /** @param name with the dot at its end. */
  constructor(id: string, name: string) {
    this.id = id;
    this.name = name;
  }

  /** In Route 53's order: by name with its labels turned round, then type, then identifier. */
  get sets(): readonly RecordSet[] {
    return this.#sets;
  }

  /** @throws {InvalidBatch} and then nothing has changed. */
  apply(batch: readonly Change[]): void {
    const copy = [...this.#sets];
    const messages = batch.flatMap((change) => this.#carryOut(copy, change) ?? []);
    if (messages.length > 0) throw new InvalidBatch(messages);
    this.#sets = copy.toSorted(inOrder);
  }

  /** From the place of a name, type and identifier on. */
  from(name: string, type: string, setIdentifier: string): readonly RecordSet[] {
    const start = { name, type, setIdentifier };
    return this.#sets.filter((set) => inOrder(set, start) >= 0);
  }

  #carryOut(sets: RecordSet[], { action, set }: Change): string | null {
    const label = `[name='${set.name}', type='${set.type}'${set.setIdentifier === undefined ? "" : `, set-identifier='${set.setIdentifier}'`}]`;
    if (set.name !== this.name && !set.name.endsWith(`.${this.name}`)) return `RRSet with DNS name ${set.name} is not permitted in zone ${this.name}`;
    const illegal = (set.values ?? []).map((value) => illegalValue(set.type, value)).find((why) => why !== null);
    if (illegal !== undefined) return illegal;
    const at = sets.findIndex((one) => one.name === set.name && one.type === set.type && one.setIdentifier === set.setIdentifier);
    const standing = sets[at];
    if (action === "DELETE") {
      if (standing === undefined) return `Tried to delete resource record set ${label} but it was not found`;
      if (!same(standing, set)) return `Tried to delete resource record set ${label} but the values provided do not match the current values`;
      sets.splice(at, 1);
      return null;
    }
    if (action === "CREATE" && standing !== undefined) return `Tried to create resource record set ${label} but it already exists`;
    const conflict = sets.find((one) => one.name === set.name && one.type !== set.type && (one.type === "CNAME" || set.type === "CNAME"));
    if (conflict !== undefined) return `RRSet of type ${set.type} with DNS name ${set.name} is not permitted because a conflicting RRSet of type ${conflict.type} with the same DNS name already exists in zone ${this.name}`;
    if (standing === undefined) sets.push(set);
    else sets[at] = set;
    return null;
  }
}

function illegalValue(type: string, value: string): string | null {
  if (type === "A" && !isIPv4(value)) return `Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '${value}''`;
  if (type === "AAAA" && !isIPv6(value)) return `Invalid Resource Record: 'FATAL problem: AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address) encountered with '${value}''`;
  if (type === "TXT" && !/^"([^"\\]|\\.)*"( "([^"\\]|\\.)*")*$/.test(value)) return `Invalid Resource Record: 'FATAL problem: InvalidCharacterString (Value should be enclosed in quotation marks) encountered with '${value}''`;
  return null;
}

/** In any order of the values. */
function same(a: RecordSet, b: RecordSet): boolean {
  const plain = ({ values, ...rest }: RecordSet): string => JSON.stringify([Object.entries(rest).toSorted(([x], [y]) => (x < y ? -1 : 1)), values?.toSorted() ?? null]);
  return plain(a) === plain(b);
}

type Place = { readonly name: string; readonly type: string; readonly setIdentifier?: string };

function inOrder(a: Place, b: Place): number {
  const key = ({ name, type, setIdentifier = "" }: Place): string => `${name.split(".").toReversed().join(".")}\u0000${type}\u0000${setIdentifier}`;
  const [left, right] = [key(a), key(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
