import { expect, test } from "vitest";
import { withinBounds } from "../../lambdas/server/model/limits.ts";
import { createRuntime } from "../../lambdas/server/runtime.ts";

const numbers = withinBounds({
  rooms: { min: 2, max: 10, default: 5 },
  seconds: { min: 0, max: 60, default: 20 },
});

test("numbers that are not given have their defaults, and names that mean nothing are left out", () => {
  expect(numbers.parse({ rooms: 2, other: 1 })).toEqual({ rooms: 2, seconds: 20 });
});

test.each([
  [{ rooms: 1 }, "rooms must be 2 at least"],
  [{ rooms: 11 }, "rooms must be 10 at most"],
  [{ rooms: 2.5 }, "rooms must be a whole number"],
  [{ rooms: "5" }, "rooms must be a whole number"],
  [{ rooms: null }, "rooms must be a whole number"],
  [{ rooms: 1, seconds: 61 }, "rooms must be 2 at least; seconds must be 60 at most"],
])("%j is refused: %s", (given, fault) => {
  expect(() => numbers.parse(given)).toThrow(new Error(fault));
});

test("a function without its variables does not start, and names each that is missing or wrong", () => {
  const variables = {
    ...{ AWS_LAMBDA_FUNCTION_NAME: "f", AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "KEY" },
    ...{ TABLE_NAME: "t", AWS_ENDPOINT_URL_LAMBDA: "nowhere" },
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: "https://api.example/live",
  };

  expect(() => createRuntime({}, variables)).toThrow(
    /wrong: AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL_LAMBDA\.$/,
  );
});
