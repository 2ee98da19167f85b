import { ConnectError, defineApp, defineNamespace } from "serverless-socket-io/server";

/** What clients name must not be a room of another kind. */
const named = (room: string) => `chat#${room}`;

/** Rooms, nicknames, messages, who types and who is there. */
export const app = defineApp({
  namespaces: {
    "/": defineNamespace({
      authenticate({ auth: { nickname } }) {
        if (typeof nickname !== "string" || nickname.length > 40)
          throw new ConnectError("a nickname is required, of at most 40 characters");
        return { data: { nickname } };
      },
      on: {
        async join(socket, room, callback) {
          await socket.join(named(room));
          socket.to(named(room)).emit("joined", room, socket.data.nickname);
          const there = await socket.nsp.in(named(room)).fetchSockets();
          callback?.(there.map(({ data }) => data.nickname));
        },
        async leave(socket, room) {
          await socket.leave(named(room));
          socket.to(named(room)).emit("left", socket.data.nickname);
        },
        message(socket, room, text) {
          socket.nsp.to(named(room)).emit("message", room, socket.data.nickname, text);
        },
        typing(socket, room) {
          socket.to(named(room)).emit("typing", room, socket.data.nickname);
        },
      },
      async onDisconnect({ data }, rooms, { io }) {
        io.to(rooms).emit("left", data.nickname);
      },
    }),
  },
});
