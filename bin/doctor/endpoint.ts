import { randomUUID } from "node:crypto";
import { decodeJwt } from "jose";
import type { Socket } from "socket.io-client";
import { type Connected, connect, type Endpoint, isInTime, refusalOf } from "./connecting.ts";
import { checkReached, ping, upgrade } from "./reaching.ts";
import type { Report } from "./report.ts";
import { REFUSED_TOKEN, TIMEOUT } from "./sentences.ts";

/** A deployment of the contract, and the token of a user: empty if there is none. */
export interface Deployment extends Omit<Endpoint, "auth"> {
  readonly token: string;
}

/** Checks a running deployment from a client's side; without a token, checks that need one are skipped. */
export async function checkEndpoint(deployment: Deployment, report: Report): Promise<void> {
  const { token, ...where } = deployment;
  const endpoint: Endpoint = { ...where, auth: { token } };
  const { check, skip } = report;
  const reached = await checkReached(endpoint, report);
  if (reached === undefined) return;
  const { isPolled } = reached;
  await check("a wrong token is refused", () => refuse(endpoint, ["websocket"]));
  if (isPolled)
    await check("a wrong token is refused by long polling", () => refuse(endpoint, ["polling"]));
  else skip("long polling", "there is none at this address");
  if (token === "")
    return skip("handshake and authentication", "pass --token TOKEN to check these and the rest");
  let connected: Connected | undefined;
  await check("handshake and authentication", async () => {
    connected = await connect(endpoint).catch((error: Error) => {
      throw error.message === "Authentication error" ? new Error(REFUSED_TOKEN) : error;
    });
    return `socket ${connected.socket.id}`;
  });
  if (isPolled && connected !== undefined)
    await check("long polling is upgraded to WebSocket", () => upgrade(endpoint));
  if (connected !== undefined) await checkSocket(connected, deployment, report);
}

/** Checks what a connected client can do. */
async function checkSocket(
  { socket, ended }: Connected,
  { token, wait }: Deployment,
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
  const message = await refusalOf({ ...endpoint, auth: { token: "wrong" } }, transports);
  if (message !== "Authentication error") throw new Error(`the answer was: ${message}`);
  return message;
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
