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
import { mockClient } from "aws-sdk-client-mock";

/** AWS as a function with clients finds it for any frame: everything asked for is there, and everything succeeds. */
export function mockAws({ self, other }: Readonly<Record<"self" | "other", string>>) {
  const dynamo = mockClient(DynamoDBDocumentClient);
  const management = mockClient(ApiGatewayManagementApiClient);
  const session = {
    ...{ id: "public", tenant: "acme", userId: "ann", expiresAt: 9_999_999_999 },
    data: { projects: ["p1"], user: { id: "ann" } },
  };
  /** What an item may hold: the connection's attributes, and the session's. */
  const item = {
    ...{ pk: `conn#${self}`, sk: "conn", connectedAt: 0, lastSeenAt: 0 },
    sockets: { "/": session },
    ...{ session, connectionId: self, nsp: "/", claims: {} },
    ...{ parts: [], partChanges: 0 },
  };
  dynamo.on(GetCommand).resolves({ Item: item });
  dynamo.on(UpdateCommand).resolves({ Attributes: { ...item, parts: [] } });
  dynamo.on(DeleteCommand).resolves({ Attributes: item });
  dynamo.on(PutCommand).resolves({});
  dynamo.on(BatchGetCommand).resolves({ Responses: {} });
  dynamo.on(BatchWriteCommand).resolves({});
  dynamo
    .on(QueryCommand)
    .resolves({ Items: [{ sk: "sid#0000000000000", address: other }], Count: 1 });
  management.on(PostToConnectionCommand).resolves({});
  management.on(DeleteConnectionCommand).resolves({});
  return { dynamo, management };
}

/** Sets the environment before loading, because a function reads it when it is loaded. */
export async function withEnvironment<Module>(load: () => Promise<Module>): Promise<Module> {
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
