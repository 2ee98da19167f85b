import * as z from "zod/mini";
import { defineApp, defineNamespace, definePublication } from "#server/index.ts";

/** What happens to sockets and rooms comes back to those who watch: an application for tests of lifecycle events. */
export const app = defineApp({
  namespaces: {
    "/": defineNamespace({
      authenticate: ({ auth }) => ({ tenant: "acme", userId: String(auth.name) }),
      on: {
        join: async (socket, room, callback) => callback(await socket.join(room)),
        leave: async (socket, room, callback) => callback(await socket.leave(room)),
        out({ nsp }, room, callback) {
          nsp.in(room).disconnectSockets();
          callback();
        },
      },
    }),
  },
  publications: {
    tenantField: "tenant",
    all: [
      definePublication({
        names: [
          ...["Socket Connected", "Socket Recovered", "Socket Disconnected"],
          ...["Room Occupied", "Room Vacated"],
        ],
        entry: () => z.looseObject({ tenant: z.string() }),
        async handle({ event, entry, io }) {
          io.to("watchers").emit("happened", event, entry);
        },
      }),
    ],
  },
});
