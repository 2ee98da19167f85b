import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  LimitExceededException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { createGateway } from "../../lambdas/server/gateway/connections.ts";

const management = mockClient(ApiGatewayManagementApiClient);
const waits: number[] = [];
const counted: string[] = [];
let time = 0;
const gateway = createGateway({
  client: new ApiGatewayManagementApiClient({ region: "us-east-1", endpoint: "http://localhost" }),
  pause: async (milliseconds) => void waits.push(milliseconds),
  now: () => time,
  count: (metric) => void counted.push(metric),
});
const gone = () => new GoneException({ message: "", $metadata: { httpStatusCode: 410 } });
const limited = () =>
  new LimitExceededException({ message: "", $metadata: { httpStatusCode: 429 } });
const failing = () =>
  Object.assign(new Error("bad gateway"), { $metadata: { httpStatusCode: 502 } });

beforeEach(() => {
  management.reset();
  waits.length = 0;
  counted.length = 0;
});

describe("post", () => {
  test("sends the frame as it is to the connection", async () => {
    management.on(PostToConnectionCommand).resolves({});

    expect(await gateway.post("abc=", "42[]")).toBe("sent");
    expect(management.commandCalls(PostToConnectionCommand)[0]?.args[0].input).toEqual({
      ConnectionId: "abc=",
      Data: "42[]",
    });
  });

  test("410 is a result and not tried again", async () => {
    management.on(PostToConnectionCommand).rejects(gone());

    expect(await gateway.post("abc=", "42[]")).toBe("gone");
    expect(management.calls()).toHaveLength(1);
  });

  test.each([
    ["429", limited],
    ["a 5xx", failing],
  ])("%s is tried again", async (_, failure) => {
    management
      .on(PostToConnectionCommand)
      .rejectsOnce(failure())
      .rejectsOnce(failure())
      .resolves({});

    expect(await gateway.post("abc=", "42[]")).toBe("sent");
    expect(waits).toHaveLength(2);
    expect(waits.every((wait) => wait >= 0 && wait <= 50 * 2 ** 2)).toBe(true);
  });

  test("every 5xx is counted, and no throttle is", async () => {
    management
      .on(PostToConnectionCommand)
      .rejectsOnce(failing())
      .rejectsOnce(limited())
      .rejectsOnce(failing())
      .resolves({});

    await gateway.post("abc=", "42[]");

    expect(counted).toEqual(["Management5xx", "Management5xx"]);
  });

  test("a throttle that does not end passes after eight tries", async () => {
    management.on(PostToConnectionCommand).rejects(limited());

    await expect(gateway.post("abc=", "42[]")).rejects.toBeInstanceOf(LimitExceededException);
    expect(management.calls()).toHaveLength(8);
  });

  test("413 is a result and not tried again", async () => {
    management
      .on(PostToConnectionCommand)
      .rejects(new PayloadTooLargeException({ message: "", $metadata: { httpStatusCode: 413 } }));

    expect(await gateway.post("abc=", "42[]")).toBe("too_large");
    expect(management.calls()).toHaveLength(1);
  });

  test.each([
    ...["EAI_AGAIN", "ENOTFOUND", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"],
    ...["ECONNRESET", "EPIPE", "ETIMEDOUT", "UND_ERR_SOCKET", "UND_ERR_CONNECT_TIMEOUT"],
    ...["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"],
  ])("a network that fails with %s is tried again", async (code) => {
    const broken = Object.assign(new Error("no answer"), { code });
    management.on(PostToConnectionCommand).rejectsOnce(broken).resolves({});

    expect(await gateway.post("abc=", "42[]")).toBe("sent");
    expect(management.calls()).toHaveLength(2);
  });

  test("what the SDK gave up waiting for is tried again, but for ten seconds at most", async () => {
    const late = Object.assign(new Error("no answer"), { name: "TimeoutError" });
    management.on(PostToConnectionCommand).callsFake(() => {
      time += 5000;
      throw late;
    });

    await expect(gateway.post("abc=", "42[]")).rejects.toBe(late);
    expect(management.calls()).toHaveLength(2);
  });

  test("no try begins after the latest time that was given", async () => {
    management.on(PostToConnectionCommand).callsFake(() => {
      time += 1000;
      throw limited();
    });

    await expect(gateway.post("abc=", "42[]", time + 2500)).rejects.toBeInstanceOf(
      LimitExceededException,
    );
    expect(management.calls()).toHaveLength(3);
  });

  test("any other failure passes at once", async () => {
    const forbidden = Object.assign(new Error("no"), { $metadata: { httpStatusCode: 403 } });
    management.on(PostToConnectionCommand).rejects(forbidden);

    await expect(gateway.post("abc=", "42[]")).rejects.toBe(forbidden);
    expect(management.calls()).toHaveLength(1);
  });
});

describe("close", () => {
  test("deletes the connection", async () => {
    management.on(DeleteConnectionCommand).resolves({});

    await gateway.close("abc=");

    expect(management.commandCalls(DeleteConnectionCommand)[0]?.args[0].input).toEqual({
      ConnectionId: "abc=",
    });
  });

  test("a connection that is gone already is closed", async () => {
    management.on(DeleteConnectionCommand).rejects(gone());

    await expect(gateway.close("abc=")).resolves.toBeUndefined();
  });
});
