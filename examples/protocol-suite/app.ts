import { defineApp, defineNamespace, everybody, type Listener } from "../../lambdas/server/app.ts";

/** What Socket.IO's own test suites ask of a server. */
const on: Readonly<Record<string, Listener>> = {
  message: (socket, ...args) => socket.emit("message-back", ...args),
  "message-with-ack": (_, ...args) => args.pop()(...args),
};

const namespace = defineNamespace({
  authenticate: everybody,
  on,
  onConnect: (socket) => socket.emit("auth", socket.handshake.auth),
});

export const app = defineApp({ namespaces: { "/": namespace, "/custom": namespace } });
