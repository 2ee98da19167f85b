import { createAwsIds } from "../../local/aws-ids.ts";

/** API Gateway's quota of new connections. */
const CONNECTIONS_A_SECOND = 500;

const BEGINNING = 1_795_000_000_000;

/** The ids of connections that came one after another, as many a second as API Gateway lets in. */
export function connectedIds(count: number): readonly string[] {
  let connected = 0;
  const mintId = createAwsIds(() => BEGINNING + (connected * 1000) / CONNECTIONS_A_SECOND);
  return Array.from({ length: count }, () => {
    connected += 1;
    return mintId("connection");
  });
}
