import { io, type Socket } from "socket.io-client";
import type * as z from "zod/mini";
import type { Emits } from "../lambdas/mudbase/contract.ts";
import type { ClientEvent } from "../lambdas/mudbase/domains.ts";
import type { RefusalCode } from "../lambdas/server/errors.ts";
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

/** The acknowledgement of an event: the payload of its reply, `{ ok: true }` if it has none, or a refusal. */
export type Answer<Event extends ClientEvent> =
  | Refusal
  | (NonNullable<Event["reply"]> extends infer Name extends keyof Emits
      ? Emits[Name]
      : { readonly ok: true } | object);

type Acknowledge<Event extends ClientEvent> = (answer: Answer<Event>) => void;

type Listener<Event extends ClientEvent> =
  undefined extends z.input<ReturnType<Event["payload"]>>
    ? (payload?: z.input<ReturnType<Event["payload"]>>, acknowledge?: Acknowledge<Event>) => void
    : (payload: z.input<ReturnType<Event["payload"]>>, acknowledge?: Acknowledge<Event>) => void;

/** The events a client sends, with their payloads and acknowledgements: `Socket<ServerToClientEvents, ClientToServerEvents>`. */
export type ClientToServerEvents = {
  [Event in ClientEvent as Event["name"]]: Listener<Event>;
};

/** The events a client receives, with their payloads; `custom:*` are events that clients name themselves. */
export type ServerToClientEvents = {
  [Name in keyof Emits]: (payload: Emits[Name]) => void;
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
