import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { decodeJwt } from "jose";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { readSettings } from "../lib/config.ts";

const HELP = `Checks the settings of a deployment (cdk.json's context, and -c), and a running one: handshake,
authentication, a message to oneself and back, the acknowledgement of an event, what is refused, a ping.

  npm run doctor -- [options] [-c name=value …]

  --url URL       the public URL, e.g. https://d111111abcdef8.cloudfront.net
  --path PATH     the path, where it is not /socket.io/, e.g. /live of the direct endpoint
  --token TOKEN   a token of a user
  -c NAME=VALUE   a setting, as for cdk deploy
  --wait SECONDS  how long to wait for a ping, which comes once in pingInterval (default 0: not at all)
  --help          this text
`;

const LONGEST = 10_000;
let failures = 0;

try {
  process.exitCode = await examine(readOptions());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      url: { type: "string" },
      path: { type: "string" },
      token: { type: "string", default: "" },
      context: { type: "string", short: "c", multiple: true, default: [] },
      wait: { type: "string", default: "0" },
      help: { type: "boolean", default: false },
    },
  });
  if (!(Number(values.wait) >= 0))
    throw new Error(`--wait takes seconds, not ${JSON.stringify(values.wait)}.`);
  return values;
}

/** Runs all checks that the options allow; gives the exit code. */
async function examine(given: ReturnType<typeof readOptions>): Promise<number> {
  if (given.help) console.log(HELP);
  else {
    await check("settings", () => checkSettings(given.context));
    if (given.url === undefined) console.log("–  endpoint: give --url and --token to check one");
    else await checkEndpoint({ ...given, url: given.url });
  }
  return failures === 0 ? 0 : 1;
}

function checkSettings(given: readonly string[]): string {
  const pairs = given.map((pair) => pair.split(/=(.*)/s).slice(0, 2));
  const settings = readSettings({ ...contextOf("cdk.json"), ...Object.fromEntries(pairs) });
  const { pingInterval, pingTimeout, edge } = settings;
  return `ping every ${pingInterval / 1000} s, given up after ${(pingInterval + pingTimeout) / 1000} s; ${edge ? "CloudFront in front" : "no CloudFront"}`;
}

function contextOf(file: string): Readonly<Record<string, unknown>> {
  const { context = {} } = JSON.parse(readFileSync(file, "utf8")) as { context?: object };
  return { ...context };
}

interface Endpoint {
  readonly url: string;
  readonly path?: string | undefined;
  readonly token: string;
  readonly wait: string;
}

async function checkEndpoint(endpoint: Endpoint): Promise<void> {
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
  const wait = Number(endpoint.wait);
  if (wait > 0) await check("a ping comes", () => ping(connected, wait));
  else console.log("–  a ping comes: give --wait SECONDS to wait for one");
  connected.disconnect();
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

/** Runs a check and prints its line. */
async function check(name: string, work: () => Promise<string> | string): Promise<void> {
  try {
    console.log(`✓  ${name}: ${await work()}`);
  } catch (error) {
    failures += 1;
    console.log(`✗  ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
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
