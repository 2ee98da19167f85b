import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { io, type Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { synthesise } from "../../local/assembly.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { withoutOffset } from "../support/offsets.ts";

const assembly = mkdtempSync(join(tmpdir(), "chat-"));
let stack: LocalStack;
const sockets: Socket[] = [];

beforeAll(async () => {
  await synthesise(assembly, { app: "examples/chat/app.ts" });
  stack = await startStack({ assembly, port: 0, secret: "none", log: () => undefined });
}, 120_000);

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

afterAll(async () => {
  await stack.stop();
  rmSync(assembly, { recursive: true });
});

/** A stock client with what its server sends it, in order. */
async function enter(auth: object) {
  const socket = io(stack.url, { transports: ["websocket"], auth, reconnection: false });
  sockets.push(socket);
  const events: unknown[][] = [];
  const waiting: ((event: unknown[]) => void)[] = [];
  socket.onAny((...args) => {
    const event = withoutOffset(args);
    const resolve = waiting.shift();
    if (resolve === undefined) events.push(event);
    else resolve(event);
  });
  await new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(undefined));
    socket.once("connect_error", reject);
  });
  const next = (): Promise<unknown[]> => {
    const [event] = events.splice(0, 1);
    return event === undefined
      ? new Promise((resolve) => waiting.push(resolve))
      : Promise.resolve(event);
  };
  return { socket, next, emit: socket.emit.bind(socket), ask: socket.emitWithAck.bind(socket) };
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
