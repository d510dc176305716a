/**
 * The one file that loads @aws-sdk/client-route-53: a tenth of a second and megabytes, so whoever composes
 * imports `route53.ts`, and with it this, only where Route 53 is configured. Named exports keep a bundle to what is used:
 * what ships has a file of its own for it (build.ts), which no other role reads.
 */
export {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  GetHealthCheckCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
} from "@aws-sdk/client-route-53";
