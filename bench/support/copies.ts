import { randomBytes } from "node:crypto";
import { EVERYBODY } from "../../lambdas/server/model/key-range.ts";
import { deliver, type FanOutJob } from "../../lambdas/server/pipeline/deliver.ts";
import { createIo } from "../../lambdas/server/socket/broadcast.ts";
import { createEmitBuffer, serializer } from "../../lambdas/server/socket/emit-buffer.ts";
import { heapInUse } from "./measure.ts";

const QUERIES = 2000;
const PAGE = 1000;
const BYTES = 100_000;

const key = { projectId: "p1", collectionId: "todos" };
const data = { _id: "d1", text: "x".repeat(BYTES) };

/** The cost of the copies of one large document for many live queries: posts, functions, and memory of one. */
export async function measureCopies(): Promise<string> {
  const all = Array.from({ length: QUERIES }, () => ({
    sid: randomBytes(15).toString("base64url"),
    connectionId: randomBytes(12).toString("base64"),
    field: ["queryId", "q"] as const,
  })).toSorted((a, b) => (a.sid < b.sid ? -1 : 1));
  let [functions, posts, largest, held] = [0, 0, 0, 0];
  const buffer = createEmitBuffer(String, serializer());
  const heap = heapInUse();

  const nobody = async () => [];
  createIo(
    {
      buffer,
      socketsLeave: () => undefined,
      ask: nobody,
      fetchSockets: nobody,
      socketsJoin: async () => undefined,
    },
    { tenant: "acme", nsp: "/" },
    () => "everyone",
  )
    .to([])
    .matching({ key, documents: [data] })
    .emitAny("db:update", { ...key, data });
  await run({ emissions: buffer.take(), range: EVERYBODY });
  if (posts !== QUERIES) throw new Error(`${posts} of ${QUERIES} copies were posted.`);
  return `${posts} copies of ${BYTES / 1000} KB in ${functions} functions, ${(largest / 1000).toFixed(0)} KB passed on, ${(held / 1e6).toFixed(1)} MB held by one`;

  async function run(job: FanOutJob): Promise<void> {
    functions += 1;
    const left: FanOutJob[] = [];
    await deliver(job, {
      rooms: {
        page: async () => ({ members: [] }),
        among: async () => [],
        join: async () => [],
        leave: async () => [],
      },
      matching: {
        async page(_, __, { after = "", upTo = "~" }, limit) {
          const found = all.filter(({ sid }) => sid > after && sid <= upTo);
          const matching = found.slice(0, limit);
          return {
            matching,
            until: matching.length < found.length ? matching.at(-1)?.sid : undefined,
          };
        },
      },
      now: Date.now,
      pageSize: PAGE,
      async post() {
        posts += 1;
        // By now all fifty concurrent posts are in memory.
        if (posts === 50) held = heapInUse() - heap;
        return "sent";
      },
      invokeWorker: async (rest) => void left.push(rest),
    });
    for (const rest of left) {
      const json = JSON.stringify(rest);
      largest = Math.max(largest, Buffer.byteLength(json));
      await run(JSON.parse(json) as FanOutJob);
    }
  }
}
