import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import { Hash } from "@smithy/core/serde";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterEach, expect, test } from "vitest";
import { createInvocation } from "../../lambdas/server/gateway/invocation.ts";

const seen: (IncomingMessage & { body?: string })[] = [];
let statuses: number[] = [];

/** In place of a status: the connection breaks; no answer comes. */
const BROKEN = 0;
const SILENT = 1;

const waits: number[] = [];
const server = createServer(async (request: IncomingMessage & { body?: string }, response) => {
  request.body = "";
  for await (const chunk of request) request.body += String(chunk);
  seen.push(request);
  const status = statuses.shift() ?? 202;
  if (status === BROKEN) request.socket.destroy();
  else if (status !== SILENT) response.writeHead(status).end();
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const parts = {
  signer: new SignatureV4({
    service: "lambda",
    region: "eu-west-1",
    credentials: { accessKeyId: "KEY", secretAccessKey: "secret", sessionToken: "TOKEN" },
    sha256: Hash.bind(null, "sha256"),
  }),
  requestHandler: handlerWith({}),
  pause: async (milliseconds: number) => void waits.push(milliseconds),
  now: () => 0,
  endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  functionName: "socket function",
};
const invoke = createInvocation(parts);

function handlerWith(requestHandler: object) {
  return new ApiGatewayManagementApiClient({ region: "eu-west-1", requestHandler }).config
    .requestHandler;
}

afterEach(() => {
  seen.length = 0;
  waits.length = 0;
  statuses = [];
});

test("invokes the function asynchronously, signed for Lambda", async () => {
  await invoke({ open: "abc=" });

  expect(seen[0]).toMatchObject({
    method: "POST",
    url: "/2015-03-31/functions/socket%20function/invocations",
    body: '{"open":"abc="}',
    headers: {
      "x-amz-invocation-type": "Event",
      "x-amz-security-token": "TOKEN",
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=KEY\/\d{8}\/eu-west-1\/lambda\/aws4_request/,
      ),
    },
  });
});

test("a throttled invocation is tried again", async () => {
  statuses = [429, 500, 202];

  await invoke({ open: "abc=" });

  expect(seen).toHaveLength(3);
  expect(waits).toHaveLength(2);
});

test("a connection that breaks is tried again, five times in all", async () => {
  statuses = [BROKEN, BROKEN, 202];
  await invoke({ open: "abc=" });
  expect(seen).toHaveLength(3);

  statuses = Array.from({ length: 10 }, () => BROKEN);
  await expect(invoke({ open: "abc=" })).rejects.toThrow("socket hang up");
  expect(seen).toHaveLength(3 + 5);
});

test("an answer that does not come is tried again, once the handler waits no longer", async () => {
  const requestHandler = handlerWith({ requestTimeout: 20, throwOnRequestTimeout: true });
  statuses = Array.from({ length: 5 }, () => SILENT);

  await expect(createInvocation({ ...parts, requestHandler })({})).rejects.toThrow(
    expect.objectContaining({ name: "TimeoutError" }),
  );
  expect(waits).toHaveLength(4);
});

test("a connection is used again", async () => {
  await invoke({ open: "abc=" });
  await invoke({ open: "def=" });

  const socketOf = (id: string) => seen.find(({ body }) => body?.includes(id))?.socket;
  expect(socketOf("abc=")).toBeDefined();
  expect(socketOf("def=")).toBe(socketOf("abc="));
});

test("a refused invocation is an error that names the status", async () => {
  statuses = [403];

  await expect(invoke({})).rejects.toThrow("403");
});
