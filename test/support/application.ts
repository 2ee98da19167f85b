import * as z from "zod/mini";
import {
  Acknowledgement,
  ConnectError,
  defineApp,
  defineEvent,
  defineNamespace,
  EventError,
  everybody,
} from "#server/app.ts";

/** What anyone says, everyone receives: an application in a few lines, for tests of what the server offers any. */
export const app = defineApp({
  namespaces: {
    "/": defineNamespace({
      authenticate: everybody,
      use: [
        (socket, next) => {
          socket.data.steps = ["first"];
          next();
        },
        async (socket, next) => {
          if (socket.handshake.auth.banned === true)
            return next(Object.assign(new Error("banned"), { data: { until: "tomorrow" } }));
          socket.data.steps.push("second");
          next();
        },
      ],
      events: [
        defineEvent({
          name: "say",
          payload: () => z.object({ text: z.string() }),
          access: everybody,

          async handle({ payload: { text }, io }) {
            io.emit("said", text);

            return { length: text.length };
          },
        }),
        defineEvent({
          name: "add",
          payload: () => z.tuple([z.number(), z.number()]),
          access: everybody,

          async handle({ payload: [a, b] }) {
            if (a + b > 1000) throw new EventError("too_large", "the sum is too large");
            return new Acknowledgement(a + b, a - b);
          },
        }),
      ],
      on: {
        ping: (_, callback) => callback(),
        async join(socket, room, callback) {
          await socket.join(room);
          const own = [socket.id, "everyone"];
          callback((await socket.rooms()).filter((one) => !own.includes(one)));
        },
        async "leave-all"(socket, callback) {
          await socket.leave(await socket.rooms());
          callback(true);
        },
        grow(socket, bytes, callback) {
          socket.data.text = "x".repeat(bytes);
          callback();
        },
        steps: (socket, callback) => callback(socket.data.steps),
        count(socket, callback) {
          socket.data.count = (socket.data.count ?? 0) + 1;
          callback(socket.data.count);
        },
        "to-others": (socket, text) => socket.broadcast.emit("said", text),
        "to-one": (socket, id, text) => socket.to(id).emit("said", text),
        "say-nothing": (socket) => socket.emit("nothing"),
        "say-text": (socket, text) => socket.emit("text", text),
        "send-reserved": (socket) => socket.emit("disconnect"),
        fail() {
          throw new Error("a fault of the application");
        },
      },
      fallback: (socket, event, ...args) => socket.emit("unknown", event, ...args),
      onDisconnect: async ({ id }, rooms, { io }, reason) => io.to(rooms).emit("left", id, reason),
    }),

    "/admin": defineNamespace({
      authenticate({ auth: { password } }) {
        if (password !== "right") throw new ConnectError("wrong password", { data: { tries: 1 } });
        return { tenant: "admins", userId: "root" };
      },
      on: {
        ping: (_, callback) => callback(),
        "to-others": (socket, text) => socket.broadcast.emit("said", text),
      },
    }),
  },
});
