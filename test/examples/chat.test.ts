import { type LocalStack, startStack } from "serverless-socket-io/testing";
import { io, type Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { entering } from "../support/entering.ts";

let stack: LocalStack;
const sockets: Socket[] = [];

beforeAll(async () => {
  stack = await startStack({ app: "examples/chat/app.ts", log: () => undefined });
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

afterAll(() => stack.stop());

/** A stock client. */
function enter(auth: object) {
  const socket = io(stack.url, { transports: ["websocket"], auth, reconnection: false });
  sockets.push(socket);
  return entering(socket);
}

test("a chat without a nickname is refused with the reason", async () => {
  await expect(enter({})).rejects.toThrow("a nickname is required");
});

test("in a chat everybody sees who is there, who types, what is said and who leaves", async () => {
  const [ann, ben, eve] = [
    await enter({ nickname: "ann" }),
    await enter({ nickname: "ben" }),
    await enter({ nickname: "eve" }),
  ];
  expect(await ann.ask("join", "garden")).toEqual(["ann"]);
  expect(((await ben.ask("join", "garden")) as string[]).toSorted()).toEqual(["ann", "ben"]);
  expect(await ann.next()).toEqual(["joined", "garden", "ben"]);
  expect(await eve.ask("join", "house")).toEqual(["eve"]);

  ben.emit("typing", "garden");
  expect(await ann.next()).toEqual(["typing", "garden", "ben"]);
  ben.emit("message", "garden", "hello");
  expect(await ann.next()).toEqual(["message", "garden", "ben", "hello"]);
  expect(await ben.next()).toEqual(["message", "garden", "ben", "hello"]);

  ben.socket.disconnect();
  expect(await ann.next()).toEqual(["left", "ben"]);
  expect(await ann.ask("join", "house")).toHaveLength(2);
  expect(await eve.next()).toEqual(["joined", "house", "ann"]);
});

test("what a client names is never a room of another kind", async () => {
  const [ann, ben] = [await enter({ nickname: "ann" }), await enter({ nickname: "ben" })];
  await ben.ask("join", String(ann.socket.id));
  ben.emit("message", String(ann.socket.id), "whispered");

  expect(await ben.next()).toEqual(["message", ann.socket.id, "ben", "whispered"]);
  expect(await ann.ask("join", "garden")).toEqual(["ann"]);
  ben.emit("message", "everyone", "shouted");
  expect(await ann.ask("join", "garden")).toEqual(["ann"]);
});

/** Ann and ben in a room, of which ann has received that ben came. */
async function both(room: string) {
  const [ann, ben] = [await enter({ nickname: "ann" }), await enter({ nickname: "ben" })];
  await ann.ask("join", room);
  await ben.ask("join", room);
  expect(await ann.next()).toEqual(["joined", room, "ben"]);
  return [ann, ben] as const;
}

test("who loses the connection has left when the time to come back is over, and others stay", async () => {
  const [ann] = await both("well");
  stack.gateway.drop(stack.gateway.connectionIds().at(-1) ?? "");

  // Without $disconnect, only pings find out.
  for (let minutes = 0; minutes < 30; minutes += 10) await stack.advance(600_000);

  expect(await ann.next()).toEqual(["left", "ben"]);
  expect(await ann.ask("join", "well")).toEqual(["ann"]);
});

test("what a client says arrives although API Gateway throttles posts", async () => {
  const [ann, ben] = await both("gate");
  stack.faults.setRates({ throttle: 0, fail: 0, throttlePosts: 0.2, failPosts: 0 });

  for (let n = 0; n < 10; n += 1) ben.emit("message", "gate", n);

  const received = [];
  for (let n = 0; n < 10; n += 1) received.push((await ann.next())[3]);
  stack.faults.setRates({ throttle: 0, fail: 0, throttlePosts: 0, failPosts: 0 });
  expect(received.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
