import { setTimeout as pause } from "node:timers/promises";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { refusedBy, TIMEOUT } from "./sentences.ts";

/** The endpoint to check. */
export interface Endpoint {
  readonly url: string;
  /** The path, if it is not `/socket.io/`. */
  readonly path?: string | undefined;
  /** What clients send as `auth`. */
  readonly auth: Readonly<Record<string, unknown>>;
  /** Seconds to wait for a ping; 0 to skip this check. */
  readonly wait: number;
}

/** Whether an event happens within this many milliseconds. */
export function isInTime(event: Promise<void>, milliseconds: number): Promise<boolean> {
  return Promise.race([event.then(() => true), pause(milliseconds, false, { ref: false })]);
}

function options(
  { path, auth }: Endpoint,
  transports: string[],
): Partial<ManagerOptions & SocketOptions> {
  return {
    ...(path !== undefined && { path, addTrailingSlash: false }),
    ...{ transports, reconnection: false, forceNew: true, timeout: TIMEOUT },
    auth,
  };
}

/** A client that the server has accepted. */
export interface Connected {
  readonly socket: Socket;
  /** Rejects once the server has closed the connection. */
  readonly ended: Promise<never>;
}

/** Connects a client by the first of these transports. */
export async function connect(
  endpoint: Endpoint,
  transports: string[] = ["websocket"],
): Promise<Connected> {
  const socket = io(endpoint.url, options(endpoint, transports));
  const ended = endOf(socket);
  const settled = new Promise<Connected>((resolve, reject) => {
    socket.once("connect", () => resolve({ socket, ended }));
    socket.once("connect_error", (error) => reject(refusedBy(error)));
  });
  // The client has a timeout for OPEN, but none for the answer to CONNECT.
  const unanswered = pause(2 * TIMEOUT, undefined, { ref: false }).then(() => {
    throw new Error(`CONNECT was not answered within ${TIMEOUT / 1000} s`);
  });
  try {
    return await Promise.race([settled, unanswered]);
  } catch (error) {
    socket.disconnect();
    throw error;
  }
}

/** The error that a client with a wrong token receives. */
export function refusalOf(
  endpoint: Endpoint,
  transports: string[] = ["websocket"],
): Promise<string> {
  return connect(endpoint, transports).then(
    ({ socket }) => {
      socket.disconnect();
      return "it was accepted";
    },
    (error: Error) => error.message,
  );
}

/** Rejects once the server has closed the connection, with the reason if it sent one. */
function endOf(socket: Socket): Promise<never> {
  const ended = new Promise<never>((_, reject) => {
    socket.once("error", ({ message }: { readonly message: string }) =>
      reject(new Error(`the server reported: ${message}`)),
    );
    socket.once("disconnect", (reason) =>
      reject(new Error(`the connection was closed: ${reason}`)),
    );
  });
  // Between two checks nobody handles the rejection.
  ended.catch(() => undefined);
  return ended;
}
