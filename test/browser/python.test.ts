import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { signToken } from "../../client/token.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { proxies } from "../support/proxy.ts";
import {
  cutRequests,
  cutWebSockets,
  publishNumbersWhile,
  publishTo,
} from "../support/publish-to.ts";

const PYTHON = process.env.PYTHON ?? "/usr/bin/python3";
const SECRET = "a secret of at least thirty-two characters";
const run = promisify(execFile);

const hasPython = await run(PYTHON, ["-c", "import socketio, websocket, requests, aiohttp"]).then(
  () => true,
  () => false,
);
if (!hasPython) console.warn("python-socketio is not tested: it is not installed.");

let stack: LocalStack;
/** Of each test its own: nobody whom an earlier one has left behind hears what is published to it. */
let org = "";

beforeAll(async () => {
  if (!hasPython) return;
  stack = await startStack({
    ...{ assembly: inject("assembly"), port: 0, secret: SECRET, schedules: false },
    log: () => undefined,
  });
});
afterAll(() => stack?.stop());

beforeEach(({ task }) => {
  org = task.id;
});

const startProxy = proxies();

/** Where a client may upgrade, and where a proxy lets no WebSocket through; how its connection is cut there. */
const PLACES = [
  ["has upgraded", async () => stack.url, "websocket", cutWebSockets],
  [
    "polls because WebSockets are blocked",
    async () => (await startProxy(stack.url, "refused")).url,
    "polling",
    cutRequests,
  ],
] as const;

/** Has the client handle packets in the order in which it reads them: its threads, one for each, overtake each other. */
const IN_ORDER = `
trigger = client.eio._trigger_event
client.eio._trigger_event = lambda event, *args, run_async=False: trigger(event, *args)
`;

const SYNC = `
import sys, socketio, time
url, token, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = socketio.Client()
${IN_ORDER}
numbers = []
client.on("news", lambda news, *offset: numbers.append(news["n"]))
client.connect(url, auth={"token": token}, wait_timeout=20)
print(client.call("custom:join", {"room": "garden"}, timeout=20))
print(client.eio.transport() if callable(client.eio.transport) else client.eio.current_transport)
while len(numbers) < count:
    time.sleep(0.01)
print(numbers)
client.disconnect()
`;

const ASYNC = `
import asyncio, sys, socketio
url, token, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
async def main():
    client = socketio.AsyncClient()
    numbers = []
    client.on("news", lambda news, *offset: numbers.append(news["n"]))
    await client.connect(url, auth={"token": token}, wait_timeout=20)
    print(await client.call("custom:join", {"room": "garden"}, timeout=20))
    print(client.eio.transport() if callable(client.eio.transport) else client.eio.current_transport)
    while len(numbers) < count:
        await asyncio.sleep(0.01)
    print(numbers)
    await client.disconnect()
asyncio.run(main())
`;

/**
 * Prints its transport whenever it has joined, and what else happens, until it is killed: the client's own `wait` ends
 * where it has come back within a second.
 */
const LIFE = `
def joined(_):
    print(client.eio.transport() if callable(client.eio.transport) else client.eio.current_transport, flush=True)
client.on("disconnect", lambda: print("disconnect", flush=True))
client.on("news", lambda news, *offset: print(news["n"], flush=True))
`;

const SYNC_LIFE = `
import sys, socketio
url, token = sys.argv[1:]
client = socketio.Client()
${IN_ORDER}
${LIFE}
client.on("connect", lambda: client.emit("custom:join", {"room": "garden"}, callback=joined))
client.connect(url, auth={"token": token}, wait_timeout=20)
while True:
    client.sleep(1)
`;

const ASYNC_LIFE = `
import asyncio, sys, socketio
url, token = sys.argv[1:]
async def main():
    client = socketio.AsyncClient()
    ${LIFE.trim().replaceAll("\n", "\n    ")}
    async def join(): await client.emit("custom:join", {"room": "garden"}, callback=joined)
    client.on("connect", join)
    await client.connect(url, auth={"token": token}, wait_timeout=20)
    while True:
        await client.sleep(1)
asyncio.run(main())
`;

describe.each([
  ["Client", SYNC, SYNC_LIFE],
  ["AsyncClient", ASYNC, ASYNC_LIFE],
])("python-socketio's %s", (_, program, life) => {
  /** What it prints once it has received so many numbers. */
  const connect = async (url: string, count = 0) => {
    const token = await signToken({ sub: "ann", org, projects: ["p1"] }, SECRET);
    const { stdout } = await run(PYTHON, ["-c", program, url, token, String(count)]);
    return stdout.trim().split("\n");
  };

  test.skipIf(!hasPython).each(PLACES)(
    "connects with its default options and is acknowledged where it %s",
    async (__, place, transport) => {
      expect(await connect(await place())).toEqual(["{'room': 'garden'}", transport, "[]"]);
    },
  );

  // It has no socket before it has upgraded: its CONNECT is the first packet that the WebSocket brings.
  test
    .skipIf(!hasPython)
    .each([
      [
        "a thousand packets once, in their order, as it connects and upgrades",
        1000,
        PLACES[0],
      ] as const,
      [
        "a hundred packets once, in their order, where WebSockets are blocked",
        100,
        PLACES[1],
      ] as const,
    ])("receives each of %s", async (__, count, [, place, transport]) => {
    const gathering = connect(await place(), count);
    const [, used, text = ""] = await publishNumbersWhile(stack, org, gathering);
    const numbers = JSON.parse(text) as readonly number[];

    expect(used).toBe(transport);
    expect(numbers.length).toBeGreaterThanOrEqual(count);
    // Those before it had connected were for nobody.
    expect(numbers[0]).toBeGreaterThan(0);
    expect(numbers).toEqual(numbers.map((_, n) => Number(numbers[0]) + n));
  });

  /** A client that goes on until it is told to stop, and what it prints next. */
  async function living(url: string) {
    const token = await signToken({ sub: "ann", org, projects: ["p1"] }, SECRET);
    const child = spawn(PYTHON, ["-c", life, url, token]);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { next: async () => (await lines.next()).value, stop: () => child.kill() };
  }

  const to = [{ kind: "custom", room: "garden" }];
  const send = (n: number) =>
    publishTo(stack, { event: "emit", org, to, name: "news", payload: { n } });

  test.skipIf(!hasPython).each(PLACES)(
    "comes back by itself from a cut where it %s, joins again, and receives once what follows",
    async (__, place, transport, cut) => {
      const client = await living(await place());
      try {
        expect(await client.next()).toBe(transport);
        await send(1);
        expect(await client.next()).toBe("1");
        await cut(stack, org);
        expect(await client.next()).toBe("disconnect");
        stack.cutEvery(undefined);
        expect(await client.next()).toBe(transport);
        await send(2);
        expect(await client.next()).toBe("2");
        await send(3);
        // Frames to one connection keep their order: a second 2 would come before it.
        expect(await client.next()).toBe("3");
      } finally {
        client.stop();
      }
    },
  );
});
