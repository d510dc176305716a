/** Route 53's answers. */
import { writeXml, type Node } from "./xml.ts";
import type { RecordSet } from "./zone.ts";

export type HealthCheck = {
  readonly host: string;
  readonly path: string;
  readonly intervalS: 10 | 30;
  readonly failures: number;
  readonly disabled?: boolean;
};

const REQUEST_ID = "b25f48e8-84fd-11e6-80d9-574e0c4664cb";

export function errorXml(code: string, message: string): string {
  return writeXml(["ErrorResponse", [["Error", [["Type", "Sender"], ["Code", code], ["Message", message]]], ["RequestId", REQUEST_ID]]]);
}

/** The form without a code, which the SDK does not know as InvalidChangeBatch. */
export function refusalXml(messages: readonly string[]): string {
  return writeXml(["InvalidChangeBatch", [["Messages", messages.map((message): Node => ["Message", message])], ["RequestId", REQUEST_ID]]]);
}

export function changeXml(root: string, id: string, status: "PENDING" | "INSYNC"): string {
  return writeXml([root, [["ChangeInfo", [["Id", `/change/${id}`], ["Status", status], ["SubmittedAt", "2026-11-22T10:00:00.000Z"]]]]]);
}

/** @param next what stands after the page. */
export function listXml(sets: readonly RecordSet[], next: RecordSet | null, most: number): string {
  return writeXml([
    "ListResourceRecordSetsResponse",
    [
      ["ResourceRecordSets", sets.map(setNode)],
      ["IsTruncated", String(next !== null)],
      ["NextRecordName", next?.name],
      ["NextRecordType", next?.type],
      ["NextRecordIdentifier", next?.setIdentifier],
      ["MaxItems", most],
    ],
  ]);
}

function setNode({ name, type, ttl, values, setIdentifier, weight, failover, healthCheckId, alias }: RecordSet): Node {
  return [
    "ResourceRecordSet",
    [
      ["Name", name],
      ["Type", type],
      ["SetIdentifier", setIdentifier],
      ["Weight", weight],
      ["Failover", failover],
      ["TTL", ttl],
      ["ResourceRecords", values?.map((value): Node => ["ResourceRecord", [["Value", value]]])],
      ["AliasTarget", alias === undefined ? undefined : [["HostedZoneId", alias.zone], ["DNSName", alias.name], ["EvaluateTargetHealth", String(alias.evaluate)]]],
      ["HealthCheckId", healthCheckId],
    ],
  ];
}

export function healthCheckXml(id: string, { host, path, intervalS, failures, disabled = false }: HealthCheck): string {
  return writeXml([
    "GetHealthCheckResponse",
    [
      [
        "HealthCheck",
        [
          ["Id", id],
          ["CallerReference", "shopkeeper"],
          ["HealthCheckConfig", [["Type", "HTTPS"], ["ResourcePath", path], ["FullyQualifiedDomainName", host], ["RequestInterval", intervalS], ["FailureThreshold", failures], ["Disabled", String(disabled)]]],
          ["HealthCheckVersion", 1],
        ],
      ],
    ],
  ]);
}
