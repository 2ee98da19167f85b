import { ulid } from "ulid";
import { afterAll, expect, inject, test } from "vitest";
import type { KeyRange } from "../../lambdas/server/model/key-range.ts";
import { packetId } from "../../lambdas/server/model/offset.ts";
import { isMarkedFor } from "../../lambdas/server/pipeline/packet-log.ts";
import { createLog } from "../../lambdas/server/store/log.ts";
import { createTable } from "../../lambdas/server/store/table.ts";
import { startDatabase } from "../../local/database.ts";
import { readStack } from "../../local/template.ts";
import { sessionIds } from "../support/session-ids.ts";
import { clientOf } from "./database-client.ts";

const BEGAN = 1_800_000_000_000;
const BROADCASTS = 60;
const WORKERS = 100;
const room = { tenant: "acme", nsp: "/", room: "everybody" };

const { tables } = readStack(inject("assembly"));
const database = await startDatabase({ tables });
afterAll(() => database.stop());
const table = createTable({
  ...{ client: clientOf(database), tableName: tables[0]?.name ?? "" },
  pause: async () => undefined,
});
const log = createLog({ table, now: () => BEGAN }, 255_000);

/** The parts of a room of as many sockets as so many functions post to, ten each. */
function partsOf(sids: readonly string[]): readonly KeyRange[] {
  const sorted = sids.toSorted((a, b) => (a < b ? -1 : 1));
  const cuts = Array.from({ length: WORKERS - 1 }, (_, n) => sorted[(n + 1) * 10 - 1] ?? "");
  return [undefined, ...cuts].map((after, n) => ({ after, upTo: cuts[n], without: [] }));
}

test("the log of a room that a hundred functions post to reaches back sixty broadcasts, with all that says when their posts to a socket were over", async () => {
  const sids = sessionIds(10 * WORKERS);
  const parts = partsOf(sids);
  const broadcasts = Array.from({ length: BROADCASTS }, (_, n) => ulid(BEGAN + 1000 * n));
  for (const broadcast of broadcasts) {
    await log.append([
      { room, id: packetId(broadcast, 0), frames: ["2[]"], audience: { except: [] } },
    ]);
    await log.mark(parts.map((range, n) => ({ room, broadcast, range, also: [], done: n })));
  }

  for (const sid of sids.slice(0, 50)) {
    const { entries = [], marks = [] } = (await log.read(room, BEGAN, sid)) ?? {};

    expect(entries).toHaveLength(BROADCASTS);
    const own = marks.filter((mark) => isMarkedFor(sid, mark));
    expect(own.map(({ broadcast }) => broadcast).toSorted()).toEqual(broadcasts);
    // As many as all functions have written would be more than a return reads.
    expect(marks.length).toBeLessThan((BROADCASTS * WORKERS) / 3);
  }
});
