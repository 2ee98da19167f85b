import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Hash } from "@smithy/core/serde";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterEach, expect, test, vi } from "vitest";
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
const invoke = createInvocation({
  signer: new SignatureV4({
    service: "lambda",
    region: "eu-west-1",
    credentials: { accessKeyId: "KEY", secretAccessKey: "secret", sessionToken: "TOKEN" },
    sha256: Hash.bind(null, "sha256"),
  }),
  pause: async (milliseconds) => void waits.push(milliseconds),
  now: () => 0,
  endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  functionName: "socket function",
});

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
  await expect(invoke({ open: "abc=" })).rejects.toThrow("fetch failed");
  expect(seen).toHaveLength(3 + 5);
});

test("an answer that does not come is not waited for", async () => {
  const { timeout } = AbortSignal;
  const limits = vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(20));
  statuses = [SILENT, 202];

  await invoke({ open: "abc=" });

  expect(limits).toHaveBeenCalledWith(4000);
  expect(seen).toHaveLength(2);
  limits.mockRestore();
});

test("a refused invocation is an error that names the status", async () => {
  statuses = [403];

  await expect(invoke({})).rejects.toThrow("403");
});
