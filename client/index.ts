import { io, type Socket } from "socket.io-client";
import type * as z from "zod/mini";
import type { ClientEvent } from "../lambdas/mudbase/app.ts";
import type { Emits } from "../lambdas/mudbase/contract.ts";
import type { RefusalCode } from "../lambdas/server/errors.ts";

/** What an acknowledgement carries where an event was refused (contract, section 2.4). */
export interface Refusal {
  readonly error: {
    readonly code: RefusalCode;
    /** One sentence; for `invalid_payload` it begins with the path of what is wrong. */
    readonly message: string;
    /** Milliseconds after which it may be tried again, where `code` is `rate_limited`. */
    readonly retryAfterMs?: number;
  };
}

/** The answer to an event: what its reply carries, `{ ok: true }` where it has none, or a refusal. */
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

/** The events a client hears, with their payloads; `custom:*` are those that clients name themselves. */
export type ServerToClientEvents = {
  [Name in keyof Emits]: (payload: Emits[Name]) => void;
};

/** A client's socket, typed by the contract. */
export type RealtimeSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

export interface ConnectOptions {
  /**
   * A JWT (contract, section 1), or what gives a fresh one for each connection. Where that fails, the
   * client connects without one, and hears `connect_error`.
   */
  readonly token: string | (() => string | Promise<string>);
}

/**
 * Connects an ordinary Socket.IO client: by WebSocket, the one transport there is, and with binary in
 * base64, because API Gateway takes no binary frames. `url` is the deployment's `ClientUrl`, or where
 * `npm start` listens. A refused token is the event `connect_error` with the message `Authentication error`.
 */
export const connect = (url: string, { token }: ConnectOptions): RealtimeSocket =>
  io(url, {
    transports: ["websocket"],
    forceBase64: true,
    auth:
      typeof token === "string"
        ? { token }
        : (give) =>
            void Promise.resolve()
              .then(token)
              .then(
                (fresh) => give({ token: fresh }),
                () => give({}),
              ),
  });
