import { afterEach, expect } from "vitest";
import { everyoneLeaves } from "./people.ts";
import { deserted, ofConnections, stack } from "./running.ts";
import { rawClientsLeave } from "./websocket.ts";

/** Whatever a test did: once its clients are gone, nothing that belonged to their connections is left. */
afterEach(async () => {
  everyoneLeaves();
  rawClientsLeave();
  await deserted();
  expect(await ofConnections()).toEqual([]);
  // Notes of what has ended would only make the table slow to look through.
  await stack.database.expire(Number.MAX_SAFE_INTEGER);
});
