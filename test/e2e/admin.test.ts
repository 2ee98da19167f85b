import { io, type Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { signToken } from "../../client/token.ts";
import type { LocalStack } from "../../local/stack.ts";
import { LOGIN, startWatched, startWatchedContract } from "../support/admin.ts";
import { withoutOffset } from "../support/offsets.ts";

const MINUTE = 60_000;
const logged: string[] = [];
let stacks: Awaited<ReturnType<typeof startWatched>>;
let stack: LocalStack;

beforeAll(async () => {
  const log = (_: string, text: string) => void logged.push(text);
  stacks = await startWatched("test/support/administered.ts", { concurrency: 1, log });
  stack = stacks.writable;
});
afterAll(() => stacks.stop());

const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  await stack.idle();
  // Whether somebody watches is known for a minute.
  await stack.advance(MINUTE);
});

/** A stock client that is connected to a namespace, with all that it has received. */
async function enter(nsp: string, auth: object, of = stack) {
  const socket = io(of.url + nsp, {
    ...{ auth, forceNew: true, reconnection: false, transports: ["websocket"] },
  });
  sockets.push(socket);
  const received: unknown[][] = [];
  socket.onAny((...event) => void received.push(withoutOffset(event)));
  await new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(undefined));
    socket.once("connect_error", reject);
  });
  return {
    socket,
    id: String(socket.id),
    /** The arguments of the events of a name that have come, once nothing is pending. */
    async got(name: string): Promise<unknown[][]> {
      await of.idle();
      await new Promise((resolve) => setImmediate(resolve));
      return received.filter(([event]) => event === name).map(([, ...args]) => args);
    },
  };
}

const user = (userId: string, tenant = "") => enter("", { userId, tenant });
const admin = (auth: object = LOGIN, of = stack) => enter("/admin", auth, of);

describe("whoever watches", () => {
  test("is refused without the right name and password, and no log holds what was sent", async () => {
    const refused = { message: "invalid credentials" };

    await expect(admin({ ...LOGIN, password: "a secret guess" })).rejects.toMatchObject(refused);
    await expect(admin({ ...LOGIN, username: "a secret guess" })).rejects.toMatchObject(refused);
    await expect(admin({})).rejects.toMatchObject(refused);
    await expect(admin({ sessionId: "9999999999.a-secret-guess" })).rejects.toMatchObject(refused);
    expect(logged.join("")).toContain("wrong name or password of the Admin UI");
    expect(logged.join("")).not.toMatch(/secret.guess/);
  });

  test("is refused for some seconds after many tries, unless it has a session", async () => {
    const [[sessionId] = []] = await (await admin()).got("session");
    const tries = Array.from({ length: 30 }, () => admin({ ...LOGIN, password: "a guess" }));
    const outcomes = await Promise.all(tries.map((one) => one.catch((error: Error) => error)));

    expect(outcomes).toContainEqual(new Error("too many tries; wait some seconds"));
    expect(await (await admin({ sessionId })).got("config")).toHaveLength(1);
  });

  test("may come again with the session that it was given, without the password", async () => {
    const [[sessionId] = []] = await (await admin()).got("session");

    const again = await admin({ sessionId });

    expect(await again.got("config")).toHaveLength(1);
  });

  test("is told of all sockets of all tenants, with their rooms, and of the statistics", async () => {
    const [ann, ben] = [await user("ann"), await user("ben", "acme/1")];
    await ben.socket.emitWithAck("join", "kitchen");

    const watching = await admin();

    const [[all] = []] = await watching.got("all_sockets");
    expect(all).toHaveLength(2);
    expect(all).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          ...{ id: ann.id, nsp: "/", rooms: [ann.id], transport: "websocket" },
          data: { userId: "ann", data: { isHere: true } },
        }),
        expect.objectContaining({
          ...{ id: ben.id, nsp: "acme%2F1/", rooms: expect.arrayContaining([ben.id, "kitchen"]) },
          data: { userId: "ben", tenant: "acme/1", data: { isHere: true } },
        }),
      ]),
    );
    const [[stats] = []] = await watching.got("server_stats");
    expect(stats).toMatchObject({
      clientsCount: 3,
      namespaces: expect.arrayContaining([{ name: "acme%2F1/", socketsCount: 1 }]),
    });
  });

  test("is told of sockets, rooms and events as they come", async () => {
    const watching = await admin();
    const [ann, ben] = [await user("ann"), await user("ben")];
    for (const one of [ann, ben]) await one.socket.emitWithAck("join", "kitchen");
    await ann.socket.emitWithAck("say", "kitchen", "hello");
    await ann.socket.emitWithAck("leave", "kitchen");
    ann.socket.disconnect();

    const time = expect.stringMatching(/^\d{4}-.*Z$/);
    const got = (name: string) => watching.got(name);
    const socketOf = (id: string) => expect.objectContaining({ id, nsp: "/", rooms: [id] });
    expect(await got("socket_connected")).toEqual([
      [socketOf(ann.id), time],
      [socketOf(ben.id), time],
    ]);
    expect(await got("room_joined")).toEqual([
      ["/", "kitchen", ann.id, time],
      ["/", "kitchen", ben.id, time],
    ]);
    expect(await got("event_sent")).toEqual([["/", ben.id, ["said", "hello"], time]]);
    expect(await got("event_received")).toContainEqual([
      ...["/", ann.id, ["say", "kitchen", "hello"], time],
    ]);
    expect(await got("room_left")).toEqual([["/", "kitchen", ann.id, time]]);
    expect(await got("socket_disconnected")).toEqual([
      ["/", ann.id, "client namespace disconnect", time],
    ]);
  });

  test("is sent all anew every minute", async () => {
    const watching = await admin();
    expect(await watching.got("all_sockets")).toHaveLength(1);

    const ann = await user("ann");
    await stack.functions.invoke(stack.functions.named("ServerHeartbeat"), {
      scheduledTime: new Date(Date.now() + MINUTE).toISOString(),
    });

    const [, [all] = []] = await watching.got("all_sockets");
    expect(all).toEqual([expect.objectContaining({ id: ann.id })]);
    expect(await watching.got("server_stats")).toHaveLength(2);
  });
});

describe("where it is allowed, whoever watches", () => {
  test("emits to a namespace, to a room, and to one socket of a tenant, what may leave there alone", async () => {
    const news = (number: number) => ({ number, note: "of no declared field" });
    const [ann, ben] = [await user("ann", "acme"), await user("ben", "acme")];
    await user("eve");
    await ann.socket.emitWithAck("join", "kitchen");
    const { socket } = await admin();

    await socket.emitWithAck("emit", "acme/", null, "news", news(1));
    await socket.emitWithAck("emit", "acme/", "kitchen", "news", news(2));
    await socket.emitWithAck("emit", "acme/", ben.id, "news", news(3));

    expect(await ann.got("news")).toEqual([[{ number: 1 }], [{ number: 2 }]]);
    expect(await ben.got("news")).toEqual([[{ number: 1 }], [{ number: 3 }]]);
  });

  test("has sockets join and leave rooms", async () => {
    const [ann, ben] = [await user("ann"), await user("ben")];
    const rooms = (one: typeof ann) => one.socket.emitWithAck("rooms");
    const { socket } = await admin();

    await socket.emitWithAck("join", "/", "kitchen");
    expect(await rooms(ann)).toContain("kitchen");
    await socket.emitWithAck("leave", "/", "kitchen", ann.id);

    expect(await rooms(ann)).not.toContain("kitchen");
    expect(await rooms(ben)).toContain("kitchen");
    await socket.emitWithAck("leave", "/", "kitchen");
    expect(await rooms(ben)).not.toContain("kitchen");
  });

  test("is refused a room without a name, as a socket is", async () => {
    const ann = await user("ann");
    const { socket } = await admin();
    const refused = { error: { code: "invalid_payload", message: expect.stringMatching(/empty/) } };

    expect(await ann.socket.emitWithAck("join", "")).toMatchObject(refused);
    for (const command of ["join", "leave"])
      expect(await socket.emitWithAck(command, "/", "", ann.id)).toMatchObject(refused);
  });

  test.each([
    ["a namespace that is not there", ["_disconnect", "/nowhere", false, null], /no namespace/],
    ["a tenant that cannot be one", ["join", "%zz/", "kitchen", null], /no namespace %zz/],
    ["a name that Socket.IO keeps for itself", ["emit", "/", null, "disconnect"], /reserved/],
    ["what the event's schema refuses", ["emit", "/", null, "news", { number: "1" }], /number/],
  ] as const)("is told of %s", async (_, [command, ...args], message) => {
    const { socket } = await admin();

    expect(await socket.emitWithAck(command, ...args)).toEqual({
      error: { code: "invalid_payload", message: expect.stringMatching(message) },
    });
  });

  test("is told that one socket cannot be reached where there are no rooms of one socket", async () => {
    const { id } = await enter("/crowd", {});
    const { socket } = await admin();

    expect(await socket.emitWithAck("_disconnect", "/crowd", false, id)).toMatchObject({
      error: { code: "forbidden", message: expect.stringMatching(/ownRoom/) },
    });
  });

  test("takes nobody out of the room that every socket is in", async () => {
    const { socket } = await admin();

    expect(await socket.emitWithAck("leave", "/", "everyone")).toMatchObject({
      error: { code: "forbidden" },
    });
  });

  test("disconnects one socket, and others stay", async () => {
    const [ann, ben] = [await user("ann"), await user("ben")];
    const { socket } = await admin();
    const reason = new Promise((resolve) => ann.socket.once("disconnect", resolve));

    await socket.emitWithAck("_disconnect", "/", false, ann.id);

    expect(await reason).toBe("io server disconnect");
    await stack.idle();
    expect(ben.socket.connected).toBe(true);
  });
});

test("where it is read-only, whoever watches is offered no command, and is refused each", async () => {
  const { socket, got } = await admin(LOGIN, stacks.readonly);

  expect(await got("config")).toEqual([[{ supportedFeatures: ["ALL_EVENTS"] }]]);
  for (const [command, ...args] of [
    ["emit", null, "news"],
    ["join", "kitchen"],
    ["leave", "kitchen"],
    ["_disconnect", false],
  ] as const)
    expect(await socket.emitWithAck(command, "/", ...args)).toMatchObject({
      error: { code: "forbidden" },
    });
});

test("while nobody watches, a warm function reads once a minute for that, and writes and posts nothing", async () => {
  const ann = await user("ann");
  const actions = async () => {
    stack.takeCalls();
    await ann.socket.emitWithAck("rooms");
    await stack.idle();
    return stack.takeCalls().map(({ action }) => action);
  };
  await actions();

  const known = await actions();
  await stack.advance(MINUTE);
  const looking = await actions();
  const again = await actions();

  const changes = looking.filter((action) => !/Get|Query/.test(action));
  expect(changes).toEqual(["execute-api:POST"]);
  expect(looking.filter((action) => action === "dynamodb:Query")).toHaveLength(1);
  expect(known).not.toContain("dynamodb:Query");
  expect(again).toEqual(known);
});

describe("of the contract", () => {
  const SECRET = "a secret of at least thirty-two characters";
  let contract: Awaited<ReturnType<typeof startWatchedContract>>;
  beforeAll(async () => {
    contract = await startWatchedContract(SECRET);
  });
  afterAll(() => contract.stop());

  test("whoever watches is told of the sockets of an organisation, what they send, and what a back end publishes", async () => {
    const of = contract.stack;
    const watching = await admin(LOGIN, of);
    const token = await signToken({ sub: "ann", org: "acme", projects: ["p1"] }, SECRET);
    const ann = await enter("", { token }, of);
    await ann.socket.emitWithAck("subscribe:project", "p1");
    const project = {
      event: "project:created",
      org: "acme",
      projectId: "p1",
      data: { name: "One" },
    };
    await of.functions.invoke(of.functions.named("Publish"), project);

    const got = async (name: string) => (await watching.got(name)).map(([, ...args]) => args);
    expect(await watching.got("socket_connected")).toEqual([
      [expect.objectContaining({ id: ann.id, nsp: "acme/" }), expect.any(String)],
    ]);
    expect(await got("event_received")).toContainEqual([
      ...[ann.id, ["subscribe:project", "p1"], expect.any(String)],
    ]);
    expect(await got("event_sent")).toContainEqual([
      ...[ann.id, ["project:created", expect.objectContaining({ data: { name: "One" } })]],
      expect.any(String),
    ]);
    expect(await watching.socket.emitWithAck("_disconnect", "acme/", false)).toMatchObject({
      error: { code: "forbidden" },
    });
  });
});
