import { Stack } from "aws-cdk-lib";
import type { Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SocketIoServer } from "../../lib/socket-io-server.ts";
import type { LocalStack } from "../../local/stack.ts";
import { ARE_POLLING, client, connected } from "../support/people.ts";
import { startFromApp } from "../support/started-app.ts";

let started: Awaited<ReturnType<typeof startFromApp>>;
let stack: LocalStack;

beforeAll(async () => {
  started = await startFromApp((app) => {
    // So that moves, and not questions, are divided among functions.
    const limits = { fanOutPage: 3 };
    new SocketIoServer(new Stack(app, "Quiz"), "Server", {
      app: "test/support/quiz.ts",
      limits,
    }).addEdge();
  });
  stack = started.stack;
});

afterAll(() => started.stop());

const connect = (options = {}) => connected(client(options, stack.url));

/** Sockets in a room, each of which answers questions so. */
const players = (room: string, answers: readonly ((question: unknown) => unknown)[]) =>
  Promise.all(
    answers.map(async (answer) => {
      const socket = await connect();
      socket.on("question", (question: unknown, acknowledge: (answer: unknown) => void) => {
        const given = answer(question);
        if (given !== undefined) acknowledge(given);
      });
      await socket.emitWithAck("join", room);
      return socket;
    }),
  );

const silent = () => undefined;

/** How a client is connected: as the run has it, by long polling alone, and as one of which nothing is set. */
const TRANSPORTS: readonly [string, { readonly transports?: string[] }][] = [
  ["as the run has it", {}],
  ["which polls", { transports: ["polling"] }],
  ["with default options", { transports: ["polling", "websocket"] }],
];

test.each(TRANSPORTS)(
  "a handler asks its own client, %s, after what it has emitted before, while the client's other events are served",
  async (_, options) => {
    const socket = await connect(options);
    const received: unknown[] = [];
    socket.on("before", (text) => received.push(["before", text]));
    socket.on("question", async (text, acknowledge) => {
      received.push(["question", text]);
      // The handler that asks is still waiting.
      await socket.emitWithAck("ping");
      acknowledge(`${text}, indeed`, "a second argument");
    });

    expect(await socket.emitWithAck("ask-me", 10_000, "cold")).toBe("cold, indeed");

    expect(received).toEqual([
      ["before", "cold"],
      ["question", "cold"],
    ]);
  },
);

test("a broadcast gives the answers of all sockets but the caller and excepted ones", async () => {
  const [ann, ben, , eve] = await players("garden", [
    () => "ann",
    () => "ben",
    (question) => ({ question, bytes: Buffer.from([1, 2]) }),
    () => "eve",
  ]);
  await eve?.emitWithAck("join", "spectators");

  expect(await ben?.emitWithAck("ask-others", "garden", 10_000, "who?")).toEqual(
    expect.arrayContaining(["ann", { question: "who?", bytes: expect.anything() }]),
  );
  expect(await ann?.emitWithAck("ask-room", "nowhere", 10_000, "who?")).toEqual([]);
});

test("who has not answered in time is named beside the answers that came", async () => {
  const [, late] = await players("hall", [() => 1, silent, () => 3]);
  const asking = await connect();

  const outcome = await asking.emitWithAck("ask-room", "hall", ARE_POLLING ? 5000 : 500, "?");

  expect(outcome).toEqual({
    responses: expect.arrayContaining([1, 3]),
    missing: [late?.id],
  });
});

test("an answer that comes twice, from somebody who was not asked, or too large changes nothing", async () => {
  const [asking, twice, large] = await players("court", [silent, silent, silent]);
  const stranger = await connect();
  const send = (socket: Socket | undefined, id: number, answer: unknown) =>
    socket?.io.engine.write(`3${id}${JSON.stringify([answer])}`);
  const raw = (socket: Socket | undefined, use: (id: number) => void) =>
    socket?.io.engine.on("packet", ({ type, data }: { type: string; data?: unknown }) => {
      const [, id] = (type === "message" && /^2(\d+)\[/.exec(String(data))) || [];
      if (id !== undefined) use(Number(id));
    });
  raw(twice, (id) => {
    send(twice, id, "first");
    send(stranger, id, "a stranger's");
    send(twice, id, "second");
  });
  raw(large, (id) => send(large, id, "x".repeat(20_000)));

  expect(await asking?.emitWithAck("ask-room", "court", 1500, "?")).toEqual({
    // Of two at once, either is handled first.
    responses: [expect.stringMatching(/^(first|second)$/)],
    missing: expect.arrayContaining([asking?.id, large?.id]),
  });
  expect(stranger.connected).toBe(true);
});

test.each([0, -1, 20_001, "soon", null])(
  "a time-out of %s is refused by its name",
  async (milliseconds) => {
    const socket = await connect();

    expect(await socket.emitWithAck("ask-me", milliseconds, "?")).toEqual({
      error: `Error: a timeout must be a number of milliseconds above 0, at most 20000, not ${JSON.stringify(milliseconds)}`,
    });
  },
);

test("a publication asks, and its caller has the answers", async () => {
  const [, late] = await players("parlour", [() => "yes", silent]);
  const publish = stack.functions.named("ServerPublish");

  expect(
    await stack.functions.invoke(publish, { event: "ask", room: "parlour", milliseconds: 300 }),
  ).toMatchObject({ value: { outcome: { responses: ["yes"], missing: [late?.id] } } });
});

test("sockets are listed a page at a time, each once", async () => {
  const [first, ...rest] = await players(
    "library",
    Array.from({ length: 7 }, () => silent),
  );
  const all = [first, ...rest]
    .map((socket) => socket?.id ?? "")
    .toSorted((a, b) => (a < b ? -1 : 1));
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await first?.emitWithAck("list", "library", { limit: 3, after });
    found.push(...page.ids);
    after = page.next;
  } while (after !== undefined);

  expect(found).toEqual(all);
});

test("sockets are moved into another room, and what follows reaches them there", async () => {
  const [ann, ben] = await players("lobby", [silent, silent]);
  const moved = [ann, ben].map(
    (socket) => new Promise((resolve) => socket?.once("moved", resolve)),
  );

  await ann?.emitWithAck("move", "lobby", "stage");

  expect(await Promise.all(moved)).toEqual(["stage", "stage"]);
  expect(await ben?.emitWithAck("rooms")).toEqual(expect.arrayContaining(["lobby", "stage"]));
  await ann?.emitWithAck("leave", "stage");
  expect(await ben?.emitWithAck("rooms")).not.toContain("stage");
});

test.each(TRANSPORTS)(
  "a socket is asked as it connects, %s, after the answer to its CONNECT",
  async (_, options) => {
    const socket = client({ auth: { asks: "who?" }, ...options }, stack.url);
    socket.on("hello", (question, acknowledge) => acknowledge(`${question} me`));
    const welcome = new Promise((resolve) => socket.once("welcome", resolve));
    await connected(socket);

    expect(await welcome).toBe("who? me");
  },
);

test("a room that several functions take care of is moved whole", async () => {
  const sockets = await players(
    "square",
    Array.from({ length: 8 }, () => silent),
  );
  const rooms = async () =>
    Promise.all(
      sockets.map(async (socket) => (await socket.emitWithAck("rooms")).includes("tower")),
    );

  await sockets[0]?.emitWithAck("move", "square", "tower");
  await stack.idle();
  expect(await rooms()).toEqual(sockets.map(() => true));

  await sockets[0]?.emitWithAck("leave", "tower");
  await stack.idle();
  expect(await rooms()).toEqual(sockets.map(() => false));
});

test("of a leave and a join of one handler the later one decides", async () => {
  const [ann] = await players("yard", [silent, silent]);

  await ann?.emitWithAck("out-and-in", "yard", "shed");
  await stack.idle();

  expect(await ann?.emitWithAck("rooms")).toContain("shed");
});
