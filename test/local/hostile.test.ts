import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Deployment, deployPerTest, httpApi, POSTING } from "../support/deployment.ts";
import { rawRequest } from "../support/raw-request.ts";
import { openWebSocket } from "../support/websocket.ts";

const ANSWERING = `${POSTING}
  export const handler = async (event) => {
    if (event.requestContext?.eventType === "MESSAGE" && event.body === "hello?") await post(event);
    return { statusCode: 200 };
  };`;

const resources = {
  Items: {
    Type: "AWS::DynamoDB::Table",
    Properties: {
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
      StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
    },
  },
  Mapping: {
    Type: "AWS::Lambda::EventSourceMapping",
    Properties: {
      EventSourceArn: { "Fn::GetAtt": ["Items", "StreamArn"] },
      FunctionName: { Ref: "Function" },
    },
  },
  ...httpApi("POST /hooks/{name}"),
};

const start = deployPerTest();
const connected = ({ stack }: Deployment) =>
  openWebSocket(`${stack.url.replace("http", "ws")}/live?EIO=4`);

const CREDENTIALS =
  "AWS4-HMAC-SHA256 Credential=LOCALFUNCTION/20260101/us-east-1/any/aws4_request, SignedHeaders=host, Signature=x";
const invocations = (name: string) => `/2015-03-31/functions/${name}/invocations`;

interface Asked {
  readonly target?: string;
  readonly path?: string;
  readonly body?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(
  { stack }: Deployment,
  { target, path = "/", body = "{}", method = "POST", headers }: Asked,
) {
  const response = await fetch(`${stack.url}${path}`, {
    method,
    ...(method !== "GET" && { body }),
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-date": "20260101T000000Z",
      authorization: CREDENTIALS,
      ...(target !== undefined && { "x-amz-target": target }),
      ...headers,
    },
  });
  return `${response.status} ${response.headers.get("x-amzn-errortype") ?? (await response.text())}`;
}

const SERIALIZATION = "400 SerializationException";
const UNKNOWN = "400 UnknownOperationException";

describe("AWS's own error answers", () => {
  test.each<[string, Asked, string]>([
    [
      "a function that does not exist",
      { path: invocations("Nobody") },
      "404 ResourceNotFoundException",
    ],
    [
      "an asynchronous one",
      { path: invocations("Nobody"), headers: { "x-amz-invocation-type": "Event" } },
      "404 ResourceNotFoundException",
    ],
    [
      "an invocation that is not JSON",
      { path: invocations("Function"), body: "{" },
      "400 InvalidRequestContentException",
    ],
    [
      "an invocation of an unknown type",
      { path: invocations("Function"), headers: { "x-amz-invocation-type": "Later" } },
      "400 InvalidParameterValueException",
    ],
    [
      "an asynchronous invocation above 1 MB",
      {
        path: invocations("Function"),
        body: JSON.stringify("x".repeat(1024 * 1024)),
        headers: { "x-amz-invocation-type": "Event" },
      },
      "413 RequestTooLargeException",
    ],
    [
      "a function's name that is malformed",
      { path: invocations("%E0%A4%A") },
      "400 BadRequestException",
    ],
    [
      "a call of DynamoDB that is not JSON",
      { target: "DynamoDB_20120810.GetItem", body: "no" },
      SERIALIZATION,
    ],
    [
      "one that is not an object",
      { target: "DynamoDB_20120810.GetItem", body: "null" },
      SERIALIZATION,
    ],
    ["an operation that DynamoDB does not have", { target: "DynamoDB_20120810.Forget" }, UNKNOWN],
    ["an invalid target", { target: "toString" }, UNKNOWN],
    [
      "a secret request that is not JSON",
      { target: "secretsmanager.GetSecretValue", body: "" },
      SERIALIZATION,
    ],
    [
      "a secret without its id",
      { target: "secretsmanager.GetSecretValue" },
      "400 ValidationException",
    ],
    ["an operation that Secrets Manager does not have", { target: "secretsmanager.Tell" }, UNKNOWN],
    [
      "entries that are not a list",
      { target: "AWSEvents.PutEvents", body: '{"Entries":{}}' },
      "400 ValidationException",
    ],
    ["entries that are not JSON", { target: "AWSEvents.PutEvents", body: "[" }, SERIALIZATION],
    ["an operation that EventBridge does not have", { target: "AWSEvents.Forget" }, UNKNOWN],
    [
      "a connection's id that is malformed",
      { path: "/live/@connections/%" },
      "400 BadRequestException",
    ],
    [
      "a method that connections do not have",
      { path: "/live/@connections/L0SM9cOFvHcCIhw=", method: "PUT" },
      "410 GoneException",
    ],
    [
      "a parameter of the HTTP API that is malformed",
      { path: "/hooks/%E0" },
      "400 BadRequestException",
    ],
    [
      "a body above the HTTP API's quota",
      { path: "/hooks/any", body: "x".repeat(10 * 1024 * 1024 + 1) },
      "413 RequestTooLargeException",
    ],
  ])("%s", async (_, asked, answer) => {
    expect(await ask(await start(ANSWERING, { resources }), asked)).toContain(answer);
  });

  test.each([
    ["a path that is not a URL", "GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", /^HTTP\/1\.1 400/],
    ["a path of two slashes", "GET //[ HTTP/1.1\r\nHost: x\r\n\r\n", /^HTTP\/1\.1 403/],
    [
      "an upgrade to something else",
      "GET /live HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
      /^HTTP\/1\.1 400/,
    ],
    [
      "an upgrade at an invalid URL",
      "GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
      /^HTTP\/1\.1 400/,
    ],
    ["bytes that are not HTTP", "hello\r\n\r\n", /^HTTP\/1\.1 400/],
  ])("%s", async (_, bytes, answer) => {
    const { stack } = await start(ANSWERING, { resources });

    expect(await rawRequest(stack.url, bytes)).toMatch(answer);
  });
});

test.each(["null", "[]", '"text"', '{"statusCode":"200"}', '{"statusCode":7}'])(
  "a $connect that returns %s refuses the upgrade with 500",
  async (returned) => {
    const deployment = await start(`export const handler = async () => (${returned});`);

    await expect(connected(deployment)).rejects.toThrow("500");
  },
);

const METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"];
const OPERATIONS =
  "GetItem PutItem UpdateItem DeleteItem Query Scan BatchGetItem BatchWriteItem CreateTable DeleteTable DescribeTable ListTables TransactWriteItems".split(
    " ",
  );
const TARGETS = [
  ...OPERATIONS.map((operation) => `DynamoDB_20120810.${operation}`),
  ...["secretsmanager.GetSecretValue", "AWSEvents.PutEvents", "AWSEvents.", ".", "__proto__"],
];
const PATHS = [
  ...["/", "/live", "/live/", "/socket.io/", "/socket.io/?EIO=4&transport=websocket", "/hooks/a"],
  ...["/hooks/%FF", "/live/@connections/%", "/live/@connections/x", "//", "/?%", "*", "http://["],
  ...[invocations("Function"), invocations("Nobody"), invocations("%"), "/%00", "/__proto__"],
];
const NAMES =
  "TableName Key Item RequestItems Entries SecretId UpdateExpression KeyConditionExpression ExpressionAttributeValues ExpressionAttributeNames Items pk S NULL M PutRequest toString".split(
    " ",
  );

/** Objects with field names that the services read. */
const odd = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom("Items", "", "pk", "SET a = :a", 1, null, true, -1e308),
    fc.dictionary(fc.constantFrom(...NAMES), tie("value"), { maxKeys: 4 }),
    fc.array(tie("value"), { maxLength: 3 }),
  ),
})).value;
const body = fc.oneof(
  odd.map((value) => JSON.stringify(value)),
  fc.string({ maxLength: 30 }),
);

const hostile = fc
  .record({
    method: fc.constantFrom(...METHODS),
    path: fc.constantFrom(...PATHS),
    target: fc.option(fc.constantFrom(...TARGETS)),
    type: fc.constantFrom("application/x-amz-json-1.0", "text/plain"),
    isEvent: fc.boolean(),
    upgrade: fc.constantFrom("", "websocket", "h2c"),
    body,
    claimed: fc.constantFrom(0, 0, 0, 1, 1000),
  })
  .map(({ method, path, target, type, isEvent, upgrade, body: content, claimed }) => ({
    // A body shorter than its content-length is aborted.
    isCut: claimed > 0,
    bytes: [
      `${method} ${path} HTTP/1.1`,
      "Host: x",
      `Authorization: ${CREDENTIALS}`,
      "X-Amz-Date: 20260101T000000Z",
      `Content-Type: ${type}`,
      ...(target === null ? [] : [`X-Amz-Target: ${target}`]),
      ...(isEvent ? ["X-Amz-Invocation-Type: Event"] : []),
      ...(upgrade === ""
        ? [`Content-Length: ${Buffer.byteLength(content) + claimed}`]
        : [
            ...["Connection: Upgrade", `Upgrade: ${upgrade}`, "Sec-WebSocket-Version: 13"],
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
          ]),
      "",
      content,
    ].join("\r\n"),
  }));

const frame = fc.oneof(
  odd.map((value) => JSON.stringify({ action: value })),
  fc.string({ maxLength: 20 }),
);

test("hostile requests disconnect nobody, and connected clients are answered", async () => {
  const deployment = await start(ANSWERING, { resources });
  const client = await connected(deployment);
  const frames = await connected(deployment);

  await fc.assert(
    fc.asyncProperty(hostile, frame, async ({ bytes, isCut }, text) => {
      const answer = await rawRequest(deployment.stack.url, bytes, isCut);
      frames.send(text);
      expect(isCut || /^HTTP\/1\.1 \d{3} /.test(answer)).toBe(true);
    }),
    { numRuns: 400, seed: 7 },
  );
  await deployment.stack.idle();

  client.send("hello?");
  expect(await client.nextFrame()).toBe("hello");
  expect(deployment.logged.filter((line) => line.includes("Error"))).toEqual([]);
});
