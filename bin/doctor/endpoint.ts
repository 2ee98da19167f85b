import { randomUUID } from "node:crypto";
import { decodeJwt } from "jose";
import type { Socket } from "socket.io-client";
import { type Connected, connect, type Endpoint, isInTime, refusalOf } from "./connecting.ts";
import type { Report } from "./report.ts";
import { REFUSED_TOKEN, TIMEOUT, unansweredBy } from "./sentences.ts";

/** Checks a running deployment from a client's side; without a token, checks that need one are skipped. */
export async function checkEndpoint(endpoint: Endpoint, report: Report): Promise<void> {
  const { check, skip } = report;
  let polls = false;
  const isReached = await check("the endpoint answers", async () => {
    const { line, isPolled } = await reach(endpoint);
    polls = isPolled;
    return line;
  });
  if (!isReached) return;
  await check("a wrong token is refused", () => refuse(endpoint, ["websocket"]));
  if (polls)
    await check("a wrong token is refused by long polling", () => refuse(endpoint, ["polling"]));
  else skip("long polling", "there is none at this address");
  if (endpoint.token === "")
    return skip("handshake and authentication", "pass --token TOKEN to check these and the rest");
  let connected: Connected | undefined;
  await check("handshake and authentication", async () => {
    connected = await connect(endpoint).catch((error: Error) => {
      throw error.message === "Authentication error" ? new Error(REFUSED_TOKEN) : error;
    });
    return `socket ${connected.socket.id}`;
  });
  if (polls && connected !== undefined)
    await check("long polling is upgraded to WebSocket", () => upgrade(endpoint));
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

/** The acknowledgement of an event, as JSON. */
async function ask(socket: Socket, event: string, ...payload: readonly object[]): Promise<string> {
  try {
    return JSON.stringify(await socket.timeout(TIMEOUT).emitWithAck(event, ...payload));
  } catch {
    throw new Error(`${event} was not acknowledged within ${TIMEOUT / 1000} s`);
  }
}

async function refuse(endpoint: Endpoint, transports: string[]): Promise<string> {
  const message = await refusalOf({ ...endpoint, token: "wrong" }, transports);
  if (message !== "Authentication error") throw new Error(`the answer was: ${message}`);
  return message;
}

/** Connects as a client does by default: it begins with long polling. */
async function upgrade(endpoint: Endpoint): Promise<string> {
  const began = performance.now();
  const { socket, ended } = await connect(endpoint, ["polling", "websocket"]);
  try {
    const { engine } = socket.io;
    const upgraded = new Promise<void>((resolve) => {
      if (engine.transport.name === "websocket") resolve();
      else engine.once("upgrade", () => resolve());
    });
    if (!(await Promise.race([isInTime(upgraded, TIMEOUT), ended])))
      throw new Error(`it was connected, but not upgraded within ${TIMEOUT / 1000} s`);
    return `after ${Math.round(performance.now() - began)} ms`;
  } finally {
    socket.disconnect();
  }
}

/** What the endpoint said. */
interface Reached {
  readonly line: string;
  /** Whether it serves long polling, too. */
  readonly isPolled: boolean;
}

/**
 * Uses plain HTTP, because a WebSocket client does not see the response of a failed upgrade. The version is
 * not served, so that no session is opened: the error says whether the transport would be.
 */
async function reach({ url, path = "/socket.io/" }: Endpoint): Promise<Reached> {
  const target = new URL(`${path}?EIO=3&transport=polling`, url.replace(/^ws/, "http"));
  const signal = AbortSignal.timeout(TIMEOUT);
  const answer = await fetch(target, { signal, redirect: "manual" }).catch((error: unknown) => {
    throw unansweredBy(error);
  });
  const body = (await answer.text()).slice(0, 200);
  const location = answer.headers.get("location");
  if (location !== null)
    throw new Error(`HTTP ${answer.status}, a redirect to ${location}, which no client follows`);
  const isPolled = body.includes("Unsupported protocol version");
  // The API's own address answers plain HTTP with 403 only.
  if (path === "/socket.io/" && !isPolled && !body.includes("Transport unknown"))
    throw new Error(
      `HTTP ${answer.status} at ${target.pathname}, which is not this server's response: ${body}${answer.status === 403 ? " (API Gateway's own address needs --path /live)" : ""}`,
    );
  return { line: `HTTP ${answer.status} ${body}`, isPolled };
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
