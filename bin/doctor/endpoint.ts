import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { decodeJwt } from "jose";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import type { Report } from "./report.ts";
import { REFUSED_TOKEN, refusedBy, TIMEOUT, unansweredBy } from "./sentences.ts";

/** The endpoint to check, and the user's token. */
export interface Endpoint {
  readonly url: string;
  /** The path, if it is not `/socket.io/`. */
  readonly path?: string | undefined;
  readonly token: string;
  /** Seconds to wait for a ping; 0 to skip this check. */
  readonly wait: number;
}

/** Checks a running deployment from a client's side; without a token, checks that need one are skipped. */
export async function checkEndpoint(endpoint: Endpoint, report: Report): Promise<void> {
  const { check, skip } = report;
  if (!(await check("the endpoint answers", () => reach(endpoint)))) return;
  await check("a wrong token is refused", async () => {
    const message = await refusalOf({ ...endpoint, token: "wrong" });
    if (message !== "Authentication error") throw new Error(`the answer was: ${message}`);
    return message;
  });
  if (endpoint.token === "")
    return skip("handshake and authentication", "pass --token TOKEN to check these and the rest");
  let connected: Connected | undefined;
  await check("handshake and authentication", async () => {
    connected = await connect(endpoint).catch((error: Error) => {
      throw error.message === "Authentication error" ? new Error(REFUSED_TOKEN) : error;
    });
    return `socket ${connected.socket.id}`;
  });
  if (connected !== undefined) await checkSocket(connected, endpoint, report);
}

/** Checks what a connected client can do. */
async function checkSocket(
  { socket, ended }: Connected,
  { token, wait }: Endpoint,
  report: Report,
): Promise<void> {
  const check = (name: string, work: () => Promise<string>) =>
    report.check(name, () => Promise.race([work(), ended]));

  await check("a message to oneself is received", async () => {
    const began = performance.now();
    await echo(socket, String(decodeJwt(token).sub));
    return `after ${Math.round(performance.now() - began)} ms`;
  });
  await check("an event is acknowledged", async () => {
    const began = performance.now();
    const answer = await ask(socket, "presence:update");
    if (answer.includes('"error"')) throw new Error(`it is refused: ${answer}`);
    return `${answer} after ${Math.round(performance.now() - began)} ms`;
  });
  await check("an event that does not exist is refused", async () => {
    const answer = await ask(socket, "doctor:unknown");
    if (!answer.includes("unknown_event")) throw new Error(`it is answered ${answer}`);
    return "unknown_event";
  });
  if (wait > 0) await check("a ping is received", () => ping(socket, wait));
  else report.skip("a ping is received", "pass --wait SECONDS to wait for one");
  socket.disconnect();
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

/** The acknowledgement of an event, as JSON. */
async function ask(socket: Socket, event: string, ...payload: readonly object[]): Promise<string> {
  try {
    return JSON.stringify(await socket.timeout(TIMEOUT).emitWithAck(event, ...payload));
  } catch {
    throw new Error(`${event} was not acknowledged within ${TIMEOUT / 1000} s`);
  }
}

/** Uses plain HTTP, because a WebSocket client does not see the response of a failed upgrade. */
async function reach({ url, path = "/socket.io/" }: Endpoint): Promise<string> {
  const target = new URL(`${path}?EIO=4&transport=polling`, url.replace(/^ws/, "http"));
  const signal = AbortSignal.timeout(TIMEOUT);
  const answer = await fetch(target, { signal, redirect: "manual" }).catch((error: unknown) => {
    throw unansweredBy(error);
  });
  const body = (await answer.text()).slice(0, 200);
  const location = answer.headers.get("location");
  if (location !== null)
    throw new Error(`HTTP ${answer.status}, a redirect to ${location}, which no client follows`);
  // The API's own address answers plain HTTP with 403 only.
  if (path === "/socket.io/" && !body.includes("Transport unknown"))
    throw new Error(
      `HTTP ${answer.status} at ${target.pathname}, which is not this server's response: ${body}${answer.status === 403 ? " (API Gateway's own address needs --path /live)" : ""}`,
    );
  return `HTTP ${answer.status} ${body}`;
}

/** Resolves once the user has received a message that it sent to itself. */
async function echo(socket: Socket, targetUserId: string): Promise<void> {
  const mark = randomUUID();
  const received = new Promise<void>((resolve) =>
    socket.on("custom:message", ({ message }) => message === mark && resolve()),
  );
  const answer = await ask(socket, "custom:message", { targetUserId, message: mark });
  if (answer.includes('"error"')) throw new Error(`it is refused: ${answer}`);
  if (!(await isInTime(received, TIMEOUT)))
    throw new Error(
      `it was not received within ${TIMEOUT / 1000} s; the event was acknowledged with ${answer}`,
    );
}

async function ping(socket: Socket, seconds: number): Promise<string> {
  const pinged = new Promise<void>((resolve) => socket.io.engine.once("ping", resolve));
  if (!(await isInTime(pinged, seconds * 1000))) throw new Error(`no ping within ${seconds} s`);
  return `within ${seconds} s`;
}

/** Whether an event happens within this many milliseconds. */
function isInTime(event: Promise<void>, milliseconds: number): Promise<boolean> {
  return Promise.race([event.then(() => true), pause(milliseconds, false, { ref: false })]);
}

function options({ path, token }: Endpoint): Partial<ManagerOptions & SocketOptions> {
  return {
    ...(path !== undefined && { path, addTrailingSlash: false }),
    ...{ transports: ["websocket"], reconnection: false, forceNew: true, timeout: TIMEOUT },
    auth: { token },
  };
}

interface Connected {
  readonly socket: Socket;
  /** Rejects once the server has closed the connection. */
  readonly ended: Promise<never>;
}

async function connect(endpoint: Endpoint): Promise<Connected> {
  const socket = io(endpoint.url, options(endpoint));
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
function refusalOf(endpoint: Endpoint): Promise<string> {
  return connect(endpoint).then(
    ({ socket }) => {
      socket.disconnect();
      return "it was accepted";
    },
    (error: Error) => error.message,
  );
}
