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

const FRAMES = 12_000;
const SELF = "self=";
const OTHER = "other=";

const dynamo = mockClient(DynamoDBDocumentClient);
const management = mockClient(ApiGatewayManagementApiClient);

const { handler } = await withEnvironment(
  () => import("../../lambdas/mudbase/functions/socket.ts"),
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

const json = fc.json({ maxDepth: 4 });
const name = fc.oneof(
  fc.string(),
  fc.constantFrom("connect", "disconnect", "__proto__", "constructor", "toString", "error"),
);
const anyFrame = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.tuple(fc.constantFrom("0", "1", "2", "3", "5", "6", "b", "b4"), fc.string()).map(join),
  fc.tuple(fc.constantFrom("40", "41", "42", "43", "44", "45", "46", "4"), fc.string()).map(join),
  fc.tuple(fc.constantFrom("40", "41", "42", "43", "44", "421", "40/", "42/a,"), json).map(join),
  fc
    .tuple(
      fc.constantFrom("42", "4299999999999999999999", "45", "451-", "4510-", "4511-"),
      name,
      json,
    )
    .map(([start, event, payload]) => `${start}[${JSON.stringify(event)},${payload}]`),
  fc.base64String().map((text) => `b${text}`),
);

function join(parts: readonly string[]): string {
  return parts.join("");
}

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

test(`[EIO7] [SIO12] any string as a frame is answered with 200 and reaches no other connection (${FRAMES} frames)`, async () => {
  await fc.assert(
    fc.asyncProperty(anyFrame, async (body) => {
      management.resetHistory();
      dynamo.resetHistory();

      expect(await handler(message(body), {} as Context)).toEqual({ statusCode: 200 });

      for (const { args } of management.calls())
        expect(args[0].input).toMatchObject({ ConnectionId: SELF });
    }),
    { numRuns: FRAMES },
  );
  expect(failures.mock.calls.slice(0, 1)).toEqual([]);
}, 60_000);

const message = (body: string) =>
  ({
    requestContext: {
      connectionId: SELF,
      connectedAt: Date.now(),
      requestTimeEpoch: Date.now(),
      eventType: "MESSAGE",
      messageId: "m",
    },
    body,
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
