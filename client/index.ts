import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
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

/** The acknowledgement of an event that has no reply. */
interface Done {
  readonly ok: true;
}

/** Acknowledgements that are not the reply alone. */
interface OtherReplies {
  readonly "subscribe:project": { readonly type: "project"; readonly id: string };
  /** Done, where the payload is the collection's name. */
  readonly "subscribe:collection": ServerEvents["subscribed"] | Done;
}

/** The acknowledgement of an event: the payload of its reply, `{ ok: true }` if it has none, or a refusal. */
export type Answer<Name extends keyof ClientEvents> =
  | Refusal
  | (Name extends keyof OtherReplies
      ? OtherReplies[Name]
      : ClientEvents[Name]["reply"] extends infer Reply extends keyof ServerEvents
        ? ServerEvents[Reply]
        : Done);

/** What an event carries. */
type Payload<Name extends keyof ClientEvents> = ClientEvents[Name]["payload"];

/** What is emitted besides the callback; a payload whose fields may all be left out may be left out itself. */
type Arguments<Name extends keyof ClientEvents> =
  | readonly [payload: Payload<Name>]
  | (undefined extends Payload<Name> ? readonly [] : never);

/** What is emitted with the callback. */
type WithCallback<Name extends keyof ClientEvents> = [
  ...args: Arguments<Name>,
  acknowledge: (answer: Answer<Name>) => void,
];

/** The events a client sends, with their payloads and acknowledgements: `Socket<ServerToClientEvents, ClientToServerEvents>`. */
export type ClientToServerEvents = {
  [Name in keyof ClientEvents]: (...args: [...Arguments<Name>] | WithCallback<Name>) => void;
};

/** The events a client receives, with their payloads; `custom:*` are events that clients name themselves. */
export type ServerToClientEvents = {
  [Name in keyof ServerEvents]: (payload: ServerEvents[Name]) => void;
};

/** As Socket.IO's types want it, which find an acknowledgement only where it is required. */
type Acknowledged = Socket<
  ServerToClientEvents,
  { [Name in keyof ClientEvents]: (...args: WithCallback<Name>) => void }
>;

/**
 * A client's socket, typed by the contract. Events of your own, which a back end emits, are added by its
 * type: `const socket: Socket<ServerToClientEvents & Mine, ClientToServerEvents> = connect(url, options)`.
 */
export interface RealtimeSocket extends Acknowledged {
  /** Emits an event, with or without a callback for its acknowledgement. */
  emit<Name extends keyof ClientEvents>(
    name: Name,
    ...args: Parameters<ClientToServerEvents[Name]>
  ): this;
  /** Has what is emitted next wait for its acknowledgement for so many milliseconds. */
  timeout(milliseconds: number): Timed & ReturnType<Acknowledged["timeout"]>;
}

/** Socket.IO's own type would have this resolve with the error that it rejects with. */
interface Timed {
  emitWithAck<Name extends keyof ClientEvents>(
    name: Name,
    ...args: Arguments<Name>
  ): Promise<Answer<Name>>;
}

/** Options of socket.io-client that `connect` sets itself. */
type Own = "auth" | "forceBase64" | "parser" | "transports";

/** What `connect` takes: its own options, and all others of socket.io-client. */
export interface ConnectOptions extends Omit<Partial<ManagerOptions & SocketOptions>, Own> {
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
 * (`socket.recovered`) if the deployment has recovery, and receives no event twice. With the options
 * `ackTimeout` and `retries`, a callback of `emit` has an error before the answer, which Socket.IO's types
 * do not know; `emitWithAck` throws it.
 */
export function connect(
  url: string,
  { token, transports = ["websocket", "polling"], ...options }: ConnectOptions,
): RealtimeSocket {
  const socket: RealtimeSocket = io(url, {
    tryAllTransports: true,
    ...options,
    transports: [...transports],
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
  socket.io.on("open", () => closeIfUpgradeFails(socket.io.engine));
  return socket;
}

type Engine = RealtimeSocket["io"]["engine"];

/** One whose WebSocket is lost while polling is paused for it would be silent until its ping timeout. */
function closeIfUpgradeFails(engine: Engine): void {
  engine.once("upgrading", () =>
    engine.once("upgradeError", () => {
      // Closing it by its own method would wait for the upgrade.
      const transport: { emit(event: string): unknown } = engine.transport;
      transport.emit("close");
    }),
  );
}
