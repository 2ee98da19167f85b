import { createAwsIds } from "../../local/aws-ids.ts";

/** API Gateway's quota of new connections. */
const CONNECTIONS_A_SECOND = 500;

const START = 1_795_000_000_000;

/** Ids of connections that were made at the maximum rate that API Gateway accepts. */
export function connectedIds(count: number): readonly string[] {
  let connected = 0;
  const mintId = createAwsIds(() => START + (connected * 1000) / CONNECTIONS_A_SECOND);
  return Array.from({ length: count }, () => {
    connected += 1;
    return mintId("connection");
  });
}
