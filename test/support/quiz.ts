import * as z from "zod/mini";
import {
  type Broadcast,
  defineApp,
  defineNamespace,
  definePublication,
  everybody,
  TimeoutError,
} from "#server/index.ts";

/** What came of asking: all answers, or those that came and how many did not. */
const outcomeOf = (asking: Promise<unknown>): Promise<unknown> =>
  asking.catch((error: unknown) => {
    if (!(error instanceof TimeoutError)) return { error: String(error) };
    return { responses: error.responses, missing: error.missing };
  });

const idsIn = async (io: Broadcast, room: string, page?: { after?: string; limit?: number }) => {
  const sockets = await io.in(room).fetchSockets(page);
  return { ids: sockets.map(({ id }) => id), next: sockets.next };
};

/** A quiz: sockets are asked, counted and moved by handlers, and by publications. */
export const app = defineApp({
  namespaces: {
    "/": defineNamespace({
      authenticate: everybody,
      async onConnect(socket) {
        const { asks } = socket.handshake.auth;
        if (asks === undefined) return;
        socket.emit("welcome", await outcomeOf(socket.timeout(5000).emitWithAck("hello", asks)));
      },
      on: {
        ping: (_, callback) => callback(),
        join: async (socket, room, callback) => callback(await socket.join(room)),
        rooms: async (socket, callback) => callback(await socket.rooms()),
        async "ask-me"(socket, milliseconds, question, callback) {
          socket.emit("before", question);
          callback(await outcomeOf(socket.timeout(milliseconds).emitWithAck("question", question)));
        },
        async "ask-room"({ nsp }, room, milliseconds, question, callback) {
          const asking = nsp.to(room).timeout(milliseconds).emitWithAck("question", question);
          callback(await outcomeOf(asking));
        },
        async "ask-others"(socket, room, milliseconds, question, callback) {
          const asking = socket.to(room).except("spectators").timeout(milliseconds);
          callback(await outcomeOf(asking.emitWithAck("question", question)));
        },
        async move({ nsp }, from, to, callback) {
          await nsp.in(from).socketsJoin(to);
          nsp.to(to).emit("moved", to);
          callback();
        },
        async "out-and-in"({ nsp }, room, other, callback) {
          nsp.in(room).socketsLeave(other);
          await nsp.in(room).socketsJoin(other);
          callback();
        },
        leave({ nsp }, room, callback) {
          nsp.in(room).socketsLeave(room);
          callback();
        },
        out({ nsp }, room, callback) {
          nsp.in(room).disconnectSockets();
          callback();
        },
        announce({ nsp }, text, callback) {
          nsp.except("spectators").volatile.emit("announced", text);
          callback();
        },
        async list({ nsp }, room, page, callback) {
          callback(await idsIn(nsp, room, page));
        },
      },
    }),
  },
  publications: {
    all: [
      definePublication({
        names: ["ask"],
        isRead: true,
        entry: () => z.object({ room: z.string(), milliseconds: z.number() }),
        handle: async ({ io, entry: { room, milliseconds } }) => ({
          outcome: await outcomeOf(io.to(room).timeout(milliseconds).emitWithAck("question", 1)),
        }),
      }),
    ],
  },
});
