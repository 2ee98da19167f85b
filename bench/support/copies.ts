import { randomBytes } from "node:crypto";
import { EVERYBODY } from "../../lambdas/server/model/key-range.ts";
import { deliver, type Parcel } from "../../lambdas/server/socket/delivery.ts";
import { createOutbox } from "../../lambdas/server/socket/emit-buffer.ts";
import { createServer } from "../../lambdas/server/socket/socket.ts";
import { heapInUse } from "./measure.ts";

const QUERIES = 2000;
const PAGE = 1000;
const BYTES = 100_000;

const place = { projectId: "p1", collectionId: "todos" };
const data = { _id: "d1", text: "x".repeat(BYTES) };

/** What the copies for many live queries of one large document take: posts, functions, and memory of one. */
export async function measureCopies(): Promise<string> {
  const all = Array.from({ length: QUERIES }, () => ({
    ...{ connectionId: randomBytes(12).toString("base64"), queryId: "q" },
  })).toSorted((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
  let [functions, posts, largest, held] = [0, 0, 0, 0];
  const outbox = createOutbox({ encodeFrame: String, shape: (_, payload) => payload });
  const heap = heapInUse();

  createServer<Record<string, object>>("acme", outbox)
    .to([])
    .watched({ place, documents: [data] })
    .emit("db:update", { ...place, data });
  await carry({ emissions: outbox.take(), slice: EVERYBODY });
  if (posts !== QUERIES) throw new Error(`${posts} of ${QUERIES} copies were posted.`);
  return `${posts} copies of ${BYTES / 1000} KB in ${functions} functions, ${(largest / 1000).toFixed(0)} KB handed on, ${(held / 1e6).toFixed(1)} MB held by one`;

  async function carry(parcel: Parcel): Promise<void> {
    functions += 1;
    const handed: Parcel[] = [];
    await deliver(parcel, {
      rooms: { page: async () => ({ members: [] }), among: async () => [] },
      liveQueries: {
        async page(_, __, { after = "", upTo = "~" }, limit) {
          const found = all.filter((one) => one.connectionId > after && one.connectionId <= upTo);
          const matching = found.slice(0, limit);
          return {
            matching,
            until: matching.length < found.length ? matching.at(-1)?.connectionId : undefined,
          };
        },
      },
      leave: async () => undefined,
      pageSize: PAGE,
      async post() {
        posts += 1;
        // What all fifty that are posted at the same time have been made of by now.
        if (posts === 50) held = heapInUse() - heap;
        return "sent";
      },
      handOn: async (rest) => void handed.push(rest),
    });
    for (const rest of handed) {
      const json = JSON.stringify(rest);
      largest = Math.max(largest, Buffer.byteLength(json));
      await carry(JSON.parse(json) as Parcel);
    }
  }
}
