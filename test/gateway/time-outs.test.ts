import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { createRuntime, requestHandler } from "../../lambdas/server/runtime.ts";
import { createSecretReader } from "../../lambdas/server/store/secrets.ts";

// The waits between tries are short, and would be real ones.
vi.mock("node:timers/promises", async (original) => ({
  ...(await original<object>()),
  setTimeout: async () => undefined,
}));

/** Milliseconds for which a function runs; a busy machine lets the clock here go on while it connects. */
const FUNCTION_TIME = 29_000;

/** AWS that takes every connection and never says a word. */
const server = createServer();
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const variables = {
  ...{ AWS_LAMBDA_FUNCTION_NAME: "f", AWS_REGION: "us-east-1", TABLE_NAME: "t", LIMITS: "{}" },
  ...{ AWS_ACCESS_KEY_ID: "KEY", AWS_SECRET_ACCESS_KEY: "secret" },
  ...{ AWS_ENDPOINT_URL_LAMBDA: url, AWS_ENDPOINT_URL_DYNAMODB: url },
  ...{ AWS_ENDPOINT_URL_SECRETS_MANAGER: url, AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: url },
};

beforeEach(() => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});
afterAll(() => void server.close());

/** Milliseconds that a call takes to fail. */
async function waitOf(call: Promise<unknown>): Promise<number> {
  const began = Date.now();
  let isOver = false;
  const over = call.then(
    () => Promise.reject(new Error("nobody answered, and yet it succeeded")),
    () => {
      isOver = true;
    },
  );
  while (!isOver && Date.now() - began < 60_000) {
    for (let turns = 0; turns < 10; turns += 1) await turn();
    await vi.advanceTimersByTimeAsync(50);
  }
  await over;
  return Date.now() - began;
}

test.each([
  ["DynamoDB", () => createRuntime({}, variables).table.get({ pk: "a", sk: "b" })],
  ["Secrets Manager", () => createSecretReader(Date.now, { requestHandler })("arn:a").read()],
  ["Lambda", () => createRuntime({}, variables).invokeSelf({})],
  ["the management API", () => createRuntime({}, variables).gateway.close("abc=")],
])(
  "a call of %s that is not answered fails before its function's time is over",
  async (_, call) => {
    expect(await waitOf(call())).toBeLessThan(FUNCTION_TIME);
  },
);
