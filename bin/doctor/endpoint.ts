import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { decodeJwt } from "jose";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import type { Report } from "./report.ts";
import { LONGEST, REFUSED_TOKEN, refusedBy, unansweredBy } from "./sentences.ts";

/** What is checked, and as whom. */
export interface Endpoint {
  readonly url: string;
  /** Where it is not `/socket.io/`. */
  readonly path?: string | undefined;
  readonly token: string;
  /** Seconds to wait for a ping; not at all where it is 0. */
  readonly wait: number;
}

/** Checks a running deployment as a client meets it; what needs a token only where there is one. */
export async function checkEndpoint(endpoint: Endpoint, report: Report): Promise<void> {
  const { check, skip } = report;
  if (!(await check("the endpoint answers", () => reach(endpoint)))) return;
  await check("a wrong token is refused", async () => {
    const message = await refusalOf({ ...endpoint, token: "wrong" });
    if (message !== "Authentication error") throw new Error(`it was answered: ${message}`);
    return message;
  });
  if (endpoint.token === "")
    return skip("handshake and authentication", "give --token TOKEN to try them, and what follows");
  let connected: Connected | undefined;
  await check("handshake and authentication", async () => {
    connected = await connect(endpoint).catch((error: Error) => {
      throw error.message === "Authentication error" ? new Error(REFUSED_TOKEN) : error;
    });
    return `socket ${connected.socket.id}`;
  });
  if (connected !== undefined) await checkSocket(connected, endpoint, report);
}

/** Checks what a connected client may do. */
async function checkSocket(
  { socket, ended }: Connected,
  { token, wait }: Endpoint,
  report: Report,
): Promise<void> {
  const check = (name: string, work: () => Promise<string>) =>
    report.check(name, () => Promise.race([work(), ended]));

  await check("a message to oneself comes back", async () => {
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
  if (wait > 0) await check("a ping comes", () => ping(socket, wait));
  else report.skip("a ping comes", "give --wait SECONDS to wait for one");
  socket.disconnect();
}

/** Rejects once the server has ended the connection, and says why as far as it told. */
function endOf(socket: Socket): Promise<never> {
  const ended = new Promise<never>((_, reject) => {
    socket.once("error", ({ message }: { readonly message: string }) =>
      reject(new Error(`the server said: ${message}`)),
    );
    socket.once("disconnect", (reason) => reject(new Error(`the connection has ended: ${reason}`)));
  });
  // Between two checks nobody waits for it.
  ended.catch(() => undefined);
  return ended;
}

/** What an event is acknowledged with, as JSON. */
async function ask(socket: Socket, event: string, ...payload: readonly object[]): Promise<string> {
  try {
    return JSON.stringify(await socket.timeout(LONGEST).emitWithAck(event, ...payload));
  } catch {
    throw new Error(`${event} was not acknowledged within ${LONGEST / 1000} s`);
  }
}

/** Asks over plain HTTP, because a WebSocket client is told nothing but that it failed. */
async function reach({ url, path = "/socket.io/" }: Endpoint): Promise<string> {
  const asked = new URL(`${path}?EIO=4&transport=polling`, url.replace(/^ws/, "http"));
  const signal = AbortSignal.timeout(LONGEST);
  const answer = await fetch(asked, { signal, redirect: "manual" }).catch((error: unknown) => {
    throw unansweredBy(error);
  });
  const said = (await answer.text()).slice(0, 200);
  const location = answer.headers.get("location");
  if (location !== null)
    throw new Error(`HTTP ${answer.status}, a redirect to ${location}, which no client follows`);
  // The API's own address speaks no HTTP at all, and says no more than 403.
  if (path === "/socket.io/" && !said.includes("Transport unknown"))
    throw new Error(
      `HTTP ${answer.status} at ${asked.pathname}, which is not what this server says: ${said}${answer.status === 403 ? " (API Gateway's own address takes --path /live)" : ""}`,
    );
  return `HTTP ${answer.status} ${said}`;
}

/** Resolves once a message that the user has sent itself has come back. */
async function echo(socket: Socket, targetUserId: string): Promise<void> {
  const mark = randomUUID();
  const heard = new Promise<void>((resolve) =>
    socket.on("custom:message", ({ message }) => message === mark && resolve()),
  );
  const answer = await ask(socket, "custom:message", { targetUserId, message: mark });
  if (answer.includes('"error"')) throw new Error(`it is refused: ${answer}`);
  if (!(await comes(heard, LONGEST)))
    throw new Error(`it did not within ${LONGEST / 1000} s; the event was answered ${answer}`);
}

async function ping(socket: Socket, seconds: number): Promise<string> {
  const pinged = new Promise<void>((resolve) => socket.io.engine.once("ping", resolve));
  if (!(await comes(pinged, seconds * 1000))) throw new Error(`none within ${seconds} s`);
  return "it did";
}

/** Whether something happens within so many milliseconds. */
function comes(event: Promise<void>, milliseconds: number): Promise<boolean> {
  return Promise.race([event.then(() => true), pause(milliseconds, false, { ref: false })]);
}

function options({ path, token }: Endpoint): Partial<ManagerOptions & SocketOptions> {
  return {
    ...(path !== undefined && { path, addTrailingSlash: false }),
    ...{ transports: ["websocket"], reconnection: false, forceNew: true, timeout: LONGEST },
    auth: { token },
  };
}

interface Connected {
  readonly socket: Socket;
  /** Rejects once the server has ended the connection. */
  readonly ended: Promise<never>;
}

async function connect(endpoint: Endpoint): Promise<Connected> {
  const socket = io(endpoint.url, options(endpoint));
  const ended = endOf(socket);
  const settled = new Promise<Connected>((resolve, reject) => {
    socket.once("connect", () => resolve({ socket, ended }));
    socket.once("connect_error", (error) => reject(refusedBy(error)));
  });
  // The client itself waits for OPEN only so long, but for the answer to CONNECT for ever.
  const unanswered = pause(2 * LONGEST, undefined, { ref: false }).then(() => {
    throw new Error(`CONNECT was not answered within ${LONGEST / 1000} s`);
  });
  try {
    return await Promise.race([settled, unanswered]);
  } catch (error) {
    socket.disconnect();
    throw error;
  }
}

/** What a client with this token is told; a wrong one must be refused. */
function refusalOf(endpoint: Endpoint): Promise<string> {
  return connect(endpoint).then(
    ({ socket }) => {
      socket.disconnect();
      return "it was let in";
    },
    (error: Error) => error.message,
  );
}
