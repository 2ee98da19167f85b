import { Stack } from "aws-cdk-lib";
import { Manager } from "socket.io-client";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { SocketIoServer } from "../../lib/socket-io-server.ts";
import { readBundles } from "../../local/bundles.ts";
import type { LocalStack } from "../../local/stack.ts";
import { endLost } from "../support/lost.ts";
import { withoutOffset } from "../support/offsets.ts";
import { client, connected } from "../support/people.ts";
import { startFromApp } from "../support/started-app.ts";
import { until } from "../support/until.ts";

const APP = "test/support/application.ts";
let started: Awaited<ReturnType<typeof startFromApp>>;
let stack: LocalStack;

beforeAll(async () => {
  started = await startFromApp((app) => {
    new SocketIoServer(new Stack(app, "Speech"), "Server", { app: APP }).addEdge();
  });
  stack = started.stack;
});

afterAll(() => started.stop());

test("an application of one file is served as its construct deploys it", async () => {
  const connect = () => connected(client({}, stack.url));
  const [ann, ben] = await Promise.all([connect(), connect()]);
  const received = [ann, ben].map(
    (socket) => new Promise((resolve) => socket.once("said", resolve)),
  );

  expect(await ann.emitWithAck("say", { text: "hello" })).toEqual({ length: 5 });

  expect(await Promise.all(received)).toEqual(["hello", "hello"]);
});

/** A stock client's socket in a namespace, and what it has received. */
async function enter(nsp = "/", auth: object = {}, manager?: Manager) {
  const socket = (manager ?? managerOf()).socket(nsp, { auth });
  const received: unknown[][] = [];
  socket.onAny((...event) => void received.push(withoutOffset(event)));
  socket.connect();
  await new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(undefined));
    socket.once("connect_error", reject);
  });
  // What was sent before has been received when this is answered.
  const flushed = async () => {
    await stack.idle();
    await socket.emitWithAck("ping");
    return received.splice(0);
  };
  return { socket, flushed, id: socket.id };
}

const managers: Manager[] = [];

function managerOf(): Manager {
  const manager = new Manager(stack.url, {
    ...{ transports: ["websocket"], autoConnect: false, reconnection: false },
  });
  managers.push(manager);
  return manager;
}

afterEach(() => {
  for (const manager of managers.splice(0)) manager._close();
});

describe("an application", () => {
  test("has middleware, which runs in its order and may keep data with the socket", async () => {
    const { socket } = await enter();

    expect(await socket.emitWithAck("steps")).toEqual(["first", "second"]);
  });

  test("refuses by middleware, with a message and data", async () => {
    await expect(enter("/", { banned: true })).rejects.toMatchObject({
      message: "banned",
      data: { until: "tomorrow" },
    });
  });

  test("keeps what a handler changes of the socket's data, in whatever function", async () => {
    const { socket } = await enter();

    expect(await socket.emitWithAck("count")).toBe(1);
    expect(await socket.emitWithAck("count")).toBe(2);
  });

  test("declares events of several arguments, and acknowledges with several values", async () => {
    const { socket } = await enter();

    const values = await new Promise((resolve) =>
      socket.emit("add", 3, 2, (...given: unknown[]) => resolve(given)),
    );
    expect(values).toEqual([5, 1]);
    expect(await socket.emitWithAck("add", 3, "2")).toMatchObject({
      error: { code: "invalid_payload", message: expect.stringMatching(/^1: /) },
    });
    expect(await socket.emitWithAck("add", 999, 2)).toMatchObject({ error: { code: "too_large" } });
  });

  test("takes events that are declared nowhere", async () => {
    const { socket, flushed } = await enter();
    socket.emit("no:such", 1, { two: 2 });
    await socket.emitWithAck("steps");

    expect(await flushed()).toEqual([["unknown", "no:such", 1, { two: 2 }]]);
  });

  test("answers internally where a listener throws, and goes on", async () => {
    const { socket } = await enter();

    expect(await socket.emitWithAck("fail")).toMatchObject({ error: { code: "internal" } });
    expect(await socket.emitWithAck("count")).toBe(1);
  });

  test("reaches all others, or one by its id", async () => {
    const [ann, ben, eve] = [await enter(), await enter(), await enter()];
    ann.socket.emit("to-others", "hello");
    ann.socket.emit("to-one", ben.socket.id, "psst");
    await ann.socket.emitWithAck("steps");

    const received = await ben.flushed();
    expect(received.map(([, text]) => text).toSorted()).toEqual(["hello", "psst"]);
    expect(await eve.flushed()).toEqual([["said", "hello"]]);
    expect(await ann.flushed()).toEqual([]);
  });
});

test.each([
  ["a text", "say-text", "text"],
  ["nothing", "say-nothing", "nothing"],
])(
  "who was last told %s, for itself alone, comes back for what it has missed",
  async (_, event, told) => {
    const [ann, ben] = [await enter(), await enter()];
    ben.socket.emit("to-others", "first");
    await ben.socket.emitWithAck("ping");
    expect(await ann.flushed()).toEqual([["said", "first"]]);
    ann.socket.emit(event, "an answer");
    await ann.socket.emitWithAck("ping");
    expect((await ann.flushed()).map(([name]) => name)).toEqual([told]);
    ann.socket.io.engine.close();
    await stack.idle();
    ben.socket.emit("to-others", "second");
    await ben.socket.emitWithAck("ping");
    await stack.idle();

    ann.socket.connect();
    await new Promise<void>((resolve) => ann.socket.once("connect", resolve));

    expect(ann.socket.recovered).toBe(true);
    expect(ann.socket.id).toBe(ann.id);
    expect(await ann.flushed()).toEqual([["said", "second"]]);
  },
);

test("an application's hook for a socket that is gone runs once, however often the sweep comes", async () => {
  const [ann, ben] = [await enter(), await enter()];
  await ann.socket.emitWithAck("join", "garden");
  await ben.socket.emitWithAck("join", "garden");
  ben.socket.disconnect();
  await stack.idle();
  const heartbeat = stack.functions.named("ServerHeartbeat");
  for (let round = 0; round < 2; round += 1)
    for (let shard = 0; shard < 16; shard += 1) await stack.functions.invoke(heartbeat, { shard });

  expect(await ann.flushed()).toEqual([["left", ben.id, "client namespace disconnect"]]);
});

test("an application's hook for a socket whose connection is lost runs when nobody has come back", async () => {
  const [ann, ben] = [await enter(), await enter()];
  await ann.socket.emitWithAck("join", "orchard");
  await ben.socket.emitWithAck("join", "orchard");
  ben.socket.io.reconnection(false);
  ben.socket.io.engine.close();
  await until(() => stack.gateway.connectionIds().length === 1);
  await stack.idle();
  expect(await ann.flushed()).toEqual([]);

  await endLost(stack, "ServerHeartbeat");

  expect(await ann.flushed()).toEqual([["left", ben.id, "transport close"]]);
});

test("a room's name that no key can hold is refused, and its socket can still go", async () => {
  const { socket } = await enter();

  expect(await socket.emitWithAck("join", "x".repeat(2000))).toMatchObject({
    error: { code: "invalid_payload" },
  });
  expect(await socket.emitWithAck("join", ["a", "a"])).toEqual(["a"]);
  expect(await socket.emitWithAck("leave-all")).toBe(true);
  expect(await socket.emitWithAck("join", "b")).toEqual(["b"]);
  socket.disconnect();
  await expect
    .poll(async () =>
      (await stack.database.items()).filter(({ pk }) => /^room.*#(a|b)$/.test(String(pk))),
    )
    .toEqual([]);
});

test("who has left all rooms is still reached by its id, and with everybody", async () => {
  const [ann, ben] = await Promise.all([enter(), enter()]);
  await ann.socket.emitWithAck("join", "lobby");
  expect(await ann.socket.emitWithAck("leave-all")).toBe(true);

  ben.socket.emit("to-one", ann.id, "by id");
  await ben.socket.emitWithAck("ping");
  ben.socket.emit("to-others", "to all");
  await ben.socket.emitWithAck("ping");

  expect((await ann.flushed()).sort()).toEqual([
    ["said", "by id"],
    ["said", "to all"],
  ]);
});

test("names that Socket.IO keeps for itself are not sent as events", async () => {
  const { socket, flushed } = await enter();

  socket.emit("send-reserved");
  await stack.idle();

  expect(await flushed()).toEqual([["exception", expect.objectContaining({ code: "internal" })]]);
});

test("data of a socket has a bound", async () => {
  const { socket } = await enter();

  expect(await socket.emitWithAck("grow", 10_000)).toMatchObject({ error: { code: "too_large" } });
  expect(await socket.emitWithAck("count")).toBe(1);
});

describe("a namespace", () => {
  test("has an authentication of its own, on the same connection", async () => {
    const manager = managerOf();
    const { socket } = await enter("/", {}, manager);

    await expect(enter("/admin", { password: "wrong" }, manager)).rejects.toMatchObject({
      message: "wrong password",
      data: { tries: 1 },
    });
    expect(await socket.emitWithAck("count")).toBe(1);
  });

  test("has an id and rooms of its own: nothing crosses over", async () => {
    const [one, other] = [managerOf(), managerOf()];
    const ann = await enter("/", {}, one);
    const root = await enter("/admin", { password: "right" }, one);
    const ben = await enter("/", {}, other);
    const boss = await enter("/admin", { password: "right" }, other);
    expect(ann.socket.id).not.toBe(root.socket.id);

    boss.socket.emit("to-others", "for admins");
    ben.socket.emit("to-others", "for all");
    await ben.socket.emitWithAck("steps");

    expect(await root.flushed()).toEqual([["said", "for admins"]]);
    expect(await ann.flushed()).toEqual([["said", "for all"]]);
  });

  test("that is left leaves the others alone", async () => {
    const manager = managerOf();
    const { socket } = await enter("/", {}, manager);
    const root = await enter("/admin", { password: "right" }, manager);
    root.socket.disconnect();
    await stack.idle();

    expect(await socket.emitWithAck("count")).toBe(1);
    const again = await enter("/admin", { password: "right" }, manager);
    expect(again.socket.connected).toBe(true);
  });

  test("that is left and entered at once may be entered, in whatever order the two arrive", async () => {
    const manager = managerOf();
    const { socket } = await enter("/", {}, manager);
    for (let round = 0; round < 5; round += 1) {
      const root = await enter("/admin", { password: "right" }, manager);
      root.socket.disconnect();
    }

    expect(await socket.emitWithAck("count")).toBe(1);
  });
});

test("each of its bundles has the application, nothing of the contract, and no path outside the project", () => {
  const bundles = readBundles(started.assembly);

  expect(bundles).toHaveLength(5);
  for (const { files } of bundles) {
    expect(files).toContain(APP);
    expect(files.filter((file) => /^(\.\.|\/|lambdas\/mudbase\/)/.test(file))).toEqual([]);
  }
});
