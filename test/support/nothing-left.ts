import { afterEach, expect } from "vitest";
import { everyoneLeaves } from "./people.ts";
import { deserted, stack } from "./running.ts";
import { rawClientsLeave } from "./websocket.ts";

/** Whatever a test did: once its clients are gone, nothing of theirs is left in the table. */
afterEach(async () => {
  everyoneLeaves();
  rawClientsLeave();
  await deserted();
  expect(await stack.database.items()).toEqual([]);
});
