import { afterEach, expect, expectTypeOf, test } from "vitest";
import { connect, type RealtimeSocket, type Refusal } from "../../client/index.ts";
import { isoTime, newOrg, person, tokenFor } from "../support/people.ts";
import { stack } from "../support/running.ts";

const open: RealtimeSocket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.disconnect();
});

const connecting = (token: Parameters<typeof connect>[1]["token"]): RealtimeSocket => {
  const socket = connect(stack.url, { token });
  open.push(socket);
  return socket;
};

test("connect takes a URL and a token, and the socket is typed by the contract", async () => {
  const org = newOrg();
  const ben = await person({ org, sub: "ben" });
  await ben.emit("chat:join", { chatId: "lobby", projectId: "p1" });
  const socket = connecting(await tokenFor({ org }));

  const answer = await new Promise((resolve) =>
    socket.emit(
      "message:send",
      { chatId: "lobby", projectId: "p1", type: "text", content: "hello", replyTo: null },
      (answer) => {
        expectTypeOf(answer).toExtend<Refusal | { readonly messageId: string }>();
        resolve(answer);
      },
    ),
  );

  expect(answer).toMatchObject({ chatId: "lobby", timestamp: isoTime });
  expect(await ben.nextEvent("message:new")).toMatchObject({ message: { content: "hello" } });
});

test("the token may be fetched anew for each connection", async () => {
  const org = newOrg();
  const ben = await person({ org, sub: "ben" });
  let fetched = 0;
  const socket = connecting(async () => {
    fetched += 1;
    return tokenFor({ org });
  });
  const received = new Promise<{ readonly from: string }>((resolve) =>
    socket.on("custom:message", resolve),
  );
  await new Promise<void>((resolve) => socket.once("connect", resolve));

  socket.io.engine.close();
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  await ben.emit("custom:message", { targetUserId: "ann", message: "hi" });

  expect(await received).toMatchObject({ from: "ben" });
  expect(fetched).toBe(2);
});

test("a token function that fails is reported like a refused token", async () => {
  const socket = connecting(() => {
    throw new Error("the back end is down");
  });

  const error = await new Promise<Error>((resolve) => socket.once("connect_error", resolve));

  expect(error.message).toBe("Authentication error");
});

test("an acknowledgement is waited for, with the reply, or with what stands for it", async () => {
  const socket = connecting(await tokenFor({ org: newOrg() }));

  const answers = [
    socket.emitWithAck("subscribe:project", "p1"),
    socket.emitWithAck("subscribe:collection", "orders"),
    socket.emitWithAck("presence:online"),
    socket.timeout(10_000).emitWithAck("chat:join", { chatId: "lobby", projectId: "p2" }),
  ];

  expect(await Promise.all(answers)).toEqual([
    { type: "project", id: "p1" },
    { ok: true },
    { ok: true },
    { error: { code: "forbidden", message: expect.any(String) } },
  ]);
});

test("connect takes options of Socket.IO's client besides", async () => {
  const token = await tokenFor({ org: newOrg() });
  const socket = connect(stack.url, {
    ...{ token, transports: ["websocket"] as const },
    ...{ path: stack.stagePath, addTrailingSlash: false, autoConnect: false },
  });
  open.push(socket);
  expect(socket.active).toBe(false);

  const answer = new Promise((resolve) =>
    socket
      .connect()
      .timeout(10_000)
      .emit("custom:join", { room: "garden" }, (_, joined) => {
        resolve(joined);
      }),
  );

  expect(await answer).toEqual({ room: "garden" });
  expect(socket.io.opts).toMatchObject({ path: "/live", forceBase64: true });
});
