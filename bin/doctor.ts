import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { readSettings } from "../lib/config.ts";

const HELP = `Checks the settings of a deployment, and a running one: handshake, authentication, an event and
its acknowledgement, and that a token that is wrong is refused.

  npm run doctor -- [options] [-c name=value …]

  --url URL       the public URL, e.g. https://d111111abcdef8.cloudfront.net
  --path PATH     the path, where it is not /socket.io/, e.g. /live of the direct endpoint
  --token TOKEN   a token of a user
  -c NAME=VALUE   a setting, as for cdk deploy
  --wait SECONDS  how long to wait for a ping (default 0: not at all)
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
  const settings = readSettings(Object.fromEntries(pairs));
  const { pingInterval, pingTimeout, edge } = settings;
  return `ping every ${pingInterval / 1000} s, given up after ${(pingInterval + pingTimeout) / 1000} s; ${edge ? "CloudFront in front" : "no CloudFront"}`;
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
  if (wait > 0)
    await check("a ping comes", async () => {
      const pinged = new Promise((resolve) =>
        connected.io.engine.once("ping", () => resolve(true)),
      );
      if ((await Promise.race([pinged, pause(wait * 1000)])) !== true)
        throw new Error(`none within ${wait} s`);
      return "it did";
    });
  connected.disconnect();
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
