/** Engine.IO's transports that can be served, in the order in which clients try them by default. */
export const TRANSPORTS = ["polling", "websocket"] as const;
/** How a client may connect. */
export type Transport = (typeof TRANSPORTS)[number];

/** What any list of transports must be. */
export const TRANSPORTS_RULE = "must be polling and websocket, or websocket alone";

/** Whether these are transports that can be served: sockets are upgraded to `websocket`, so it is always there. */
export const areTransports = (given: readonly string[]): given is readonly Transport[] =>
  given.includes("websocket") && given.every((name) => TRANSPORTS.some((known) => known === name));
