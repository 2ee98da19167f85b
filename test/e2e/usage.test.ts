import { afterAll, describe, expect, test } from "vitest";
import type { Usage } from "../../local/usage.ts";
import {
  BY_WEBSOCKET,
  client,
  connected,
  newOrg,
  type Person,
  receiving,
  tokenFor,
} from "../support/people.ts";
import { documentedCostsWithRecovery } from "../support/performance.ts";
import { startMetered } from "../support/running.ts";
import { lobby, SAMPLES } from "../support/samples.ts";
import { until } from "../support/until.ts";
import { connectAlone, openWebSocket } from "../support/websocket.ts";

const ROOM = 10;

const logged: string[] = [];
const stack = await startMetered((text) => void logged.push(text));
afterAll(() => stack.stop());

/** A connected user of the metered stack, by WebSocket. */
async function person(org: string, sub: string, options: object = {}): Promise<Person> {
  const auth = { token: await tokenFor({ org, sub }) };
  return receiving(org, await connected(client({ ...BY_WEBSOCKET, auth, ...options }, stack.url)));
}

/** What is used until nothing is pending any more. */
async function used(work: () => Promise<unknown>): Promise<Usage> {
  await stack.idle();
  stack.takeUsage();
  await work();
  await stack.idle();
  return stack.takeUsage();
}

describe("an event in a room of ten uses what docs/performance.md says", () => {
  test.each(["custom:typing", "custom:event", "message:send"])("%s", async (event) => {
    const org = newOrg();
    const [ann, ...others] = await Promise.all(
      Array.from({ length: ROOM }, (_, n) => person(org, `user-${n}`)),
    );
    for (const one of [ann, ...others]) {
      await one?.emit("subscribe:project", "p1");
      await one?.emit("chat:join", lobby);
    }
    const { payload } = SAMPLES.find((sample) => sample.event === event) ?? {};
    const documented = documentedCostsWithRecovery().get(event);
    await ann?.emit("presence:update");

    const usage = await used(async () => ann?.emit(event, payload));

    // All of its items are smaller than a unit. Its own frame and its acknowledgement are messages, too.
    expect(usage).toMatchObject({
      ...{ readUnits: documented?.reads, writeUnits: documented?.writes },
      ...{ messages: (documented?.posts ?? 0) + 2, invocations: 1 },
      ...{ edgeRequests: 0, httpRequests: 0, busEvents: 0 },
    });
  });
});

test("a connection by the edge uses its request and its bytes, one past it does not", async () => {
  const options = { path: stack.stagePath, addTrailingSlash: false };

  const byEdge = await used(() => person(newOrg(), "ann"));
  const direct = await used(() => person(newOrg(), "ann", options));

  expect(byEdge).toMatchObject({ edgeRequests: 1, messages: 3 });
  expect(byEdge.edgeBytesOut).toBeGreaterThan(100);
  expect(byEdge.edgeBytesIn).toBeGreaterThan(100);
  expect(direct).toMatchObject({
    ...{ edgeRequests: 0, messages: 3 },
    edgeBytesOut: 0,
    edgeBytesIn: 0,
  });
});

test("a connection uses its item, its entry in the index of shards, its session and its rooms", async () => {
  const token = await tokenFor({ org: newOrg(), sub: "ann" });
  const address = `${stack.url.replace("http", "ws")}${stack.stagePath}?EIO=4&transport=websocket`;
  const { writeUnits, invocations } = await used(async () =>
    connectAlone(await openWebSocket(address), token, stack.idle),
  );

  // Connection and entry; the session on the connection; the session, and its two rooms.
  expect(writeUnits).toBe(2 + 1 + 1 + 2);
  // $connect, OPEN and CONNECT.
  expect(invocations).toBe(3);
});

test("a message of more than 32 KB is two", async () => {
  const { org } = await person(newOrg(), "ann");
  const publish = (payload: string) =>
    used(() =>
      stack.functions.invoke(stack.functions.named("Publish"), {
        ...{ event: "emit", org, to: [{ kind: "user", userId: "ann" }], name: "news", payload },
      }),
    );

  expect(await publish("x".repeat(32_000))).toMatchObject({ messages: 1 });
  expect(await publish("x".repeat(33_000))).toMatchObject({ messages: 2 });
});

test("minutes are those that connections were open, whether they still are or not", async () => {
  const [ann, ben] = [await person(newOrg(), "ann"), await person(newOrg(), "ben")];
  const open = stack.gateway.connectionIds().length;

  const both = await used(() => stack.advance(600_000));
  const closed = await used(async () => {
    await stack.advance(600_000);
    for (const { socket } of [ann, ben]) socket.disconnect();
    await until(() => stack.gateway.connectionIds().length === open - 2);
  });

  for (const { connectionMinutes } of [both, closed]) {
    expect(connectionMinutes).toBeGreaterThanOrEqual(10 * open);
    expect(connectionMinutes).toBeLessThan(11 * open);
  }
});

test("functions use their time in their memory, and the bytes that they log", async () => {
  const ann = await person(newOrg(), "ann");
  await stack.idle();
  logged.length = 0;

  const usage = await used(() => ann.emit("presence:update"));

  // A millisecond of 512 MB at least, and only whole ones.
  const milliseconds = usage.gigabyteSeconds / 0.0005;
  expect(milliseconds).toBeGreaterThanOrEqual(1);
  expect(milliseconds).toBeCloseTo(Math.round(milliseconds), 6);
  expect(usage.logBytes).toBe(Buffer.byteLength(logged.join("")));
  expect(usage.logBytes).toBeGreaterThan(0);
});

test("a client that polls uses requests of the edge and of the HTTP API", async () => {
  const { edgeRequests, httpRequests, edgeBytesOut, messages } = await used(async () => {
    const response = await fetch(`${stack.url}/socket.io/?EIO=4&transport=polling`);
    expect(await response.text()).toContain('"sid"');
  });

  expect({ edgeRequests, httpRequests, messages }).toEqual({
    ...{ edgeRequests: 1, httpRequests: 1, messages: 0 },
  });
  expect(edgeBytesOut).toBeGreaterThan(50);
});

test("an event on the bus is billed by 64 KB", async () => {
  const put = (title: string) =>
    fetch(stack.url, {
      method: "POST",
      headers: { "x-amz-target": "AWSEvents.PutEvents" },
      body: JSON.stringify({
        Entries: [
          {
            ...{ EventBusName: stack.busNames[0], Source: "app", DetailType: "project:created" },
            Detail: JSON.stringify({ org: newOrg(), projectId: "p1", data: { title } }),
          },
        ],
      }),
    });

  expect(await used(() => put("one"))).toMatchObject({ busEvents: 1 });
  expect(await used(() => put("x".repeat(65 * 1024)))).toMatchObject({ busEvents: 2 });
});
