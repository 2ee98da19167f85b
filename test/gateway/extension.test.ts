import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { registerExtension } from "../../lambdas/server/gateway/extension.ts";
import { until } from "../support/until.ts";

/** Lambda's Extensions API, which answers registrations so; `asking` are the questions for the next event. */
async function startLambda(status = 200) {
  const asking: ServerResponse[] = [];
  const requests: unknown[] = [];
  // It does not end before its extensions.
  const lambda = createServer(async (request, response) => {
    const { method, url, headers } = request;
    requests.push([
      method,
      url,
      headers["lambda-extension-name"] ?? headers["lambda-extension-identifier"],
    ]);
    if (url?.endsWith("/next")) asking.push(response);
    else response.writeHead(status, { "lambda-extension-identifier": "e-1" }).end("{}");
  })
    .listen(0, "127.0.0.1")
    .unref();
  await once(lambda, "listening");
  const { port } = lambda.address() as AddressInfo;
  return { host: `127.0.0.1:${port}`, asking, requests };
}

test("an extension asks for the next event once the work of an invocation is over", async () => {
  const { host, asking, requests } = await startLambda();
  const waitUntil = await registerExtension(host);
  await until(() => asking.length === 1);
  for (let invocation = 1; invocation < 3; invocation += 1) {
    let end: () => void = () => undefined;
    waitUntil?.(
      new Promise<void>((resolve) => {
        end = resolve;
      }),
    );
    asking[invocation - 1]?.end("{}");
    // It would ask by then.
    await fetch(`http://${host}/another`);
    expect(asking).toHaveLength(invocation);
    end();
    await until(() => asking.length === invocation + 1);
  }
  expect(requests.slice(0, 2)).toEqual([
    ["POST", "/2020-01-01/extension/register", "serverless-socket-io"],
    ["GET", "/2020-01-01/extension/event/next", "e-1"],
  ]);
});

test("a function that is refused as an extension says what was asked for and answered", async () => {
  const { host } = await startLambda(403);

  await expect(registerExtension(host)).rejects.toThrow(/403 to POST .*extension\/register/);
});

test("there is no extension outside of Lambda", async () => {
  expect(await registerExtension(undefined)).toBeUndefined();
});
