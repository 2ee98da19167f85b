import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { signToken } from "../../client/token.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";

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

const SYNC = `
import sys, socketio
url, token, transports = sys.argv[1], sys.argv[2], sys.argv[3].split(",") if sys.argv[3] else None
client = socketio.Client()
client.connect(url, auth={"token": token}, transports=transports, wait_timeout=20)
print(client.call("custom:join", {"room": "garden"}, timeout=20))
print(client.eio.transport() if callable(client.eio.transport) else client.eio.current_transport)
client.disconnect()
`;

const ASYNC = `
import asyncio, sys, socketio
url, token, transports = sys.argv[1], sys.argv[2], sys.argv[3].split(",") if sys.argv[3] else None
async def main():
    client = socketio.AsyncClient()
    await client.connect(url, auth={"token": token}, transports=transports, wait_timeout=20)
    print(await client.call("custom:join", {"room": "garden"}, timeout=20))
    print(client.eio.transport() if callable(client.eio.transport) else client.eio.current_transport)
    await client.disconnect()
asyncio.run(main())
`;

describe.each([
  ["Client", SYNC],
  ["AsyncClient", ASYNC],
])("python-socketio's %s", (_, program) => {
  const connect = async (transports: string) => {
    const token = await signToken({ sub: "ann", org: "acme", projects: ["p1"] }, SECRET);
    const { stdout } = await run(PYTHON, ["-c", program, stack.url, token, transports]);
    return stdout.trim().split("\n");
  };

  test.skipIf(!hasPython)(
    "connects with its default options, is acknowledged, and has upgraded",
    async () => {
      expect(await connect("")).toEqual(["{'room': 'garden'}", "websocket"]);
    },
  );

  test.skipIf(!hasPython)("stays on polling where it may use nothing else", async () => {
    expect(await connect("polling")).toEqual(["{'room': 'garden'}", "polling"]);
  });
});
