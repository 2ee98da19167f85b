import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import {
  ApiGatewayManagementApiClient,
  ForbiddenException,
  GoneException,
  LimitExceededException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { afterAll, describe, expect, test } from "vitest";
import { LeanPostCommand } from "../../lambdas/server/gateway/lean-post.ts";

/** A management endpoint that answers as it is told and keeps what it was asked. */
const requests: {
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}[] = [];
let status = 200;
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { url, headers } = request;
  requests.push({ url, headers, body: Buffer.concat(chunks).toString() });
  response.writeHead(status).end(status === 200 ? "" : '{"message":"no"}');
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`;
let token = "first";
const client = new ApiGatewayManagementApiClient({
  ...{ endpoint, region: "us-east-1", maxAttempts: 1 },
  credentials: async () => ({
    ...{ accessKeyId: "KEY", secretAccessKey: "secret", sessionToken: token },
    // As credentials that are about to expire: asked for again each time.
    expiration: new Date(Date.now() + 1000),
  }),
});
afterAll(() => {
  client.destroy();
  server.closeAllConnections();
  server.close();
});

const post = (Data: string) => client.send(new LeanPostCommand({ ConnectionId: "a/b=", Data }));

describe("a lean post", () => {
  test("sends what the SDK's command sends, to the same place", async () => {
    requests.length = 0;
    await client.send(new PostToConnectionCommand({ ConnectionId: "a/b=", Data: "42[é]" }));
    await post("42[é]");

    const [theirs, ours] = requests;
    expect(ours?.url).toBe(theirs?.url);
    expect(ours?.body).toBe(theirs?.body);
    for (const name of ["host", "content-type"] as const) {
      expect(theirs?.headers[name]).toBeDefined();
      expect(ours?.headers[name]).toBe(theirs?.headers[name]);
    }
    expect(ours?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=KEY\/\d{8}\/us-east-1\/execute-api\//,
    );
  });

  test("signs with credentials as they are now", async () => {
    token = "second";
    await post("42[]");

    expect(requests.at(-1)?.headers["x-amz-security-token"]).toBe("second");
  });

  test.each([
    [403, ForbiddenException],
    [410, GoneException],
    [413, PayloadTooLargeException],
    [429, LimitExceededException],
  ])("throws for %i what the SDK throws", async (answered, Exception) => {
    status = answered;

    await expect(post("42[]")).rejects.toBeInstanceOf(Exception);
  });

  test("tells the status of anything else", async () => {
    status = 502;

    await expect(post("42[]")).rejects.toMatchObject({
      message: expect.stringContaining("502"),
      $metadata: { httpStatusCode: 502 },
    });
  });
});
