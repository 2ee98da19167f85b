import { afterAll, beforeEach, expect, inject, test } from "vitest";
import { defineApp, defineNamespace } from "../../lambdas/server/app.ts";
import type { CallInput } from "./commands.ts";
import { createWorld } from "./world.ts";

type Done = (answer: string) => void;

/** Who joins rooms, and disconnects those of a room. */
const app = defineApp({
  namespaces: {
    "/": defineNamespace({
      authenticate: async ({ auth }) => ({ tenant: String(auth.tenant ?? "acme") }),
      on: {
        async join(socket, room: string, done: Done) {
          await socket.join(room);
          done("joined");
        },
        tell_others(socket, nsp: string) {
          socket.nsp.of(nsp).emit("told");
        },
        disconnect_all(socket, room: string, done: Done) {
          socket.nsp.in("watchers").emit("disconnected", room);
          socket.nsp.in(room).disconnectSockets();
          done("done");
        },
      },
      async onConnect(socket) {
        const { moves } = socket.handshake.auth as { readonly moves?: boolean };
        if (moves === true) await socket.nsp.in("lobby").socketsJoin("hall");
      },
      async onDisconnect(socket, _rooms, { io }) {
        io.to("watchers").emit("left", socket.id);
      },
    }),
    "/others": defineNamespace({ authenticate: async () => ({ tenant: "acme" }) }),
  },
});

const world = await createWorld(inject("assembly"), { connectionStateRecovery: 0 }, {}, app);
afterAll(() => world.stop());
beforeEach(() => world.clearTable());

const eventsOf = (connectionId: string) =>
  world.framesOf(connectionId).filter((frame) => frame.startsWith("4"));

/** A socket in a room. */
async function inRoom(room: string): Promise<string> {
  const connectionId = await world.connect("ann", "acme");
  await world.send(connectionId, `421["join","${room}"]`);
  return connectionId;
}

test("a caller is answered once, and others are told once, where a socket could not be ended after it", async () => {
  const [caller, , watcher] = [
    await world.connect("ann", "acme"),
    await inRoom("stage"),
    await inRoom("watchers"),
  ];
  const isDetaching = ({ UpdateExpression }: CallInput) =>
    UpdateExpression?.startsWith("SET departed") === true;

  await world.failing(isDetaching, () => world.send(caller, '427["disconnect_all","stage"]'));

  expect(eventsOf(caller).slice(1)).toEqual(['437["done"]']);
  expect(eventsOf(watcher).slice(2)).toEqual(['42["disconnected","stage"]']);
});

test.each([
  ["x".repeat(384), true],
  ["x".repeat(385), false],
  ["#".repeat(129), false],
])("a tenant of %s lets its sockets in: %s", async (tenant, isLetIn) => {
  const connectionId = await world.connect("ann", "acme", {}, { tenant });
  await world.send(connectionId, `421["join","${"x".repeat(1536)}"]`);

  expect(eventsOf(connectionId)).toHaveLength(isLetIn ? 2 : 0);
  expect(world.isConnected(connectionId)).toBe(isLetIn);
});

test("CONNECT is answered where what an application sends at once to others cannot be sent", async () => {
  const isOfLobby = ({ ExpressionAttributeValues }: CallInput) =>
    JSON.stringify(ExpressionAttributeValues ?? {}).includes("#lobby");
  let connectionId = "";

  await world.failing(isOfLobby, async () => {
    connectionId = await world.connect("ann", "acme", {}, { moves: true });
  });

  expect(eventsOf(connectionId)).toEqual([expect.stringMatching(/^40\{"sid"/)]);
});

test("others are told of an end although what the socket leaves could not be deleted", async () => {
  const [ann, watcher] = [await inRoom("stage"), await inRoom("watchers")];
  const isErasing = ({ RequestItems }: CallInput) =>
    JSON.stringify(RequestItems ?? {}).includes("DeleteRequest");

  await world.failing(isErasing, () => world.disconnect(ann));

  expect(eventsOf(watcher).slice(2)).toEqual([expect.stringMatching(/^42\["left"/)]);
});

test("a handler reaches the sockets of another namespace", async () => {
  const [ann, other] = [await world.connect("ann", "acme"), await world.connect("ben", "acme")];
  await world.send(other, "40/others,");

  await world.send(ann, '42["tell_others","/others"]');

  expect(eventsOf(other).at(-1)).toBe('42/others,["told"]');
});
