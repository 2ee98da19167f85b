import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleInto } from "../../lib/bundle.ts";
import { entriesOf } from "../../lib/entries.ts";
import { ENVIRONMENT } from "./cold-start.ts";
import { median, startAws } from "./measure.ts";

/** What a new client makes API Gateway and the function itself send, and what that takes is called. */
const EVENTS: Readonly<Record<string, object>> = {
  "`$connect` is answered": {
    ...{ eventType: "CONNECT", routeKey: "$connect" },
    query: { EIO: "4", transport: "websocket" },
  },
  "OPEN is posted": { isOpen: true },
  "CONNECT is answered": { body: '40{"nickname":"ann"}' },
  "the first event is acknowledged": { body: '420["join","garden"]' },
};

/** Milliseconds of processor time until the chat example's socket function has done each, since its process began to load it. */
export async function measureFirstEvents(
  assembly: string,
  starts: number,
): Promise<ReadonlyMap<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), "first-"));
  bundleInto(folder, { entry: entriesOf("examples/chat/app.ts").socket });
  const aws = await startAws(assembly);
  const env = {
    ...{ ...ENVIRONMENT, TABLE_NAME: aws.tableName, POWERTOOLS_LOG_LEVEL: "ERROR" },
    // As it is deployed: metrics are written after a minute.
    METRICS_PERIOD: "60000",
    ...{ AWS_ENDPOINT_URL_DYNAMODB: aws.url, AWS_ENDPOINT_URL_LAMBDA: aws.url },
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: `${aws.url}/live`,
  };
  const runs = Array.from({ length: starts }, (_, start) => {
    const script = scriptOf(pathToFileURL(join(folder, "index.mjs")).href, `client-${start}=`);
    const printed = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      ...{ env, encoding: "utf8" },
    });
    // Metrics are printed before.
    return JSON.parse(printed.trim().split("\n").at(-1) ?? "") as number[];
  });
  aws.stop();
  rmSync(folder, { recursive: true });
  const names = ["it is loaded", ...Object.keys(EVENTS)];
  return new Map(names.map((name, index) => [name, median(runs.map((run) => run[index] ?? NaN))]));
}

/** Loads the function and gives it one event after the other; prints the processor time after each. */
const scriptOf = (file: string, connectionId: string) => `
const before = process.cpuUsage();
const costs = [];
const note = () => {
  const { user, system } = process.cpuUsage(before);
  costs.push((user + system) / 1000);
};
const { handler } = await import(${JSON.stringify(file)});
note();
const connectionId = ${JSON.stringify(connectionId)};
const context = { functionName: "socket", awsRequestId: "1", getRemainingTimeInMillis: () => 29000 };
for (const { isOpen, query, body, ...more } of ${JSON.stringify(Object.values(EVENTS))}) {
  const now = Date.now();
  const of = { connectionId, connectedAt: now, requestTimeEpoch: now, messageId: String(now) };
  const requestContext = { eventType: "MESSAGE", routeKey: "$default", ...of, ...more };
  const event = { requestContext, headers: {}, queryStringParameters: query, body };
  const { statusCode } = await handler(isOpen ? { open: { connectionId, connectedAt: now } } : event, context);
  if (statusCode !== 200) throw new Error("it answered " + statusCode);
  note();
}
console.log(JSON.stringify(costs));
process.exit();
`;
