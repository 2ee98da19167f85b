import { emits } from "../../lambdas/mudbase/contract.ts";
import { projectRoom } from "../../lambdas/mudbase/rooms.ts";
import { encodeFrame } from "../../lambdas/server/engine/frames.ts";
import { createEmitBuffer, serializer } from "../../lambdas/server/socket/emit-buffer.ts";
import { memberKey } from "../../lambdas/server/store/keys.ts";
import { connectedIds } from "../../test/support/connected-ids.ts";
import { sessionIds } from "../../test/support/session-ids.ts";
import { type Calls, createFunctions } from "./function.ts";
import { cpuOf, median, startAws } from "./measure.ts";

const ROOM = projectRoom("p1");

/** One broadcast to a room. */
export interface Broadcast extends Calls {
  readonly members: number;
  /** Microseconds of processor time for each delivery. */
  readonly microseconds: number;
  /** Milliseconds to the last delivery, with all functions in one process. */
  readonly milliseconds: number;
}

/** Broadcasts to rooms of these sizes; connections are simulated at the management endpoint. */
export async function measureBroadcasts(
  assembly: string,
  sizes: readonly number[],
  rounds: number,
): Promise<readonly Broadcast[]> {
  const aws = await startAws(assembly);
  const calls: Calls = { reads: 0, invocations: 0, posts: 0 };
  const { table, sender, stop } = createFunctions(aws, calls);
  const measured: Broadcast[] = [];
  for (const members of sizes) {
    const tenant = `org-${members}`;
    const addresses = connectedIds(members);
    const items = sessionIds(members).map((sid, n) => ({
      ...memberKey({ tenant, nsp: "/", room: ROOM }, sid, 0),
      ...{ address: addresses[n], userId: "someone" },
    }));
    await table.writeAll(items, []);
    const buffer = createEmitBuffer(
      encodeFrame,
      serializer(() => emits),
    );
    const payload = { text: "hello", sender: "ann", timestamp: new Date().toISOString() };
    buffer.emit({ tenant, nsp: "/", rooms: [ROOM], except: [] }, "custom:event", [payload]);
    const [cpu, wall]: [number[], number[]] = [[], []];
    // Small broadcasts are too short to measure one by one.
    for (let round = 0; round <= rounds * Math.max(1, 600 / members); round += 1) {
      Object.assign(calls, { reads: 0, invocations: 0, posts: 0 });
      const began = performance.now();
      const microseconds = await cpuOf(() => broadcastAll());
      if (round > 0) cpu.push(microseconds / members);
      if (round > 0) wall.push(performance.now() - began);
    }
    measured.push({
      ...{ members, ...calls },
      ...{ microseconds: median(cpu), milliseconds: median(wall) },
    });

    async function broadcastAll(): Promise<void> {
      await sender.send(buffer.emissions);
    }
  }
  stop();
  aws.stop();
  return measured;
}

/** Milliseconds of one AWS call, and API Gateway's throttle of posts per second. */
export interface Latencies {
  readonly invoke: number;
  readonly query: number;
  readonly post: number;
  readonly postsASecond: number;
}

/** Seconds to the last delivery by these latencies, and by the gateway's throttle alone. */
export function modelOf(members: number, { invoke, query, post, postsASecond }: Latencies) {
  const [page, branches, postsAtOnce] = [1000, 16, 50];
  let levels = 1;
  for (let reached = page; reached < members; reached += page * branches ** (levels - 1))
    levels += 1;
  const functions = query + (Math.min(page, members) / postsAtOnce) * post;
  const untilLast = (levels * query + (levels - 1) * invoke + functions - query) / 1000;
  return { levels, untilLast, throttled: members / postsASecond };
}
