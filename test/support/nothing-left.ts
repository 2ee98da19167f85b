import { afterEach, expect } from "vitest";
import { endLost } from "./lost.ts";
import { disconnectAll } from "./people.ts";
import { allDisconnected, connectionItems, settled, stack } from "./running.ts";
import { terminateAllWebSockets } from "./websocket.ts";

/** After each test no items of its connections may be left. */
afterEach(async () => {
  // What is still being handled as a socket ends may leave a tombstone for the next cleanup.
  await settled();
  disconnectAll();
  terminateAllWebSockets();
  await allDisconnected();
  await endLost();
  expect(await connectionItems()).toEqual([]);
  // Tombstones would only slow down later scans of the table.
  await stack.database.expire(Number.MAX_SAFE_INTEGER);
});
