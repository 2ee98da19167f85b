import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { decodeJwt } from "jose";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import type { Report } from "./report.ts";

/** Milliseconds that the doctor waits for anything but a ping. */
const LONGEST = 10_000;

/** What is checked, and as whom. */
export interface Endpoint {
  readonly url: string;
  /** Where it is not `/socket.io/`. */
  readonly path?: string | undefined;
  readonly token: string;
  /** Seconds to wait for a ping; not at all where it is 0. */
  readonly wait: number;
}

/** Checks a running deployment as a client meets it. */
export async function checkEndpoint(endpoint: Endpoint, report: Report): Promise<void> {
  const { check, skip } = report;
  if (!(await check("the endpoint answers", () => reach(endpoint)))) return;
  await check("a wrong token is refused", async () => {
    const message = await refusalOf({ ...endpoint, token: "wrong" });
    if (message !== "Authentication error") throw new Error(`it was answered: ${message}`);
    return message;
  });
  let socket: Socket | undefined;
  await check("handshake and authentication", async () => {
    socket = await connect(endpoint);
    return `socket ${socket.id}`;
  });
  const connected = socket;
  if (connected === undefined) return;
  await check("a message to oneself comes back", async () => {
    const began = performance.now();
    await echo(connected, String(decodeJwt(endpoint.token).sub));
    return `after ${Math.round(performance.now() - began)} ms`;
  });
  await check("an event is acknowledged", async () => {
    const began = performance.now();
    const answer: unknown = await connected.timeout(LONGEST).emitWithAck("presence:update");
    return `${JSON.stringify(answer)} after ${Math.round(performance.now() - began)} ms`;
  });
  await check("an event that does not exist is refused", async () => {
    const answer: unknown = await connected.timeout(LONGEST).emitWithAck("doctor:unknown");
    if (!JSON.stringify(answer).includes("unknown_event")) throw new Error(JSON.stringify(answer));
    return "unknown_event";
  });
  if (endpoint.wait > 0) await check("a ping comes", () => ping(connected, endpoint.wait));
  else skip("a ping comes", "give --wait SECONDS to wait for one");
  connected.disconnect();
}

/** Asks over plain HTTP, because a WebSocket client is told nothing but that it failed. */
async function reach({ url, path = "/socket.io/" }: Endpoint): Promise<string> {
  const asked = new URL(`${path}?EIO=4&transport=polling`, url.replace(/^ws/, "http"));
  const answer = await fetch(asked, { signal: AbortSignal.timeout(LONGEST) });
  const said = await answer.text();
  // The API's own address speaks no HTTP at all, and says no more than 403.
  if (path === "/socket.io/" && !said.includes("Transport unknown"))
    throw new Error(
      `HTTP ${answer.status} at ${asked.pathname}, which is not what this server says: ${said.slice(0, 200)}`,
    );
  return `HTTP ${answer.status} ${said.slice(0, 200)}`;
}

/** Resolves once a message that the user has sent itself has come back. */
async function echo(socket: Socket, targetUserId: string): Promise<void> {
  const mark = randomUUID();
  const heard = new Promise<void>((resolve) =>
    socket.on("custom:message", ({ message }) => message === mark && resolve()),
  );
  const answer: unknown = await socket
    .timeout(LONGEST)
    .emitWithAck("custom:message", { targetUserId, message: mark });
  if (!(await comes(heard, LONGEST)))
    throw new Error(`it did not; the event was answered ${JSON.stringify(answer)}`);
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

function connect(endpoint: Endpoint): Promise<Socket> {
  const socket = io(endpoint.url, options(endpoint));
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    socket.once("connect_error", (error) => reject(new Error(error.message)));
  });
}

function refusalOf(endpoint: Endpoint): Promise<string> {
  return connect(endpoint).then(
    (socket) => {
      socket.disconnect();
      return "it was let in";
    },
    (error: Error) => error.message,
  );
}
