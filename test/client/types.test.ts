import type { Socket } from "socket.io-client";
import { expectTypeOf, test } from "vitest";
import {
  type Answer,
  type ClientToServerEvents,
  type ConnectOptions,
  connect,
  type RealtimeSocket,
  type Refusal,
  type ServerToClientEvents,
} from "../../client/index.ts";

/** Only the compiler reads what is in it (`npm run types`): it never runs. */
type Compiled = (socket: RealtimeSocket) => void;

const lobby = { chatId: "lobby", projectId: "p1" };
const hello = { ...lobby, type: "text", content: "hello" } as const;

test("events are emitted with or without a callback, and what is not in the contract does not compile", () => {
  const compiled: Compiled = (socket) => {
    socket.emit("presence:online");
    socket.emit("presence:online", { projectId: "p1" });
    socket.emit("subscribe:project", "p1", (answer) =>
      expectTypeOf(answer).toEqualTypeOf<
        Refusal | { readonly type: "project"; readonly id: string }
      >(),
    );
    socket.emit("presence:online", (answer) =>
      expectTypeOf(answer).toEqualTypeOf<Refusal | { readonly ok: true }>(),
    );
    socket.volatile.emit("message:send", hello).on("message:new", ({ message }) => message.content);

    // @ts-expect-error: there is no such event
    socket.emit("message:shout", {});
    // @ts-expect-error: the payload is missing
    socket.emit("chat:join");
    // @ts-expect-error: the content is missing
    socket.emit("message:send", { ...lobby, type: "text" });
    // @ts-expect-error: there is no such field
    socket.on("message:new", ({ message }) => message.colour);
    // @ts-expect-error: an acknowledgement may be a refusal
    socket.emit("message:send", hello, ({ messageId }) => messageId);
  };

  expectTypeOf(compiled).toBeFunction();
});

test("an acknowledgement may be waited for, and for no longer than a time", () => {
  const compiled: Compiled = async (socket) => {
    socket.timeout(1000).emit("message:send", hello, (error, answer) => {
      expectTypeOf(error).toEqualTypeOf<Error>();
      expectTypeOf(answer).toEqualTypeOf<Answer<"message:send">>();
      if (!("error" in answer)) expectTypeOf(answer.messageId).toBeString();
    });
    socket.timeout(1000).emit("presence:online", (_, answer) => {
      expectTypeOf(answer).toEqualTypeOf<Answer<"presence:online">>();
    });
    const waited = await socket.emitWithAck("message:send", hello);
    const timed = await socket.timeout(1000).emitWithAck("message:send", hello);
    expectTypeOf(waited).toEqualTypeOf<Answer<"message:send">>();
    expectTypeOf(timed).toEqualTypeOf<Answer<"message:send">>();
    await socket.emitWithAck("presence:online");
    await socket.timeout(1000).emitWithAck("presence:online");

    // @ts-expect-error: the payload is missing
    await socket.emitWithAck("chat:join");
    // @ts-expect-error: the payload is missing
    await socket.timeout(1000).emitWithAck("chat:join");
    // @ts-expect-error: the answer comes after the error
    socket.timeout(1000).emit("chat:join", lobby, (answer: Answer<"chat:join">) => answer);
    // @ts-expect-error: there is no such event
    socket.timeout(1000).emit("message:shout", {}, () => undefined);
  };

  expectTypeOf(compiled).toBeFunction();
});

test("custom events are what their sender makes of them, and those of the contract are typed", () => {
  const compiled: Compiled = (socket) => {
    socket.on("custom:move", (move) => console.log(move.x));
    socket.on("custom:move", ({ x, sender }: { x: number; sender: string }) => [x, sender]);
    socket.on("custom:joined", ({ room }) => expectTypeOf(room).toBeString());

    // @ts-expect-error: a name of the client's own begins with custom:
    socket.on("move", (move) => move);
    // @ts-expect-error: there is no such field
    socket.on("custom:joined", ({ house }) => house);
  };

  expectTypeOf(compiled).toBeFunction();
});

test("events of a back end's own are added by the socket's type", () => {
  interface Mine {
    readonly news: (payload: { readonly n: number }) => void;
  }
  const compiled: Compiled = (connected) => {
    const socket: Socket<ServerToClientEvents & Mine, ClientToServerEvents> = connected;
    socket.on("news", ({ n }) => expectTypeOf(n).toBeNumber());
    socket.on("message:new", ({ message }) => expectTypeOf(message.content).toBeString());
    socket.emit("chat:join", lobby);
  };

  expectTypeOf(compiled).toBeFunction();
});

test("connect takes the options of socket.io-client, but those that it sets itself", () => {
  const compiled = (token: string) => {
    const stock = { forceNew: true, reconnectionDelayMax: 10_000, query: { v: "2" }, retries: 3 };
    connect("https://example.org", { token, ...stock });
    connect("https://example.org", { token: async () => token, autoConnect: false });

    // @ts-expect-error: the token is missing
    connect("https://example.org", stock);
    // @ts-expect-error: there is no such option
    connect("https://example.org", { token, reconnect: true });
    // @ts-expect-error: the token is what authenticates
    connect("https://example.org", { token, auth: {} });
    // @ts-expect-error: API Gateway accepts no binary frames
    connect("https://example.org", { token, forceBase64: false });
  };

  expectTypeOf(compiled).toBeFunction();
  expectTypeOf<ConnectOptions["path"]>().toEqualTypeOf<string | undefined>();
});
