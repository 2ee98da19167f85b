import * as z from "zod/mini";
import { defineApp, defineNamespace } from "#server/index.ts";

/** An application of several tenants, which is watched in the Admin UI: sockets join rooms and talk in them. */
export const app = defineApp({
  namespaces: {
    "/crowd": defineNamespace({
      authenticate: () => ({ tenant: "", userId: "somebody" }),
      ownRoom: false,
    }),
    "/": defineNamespace({
      authenticate: ({ auth: { tenant, userId } }) => ({
        tenant: String(tenant ?? ""),
        userId: String(userId),
        data: { isHere: true },
      }),
      emits: { news: z.object({ number: z.number() }) },
      on: {
        join: async (socket, room, callback) => callback(await socket.join(room)),
        leave: async (socket, room, callback) => callback(await socket.leave(room)),
        rooms: async (socket, callback) => callback(await socket.rooms()),
        say(socket, room, text, callback) {
          socket.to(room).emit("said", text);
          callback();
        },
      },
    }),
  },
});
