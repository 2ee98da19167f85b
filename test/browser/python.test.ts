import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { signToken } from "../../client/token.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { publishNumbersWhile, publishTo } from "../support/publish-to.ts";

const PYTHON = process.env.PYTHON ?? "/usr/bin/python3";
const SECRET = "a secret of at least thirty-two characters";
const run = promisify(execFile);

const hasPython = await run(PYTHON, ["-c", "import socketio, websocket, requests, aiohttp"]).then(
  () => true,
  () => false,
);
if (!hasPython) console.warn("python-socketio is not tested: it is not installed.");

let stack: LocalStack;

beforeAll(async () => {
  if (!hasPython) return;
  stack = await startStack({
    ...{ assembly: inject("assembly"), port: 0, secret: SECRET, schedules: false },
    log: () => undefined,
  });
}, 60_000);
afterAll(() => stack?.stop());

/** Packets after the upgrade, until which those that are broadcast are gathered. */
const ENOUGH = 100;

const SYNC = `
import sys, socketio, time
url, token, transports = sys.argv[1], sys.argv[2], sys.argv[3].split(",") if sys.argv[3] else None
client = socketio.Client()
numbers = []
client.on("news", lambda news, *offset: numbers.append(news["n"]))
client.connect(url, auth={"token": token}, transports=transports, wait_timeout=20)
print(client.call("custom:join", {"room": "garden"}, timeout=20))
print(client.eio.transport() if callable(client.eio.transport) else client.eio.current_transport)
while "gather" in sys.argv and len(numbers) < ${ENOUGH}:
    time.sleep(0.01)
print(numbers)
client.disconnect()
`;

const ASYNC = `
import asyncio, sys, socketio
url, token, transports = sys.argv[1], sys.argv[2], sys.argv[3].split(",") if sys.argv[3] else None
async def main():
    client = socketio.AsyncClient()
    numbers = []
    client.on("news", lambda news, *offset: numbers.append(news["n"]))
    await client.connect(url, auth={"token": token}, transports=transports, wait_timeout=20)
    print(await client.call("custom:join", {"room": "garden"}, timeout=20))
    print(client.eio.transport() if callable(client.eio.transport) else client.eio.current_transport)
    while "gather" in sys.argv and len(numbers) < ${ENOUGH}:
        await asyncio.sleep(0.01)
    print(numbers)
    await client.disconnect()
asyncio.run(main())
`;

async function cutWebSockets(): Promise<void> {
  await stack.idle();
  for (const id of stack.gateway.connectionIds()) stack.gateway.drop(id);
}

/** Cuts the requests that come from now on. */
async function cutRequests(): Promise<void> {
  stack.cutEvery(1);
  // A GET that waits already is not cut: this is its answer, and the next one is.
  const to = [{ kind: "user", userId: "ann" }];
  await publishTo(stack, { event: "emit", org: "acme", to, name: "more", payload: {} });
}

/** Prints its transport whenever it has joined, and what else happens. */
const LIFE = `
def joined(_):
    print(client.eio.transport() if callable(client.eio.transport) else client.eio.current_transport, flush=True)
client.on("disconnect", lambda: print("disconnect", flush=True))
client.on("news", lambda news, *offset: print(news["n"], flush=True))
`;

const SYNC_LIFE = `
import sys, socketio
url, token, transports = sys.argv[1], sys.argv[2], sys.argv[3].split(",") if sys.argv[3] else None
client = socketio.Client()
${LIFE}
client.on("connect", lambda: client.emit("custom:join", {"room": "garden"}, callback=joined))
client.connect(url, auth={"token": token}, transports=transports, wait_timeout=20)
client.wait()
`;

const ASYNC_LIFE = `
import asyncio, sys, socketio
url, token, transports = sys.argv[1], sys.argv[2], sys.argv[3].split(",") if sys.argv[3] else None
async def main():
    client = socketio.AsyncClient()
    ${LIFE.trim().replaceAll("\n", "\n    ")}
    async def join(): await client.emit("custom:join", {"room": "garden"}, callback=joined)
    client.on("connect", join)
    await client.connect(url, auth={"token": token}, transports=transports, wait_timeout=20)
    await client.wait()
asyncio.run(main())
`;

describe.each([
  ["Client", SYNC, SYNC_LIFE],
  ["AsyncClient", ASYNC, ASYNC_LIFE],
])("python-socketio's %s", (_, program, life) => {
  const connect = async (transports: string, ...more: readonly string[]) => {
    const token = await signToken({ sub: "ann", org: "acme", projects: ["p1"] }, SECRET);
    const { stdout } = await run(PYTHON, ["-c", program, stack.url, token, transports, ...more]);
    return stdout.trim().split("\n");
  };

  test.skipIf(!hasPython)(
    "connects with its default options, is acknowledged, and has upgraded",
    async () => {
      expect(await connect("")).toEqual(["{'room': 'garden'}", "websocket", "[]"]);
    },
  );

  test.skipIf(!hasPython)(
    "receives what is broadcast as it upgrades once, in its order, and without a gap",
    async () => {
      const [, transport, text = ""] = await publishNumbersWhile(stack, connect("", "gather"));
      const numbers = JSON.parse(text) as readonly number[];

      expect(transport).toBe("websocket");
      expect(numbers.length).toBeGreaterThanOrEqual(ENOUGH);
      expect(numbers).toEqual(numbers.map((_, n) => Number(numbers[0]) + n));
    },
  );

  test.skipIf(!hasPython)("stays on polling where it may use nothing else", async () => {
    expect(await connect("polling")).toEqual(["{'room': 'garden'}", "polling", "[]"]);
  });

  /** A client that goes on until it is told to stop, and what it prints next. */
  async function living(transports: string) {
    const token = await signToken({ sub: "ann", org: "acme", projects: ["p1"] }, SECRET);
    const child = spawn(PYTHON, ["-c", life, stack.url, token, transports]);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { next: async () => (await lines.next()).value, stop: () => child.kill() };
  }

  const to = [{ kind: "custom", room: "garden" }];
  const send = (n: number) =>
    publishTo(stack, { event: "emit", org: "acme", to, name: "news", payload: { n } });

  test
    .skipIf(!hasPython)
    .each([
      ["has upgraded", "", "websocket", cutWebSockets] as const,
      ["polls", "polling", "polling", cutRequests] as const,
    ])(
    "comes back by itself from a cut where it %s, joins again, and receives once what follows",
    async (__, transports, transport, cut) => {
      const client = await living(transports);
      try {
        expect(await client.next()).toBe(transport);
        await send(1);
        expect(await client.next()).toBe("1");
        await cut();
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
