/** Reads the body of ChangeResourceRecordSets, strictly: what the real schema does not know is refused. */
import { parseXml, type Element } from "./xml.ts";
import type { Change, RecordSet } from "./zone.ts";

/** In the order of the schema, which is a sequence. */
const SET_ELEMENTS = ["Name", "Type", "SetIdentifier", "Weight", "Failover", "TTL", "ResourceRecords", "AliasTarget", "HealthCheckId"];
const MAX_CHANGES = 1_000;

/** What Route 53 says of it: InvalidInput. */
export class InvalidInput extends Error {}

/** @throws {InvalidInput} */
export function readBatch(body: string): readonly Change[] {
  const root = parseXml(body);
  if (root === null) throw new InvalidInput("Invalid XML ; the request could not be parsed");
  const batch = only(root, "ChangeResourceRecordSetsRequest", ["ChangeBatch"], "ChangeBatch");
  const changes = only(batch, "ChangeBatch", ["Comment", "Changes"], "Changes");
  if (changes.children.length === 0 || changes.children.length > MAX_CHANGES) throw new InvalidInput("1 validation error detected: Value at 'changeBatch.changes' failed to satisfy constraint: Member must have length greater than or equal to 1");
  return changes.children.map(readChange);
}

function readChange(change: Element): Change {
  const action = only(change, "Change", ["Action", "ResourceRecordSet"], "Action").text;
  if (!["CREATE", "DELETE", "UPSERT"].includes(action)) throw new InvalidInput(`Invalid XML ; cvc-enumeration-valid: Value '${action}' is not facet-valid with respect to enumeration '[CREATE, DELETE, UPSERT]'. It must be a value from the enumeration.`);
  return { action, set: readSet(only(change, "Change", ["Action", "ResourceRecordSet"], "ResourceRecordSet")) };
}

function readSet(element: Element): RecordSet {
  const name = only(element, "ResourceRecordSet", SET_ELEMENTS, "Name").text;
  const type = only(element, "ResourceRecordSet", SET_ELEMENTS, "Type").text;
  const find = (wanted: string): Element | undefined => element.children.find((one) => one.name === wanted);
  const [ttl, records, alias, identifier, failover, health, weight] = ["TTL", "ResourceRecords", "AliasTarget", "SetIdentifier", "Failover", "HealthCheckId", "Weight"].map(find);
  if ((alias === undefined) === (ttl === undefined || records === undefined)) throw new InvalidInput(`Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with [Name=${name}, Type=${type}]`);
  if ((failover ?? weight) !== undefined && identifier === undefined) throw new InvalidInput(`Invalid request: Missing field 'SetIdentifier' in Change with [Name=${name}, Type=${type}]`);
  return {
    name: withDot(name),
    type,
    ...(ttl === undefined ? {} : { ttl: Number(ttl.text) }),
    ...(records === undefined ? {} : { values: records.children.map((record) => only(record, "ResourceRecord", ["Value"], "Value").text) }),
    ...(identifier === undefined ? {} : { setIdentifier: identifier.text }),
    ...(weight === undefined ? {} : { weight: Number(weight.text) }),
    ...(failover === undefined ? {} : { failover: failover.text as "PRIMARY" }),
    ...(health === undefined ? {} : { healthCheckId: health.text }),
    ...(alias === undefined ? {} : { alias: aliasOf(alias) }),
  };
}

function aliasOf(alias: Element): { zone: string; name: string; evaluate: boolean } {
  const of = (name: string): string => only(alias, "AliasTarget", ["HostedZoneId", "DNSName", "EvaluateTargetHealth"], name).text;
  return { zone: of("HostedZoneId"), name: withDot(of("DNSName")), evaluate: of("EvaluateTargetHealth") === "true" };
}

/** The child of that name, of an element with that name and no other children than those allowed, in their order. */
function only(element: Element, name: string, allowed: readonly string[], wanted: string): Element {
  const places = element.children.map((child) => allowed.indexOf(child.name));
  const sound = element.name === name && places.every((place, index) => place >= 0 && place >= (places[index - 1] ?? 0));
  const child = element.children.find((one) => one.name === wanted);
  if (!sound || child === undefined) throw new InvalidInput(`Invalid XML ; cvc-complex-type.2.4: Invalid content was found in element '${element.name}'. '${wanted}' is expected.`);
  return child;
}

export const withDot = (name: string): string => `${name.toLowerCase().replace(/\.$/, "")}.`;
