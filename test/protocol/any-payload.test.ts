import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type { Context } from "aws-lambda";
import { mockClient } from "aws-sdk-client-mock";
import fc from "fast-check";
import { beforeAll, expect, test, vi } from "vitest";
import { payload, SEPARATOR } from "../support/payloads.ts";

const PAYLOADS = 5000;

/** Calls that the mocked database is asked for one packet at most, and for a request besides. */
const MOST_CALLS = 40;
const SID = "a".repeat(20);
const SELF = `poll:${SID}`;
const OTHER = "other=";

const dynamo = mockClient(DynamoDBDocumentClient);
const management = mockClient(ApiGatewayManagementApiClient);

const { handler } = await withEnvironment(
  () => import("../../lambdas/mudbase/functions/polling.ts"),
);
const { telemetry } = await import("../../lambdas/server/telemetry.ts");

const session = {
  ...{ id: "public", tenant: "acme", userId: "ann", expiresAt: 9_999_999_999 },
  data: { projects: ["p1"], user: { id: "ann" } },
};

/** What an item may hold: the connection's attributes, and the session's. */
const item = {
  pk: `conn#${SELF}`,
  sk: "conn",
  connectedAt: 0,
  sockets: { "/": session },
  lastSeenAt: 0,
  ...{ session, connectionId: SELF, nsp: "/", claims: {} },
  ...{ parts: [], partChanges: 0 },
};

beforeAll(() => {
  dynamo.on(GetCommand).resolves({ Item: item });
  dynamo.on(UpdateCommand).resolves({ Attributes: { ...item, parts: [] } });
  dynamo.on(DeleteCommand).resolves({ Attributes: item });
  dynamo.on(PutCommand).resolves({});
  dynamo.on(BatchGetCommand).resolves({ Responses: {} });
  dynamo.on(BatchWriteCommand).resolves({});
  dynamo
    .on(QueryCommand)
    .resolves({ Items: [{ sk: "sid#0000000000000", address: OTHER }], Count: 1 });
  management.on(PostToConnectionCommand).resolves({});
  management.on(DeleteConnectionCommand).resolves({});
});
const failures = vi.spyOn(telemetry, "fail");

test(`any body of a POST is answered, makes a bounded number of calls, and closes no other connection (${PAYLOADS} bodies)`, async () => {
  await fc.assert(
    fc.asyncProperty(payload, async (body) => {
      management.resetHistory();
      dynamo.resetHistory();

      const { statusCode } = await handler(post(body), {} as Context);

      expect([200, 400, 413]).toContain(statusCode);
      const packets = body.split(SEPARATOR).length;
      expect(dynamo.calls().length).toBeLessThanOrEqual(MOST_CALLS * (packets + 1));
      expect(management.commandCalls(DeleteConnectionCommand)).toEqual([]);
    }),
    { numRuns: PAYLOADS },
  );
  expect(failures.mock.calls.slice(0, 1)).toEqual([]);
}, 60_000);

const post = (body: string) =>
  ({
    requestContext: { requestId: "r", timeEpoch: Date.now(), http: { method: "POST" } },
    ...{ headers: {}, queryStringParameters: { EIO: "4", transport: "polling", sid: SID }, body },
  }) as unknown as Parameters<typeof handler>[0];

/** Sets the environment before loading, because a function reads it when it is loaded. */
async function withEnvironment<Module>(load: () => Promise<Module>): Promise<Module> {
  Object.assign(process.env, {
    TABLE_NAME: "items",
    AWS_LAMBDA_FUNCTION_NAME: "socket",
    AWS_ENDPOINT_URL_LAMBDA: "http://localhost",
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: "http://localhost",
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "KEY",
    AWS_SECRET_ACCESS_KEY: "secret",
    TOKEN_SECRET_ARN: "arn:aws:secretsmanager:us-east-1:0:secret:x",
  });
  return load();
}
