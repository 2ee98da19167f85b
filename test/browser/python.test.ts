import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { signToken } from "../../client/token.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { publishNumbersWhile } from "../support/publish-to.ts";

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

describe.each([
  ["Client", SYNC],
  ["AsyncClient", ASYNC],
])("python-socketio's %s", (_, program) => {
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
});
