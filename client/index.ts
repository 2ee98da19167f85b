import { io, type Socket } from "socket.io-client";
import type { ClientEvents, ServerEvents } from "./contract.ts";
import * as parser from "./parser.ts";

/** The acknowledgement of a refused event (contract, section 2.4). */
export interface Refusal {
  readonly error: {
    readonly code: RefusalCode;
    /** One sentence; for `invalid_payload` it begins with the path of the invalid field. */
    readonly message: string;
    /** Milliseconds after which the event may be sent again, if `code` is `rate_limited`. */
    readonly retryAfterMs?: number;
  };
}

/** Why an event is refused. */
export type RefusalCode =
  | "invalid_payload"
  | "unknown_event"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "limit_exceeded"
  | "rate_limited"
  | "too_large"
  | "upstream_failed"
  | "internal";

/** The acknowledgement of an event: the payload of its reply, `{ ok: true }` if it has none, or a refusal. */
export type Answer<Name extends keyof ClientEvents> =
  | Refusal
  | (ClientEvents[Name]["reply"] extends infer Reply extends keyof ServerEvents
      ? ServerEvents[Reply]
      : { readonly ok: true } | object);

type Acknowledge<Name extends keyof ClientEvents> = (answer: Answer<Name>) => void;

/** The events a client sends, with their payloads and acknowledgements: `Socket<ServerToClientEvents, ClientToServerEvents>`. */
export type ClientToServerEvents = {
  [Name in keyof ClientEvents]: undefined extends ClientEvents[Name]["payload"]
    ? (payload?: ClientEvents[Name]["payload"], acknowledge?: Acknowledge<Name>) => void
    : (payload: ClientEvents[Name]["payload"], acknowledge?: Acknowledge<Name>) => void;
};

/** The events a client receives, with their payloads; `custom:*` are events that clients name themselves. */
export type ServerToClientEvents = {
  [Name in keyof ServerEvents]: (payload: ServerEvents[Name]) => void;
};

/** A client's socket, typed by the contract. */
export type RealtimeSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

export interface ConnectOptions {
  /**
   * A JWT (contract, section 1), or a function that returns a fresh one for each connection. If it fails,
   * the client connects without one and receives `connect_error`.
   */
  readonly token: string | (() => string | Promise<string>);
  /**
   * The transports to use, in this order (default: WebSocket, and long polling where that fails). Long
   * polling first upgrades to WebSocket, as Socket.IO's own default does; the direct endpoint has none.
   */
  readonly transports?: readonly ("websocket" | "polling")[];
}

/**
 * Connects an ordinary Socket.IO client: by WebSocket, or by long polling where a proxy lets none
 * through, and with binary data in base64, because API Gateway accepts no binary frames. `url` is the
 * deployment's `ClientUrl`, or the URL of `npm start`. A refused token is the event `connect_error` with
 * the message `Authentication error`. After a lost connection the socket comes back as the same one
 * (`socket.recovered`) if the deployment has recovery, and receives no event twice.
 */
export const connect = (
  url: string,
  { token, transports = ["websocket", "polling"] }: ConnectOptions,
): RealtimeSocket =>
  io(url, {
    transports: [...transports],
    tryAllTransports: true,
    forceBase64: true,
    parser,
    auth:
      typeof token === "string"
        ? { token }
        : (callback) =>
            void Promise.resolve()
              .then(token)
              .then(
                (fresh) => callback({ token: fresh }),
                () => callback({}),
              ),
  });
