import type { Socket } from "socket.io-client";
import { connect, type Endpoint, isInTime } from "./connecting.ts";
import type { Report } from "./report.ts";
import { TIMEOUT, unansweredBy } from "./sentences.ts";

/** Connects as a client does by default: it begins with long polling. */
export async function upgrade(endpoint: Endpoint): Promise<string> {
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

/** Checks whether an endpoint answers; says whether it polls, nothing where it does not answer. */
export async function checkReached(
  endpoint: Endpoint,
  { check }: Report,
): Promise<Pick<Reached, "isPolled"> | undefined> {
  let reached: Reached | undefined;
  await check("the endpoint answers", async () => {
    reached = await reach(endpoint);
    return reached.line;
  });
  return reached;
}

/** Resolves once the server has pinged, in so many seconds. */
export async function ping(socket: Socket, seconds: number): Promise<string> {
  const pinged = new Promise<void>((resolve) => socket.io.engine.once("ping", resolve));
  if (!(await isInTime(pinged, seconds * 1000))) throw new Error(`no ping within ${seconds} s`);
  return `within ${seconds} s`;
}
