import { Stack } from "aws-cdk-lib";
import { Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SocketIoServer } from "../../lib/socket-io-server.ts";
import type { LocalStack } from "../../local/stack.ts";
import { endLost, visitLost } from "../support/lost.ts";
import { client, connected } from "../support/people.ts";
import { startFromApp } from "../support/started-app.ts";
import { until } from "../support/until.ts";

let started: Awaited<ReturnType<typeof startFromApp>>;
let stack: LocalStack;

beforeAll(async () => {
  started = await startFromApp((app) => {
    const scope = new Stack(app, "Watched");
    const server = new SocketIoServer(scope, "Server", { app: "test/support/watched.ts" });
    server.addEdge();
    // What is told to other systems is published to those who watch.
    new Rule(scope, "Back", {
      eventBus: server.addLifecycleEvents().bus,
      eventPattern: { source: [{ "anything-but": { prefix: "aws." } }] as unknown as string[] },
      targets: [new LambdaFunction(server.publish)],
    });
  });
  stack = started.stack;
});

afterAll(() => started.stop());

const connect = (name: string, options = {}) =>
  connected(client({ auth: { name }, ...options }, stack.url));

/** All that happens from now on, but to the socket that watches and its room. */
async function watch() {
  const happened: { readonly event: string; readonly [name: string]: unknown }[] = [];
  const watcher = await connect("watcher");
  watcher.on("happened", (event: string, entry: { readonly userId?: string; room?: string }) => {
    if (entry.userId !== "watcher" && !/^(watchers|everyone)$/.test(entry.room ?? ""))
      happened.push({ ...entry, event });
  });
  await watcher.emitWithAck("join", "watchers");
  await stack.idle();
  return happened;
}

const shown = (all: Awaited<ReturnType<typeof watch>>) =>
  all.map(({ event, userId, room, reason }) =>
    [event, userId ?? room, reason ?? ""].join(" ").trim(),
  );

test("a socket that connects and is closed is told of once each, with the reason", async () => {
  const happened = await watch();

  const ann = await connect("ann");
  const { id } = ann;
  ann.disconnect();
  await until(() => happened.length === 2);

  expect(shown(happened)).toEqual([
    "Socket Connected ann",
    "Socket Disconnected ann client namespace disconnect",
  ]);
  expect(happened[0]).toMatchObject({ tenant: "acme", namespace: "/", socketId: id });
});

test("a socket that comes back is told of as recovered, and one that does not as disconnected", async () => {
  const happened = await watch();
  const ben = await connect("ben", { reconnection: true, reconnectionDelay: 10 });
  ben.io.engine.close();
  await until(() => happened.length === 2 && ben.recovered);

  await lose(ben);
  await endLost(stack, "ServerHeartbeat");
  await until(() => happened.length === 3);

  expect(shown(happened)).toEqual([
    "Socket Connected ben",
    "Socket Recovered ben",
    "Socket Disconnected ben transport close",
  ]);
});

test("who is disconnected while away is told of at the next visit, with that reason; who joins after that stays", async () => {
  const happened = await watch();
  const [ben, eve] = await Promise.all([connect("ben"), connect("eve")]);
  await ben.emitWithAck("join", "garden");
  await lose(ben);
  await eve.emitWithAck("out", "garden");
  await eve.emitWithAck("join", "garden");
  await lose(eve);
  await visitLost(stack, "ServerHeartbeat");
  const told = () => shown(happened).filter((text) => text.startsWith("Socket Disconnected"));
  await until(() => told().length > 0);
  await stack.idle();

  expect(told()).toEqual(["Socket Disconnected ben server namespace disconnect"]);
});

/** Has a socket lose its connection for good. */
async function lose(socket: Awaited<ReturnType<typeof connect>>): Promise<void> {
  const { id } = socket;
  socket.io.reconnection(false);
  socket.io.engine.close();
  await until(
    async () =>
      (await stack.database.items()).some(
        ({ pk, state }) => pk === `sess#${id}` && state === "detached",
      ),
    { timeout: 20_000 },
  );
}

test("a room is occupied and vacated once each, however many come and go at once", async () => {
  const happened = await watch();
  const sockets = await Promise.all(["eve", "fay", "gil", "hal"].map((name) => connect(name)));
  for (let round = 0; round < 2; round += 1) {
    await Promise.all(sockets.map((socket) => socket.emitWithAck("join", "garden")));
    await stack.idle();
    await Promise.all(sockets.map((socket) => socket.emitWithAck("leave", "garden")));
    await stack.idle();
  }
  for (const socket of sockets) socket.disconnect();
  await until(() => happened.length === 12);

  expect(shown(happened).filter((text) => text.startsWith("Room"))).toEqual([
    "Room Occupied garden",
    "Room Vacated garden",
    "Room Occupied garden",
    "Room Vacated garden",
  ]);
});
