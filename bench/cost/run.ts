import { marshall } from "@aws-sdk/util-dynamodb";
import { ROTATION } from "../../lambdas/server/model/rotation.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { readStack } from "../../local/template.ts";
import { bytesOf } from "../../local/units.ts";
import type { Usage } from "../../local/usage.ts";
import { type Counted, sumOf, times } from "./bill.ts";
import { type Crowd, createCrowd } from "./crowd.ts";
import { createMetrics } from "./metrics.ts";
import type { Scene } from "./scenes.ts";

const SECRET = "a secret of at least thirty-two characters";
const MINUTE = 60_000;

/** What DynamoDB stores for an item besides its attributes, in bytes. */
const ITEM_OVERHEAD = 100;

/** What a run of a scene has counted. */
export interface Run extends Counted {
  /** What it took to connect all users for the first time, and to have them join their rooms. */
  readonly connecting: Usage;
  readonly sent: number;
  readonly received: number;
  readonly due: number;
  /** The seconds until all was sent, received and acknowledged. */
  readonly elapsed: number;
  /** What functions have logged about failures. */
  readonly failures: readonly string[];
}

/** Runs a scene on the local stack, and says how far it is. */
export async function runScene(
  scene: Scene,
  assembly: string,
  say: (text: string) => void,
): Promise<Run> {
  const metrics = createMetrics();
  const failures: string[] = [];
  const stack = await startStack({
    ...{ assembly, port: 0, secret: SECRET, schedules: false, metered: true },
    log(_, text) {
      metrics.read(text);
      if (text.includes('"ERROR"')) failures.push(text);
    },
  });
  const crowd = createCrowd(scene, { stack, secret: SECRET, say });
  try {
    const { schedules, standing, ...definition } = readStack(assembly);
    const pingMinutes = pingMinutesOf(definition.functions, stack);
    await warmUp(stack, scene, pingMinutes);
    await crowd.connect();
    const connecting = await take(stack);
    say("Pinging all …");
    await sweep(stack, Date.now(), pingMinutes);
    const pings = await take(stack);
    const { storedBytes, addedBytes, ...sent } = await countEvents(stack, crowd, scene, say);
    say("Rotating all …");
    const rotation = await countRotation(stack, crowd, scene, pings, pingMinutes);
    return {
      ...{ connecting, pings, pingMinutes, rotation, ...sent, failures: [...failures] },
      standing: {
        ...{ ...standing, storedBytes, addedBytes },
        ...{ schedules: schedules.length, metrics: metrics.count },
      },
    };
  } finally {
    crowd.disconnect();
    await stack.stop();
  }
}

/** The minutes between two pings of a connection. */
function pingMinutesOf(
  functions: ReturnType<typeof readStack>["functions"],
  stack: LocalStack,
): number {
  const name = stack.functions.named("Heartbeat");
  const { environment } = functions.find((one) => one.name === name) ?? {};
  return (
    (JSON.parse(environment?.HEARTBEAT ?? "") as { pingInterval: number }).pingInterval / MINUTE
  );
}

/** Has each function begin, which takes longer than what it does. */
async function warmUp(stack: LocalStack, scene: Scene, pingMinutes: number): Promise<void> {
  const one = { ...scene, users: 1, room: 1, messagesPerMinute: 60 };
  const first = createCrowd(one, { stack, secret: SECRET, say: () => undefined });
  await first.connect();
  await first.send(1);
  await sweep(stack, Date.now(), pingMinutes);
  first.disconnect();
  await take(stack);
}

/** Sends what users send, and counts that. */
async function countEvents(
  stack: LocalStack,
  crowd: Crowd,
  { seconds }: Scene,
  say: (text: string) => void,
) {
  const before = await bytesIn(stack);
  say(`Sending for ${seconds} s …`);
  stack.takeUsage();
  const began = performance.now();
  const sent = await crowd.send(seconds);
  const used = await take(stack);
  const elapsed = (performance.now() - began) / 1000;
  const after = await bytesIn(stack);
  // It is open for longer than what is sent takes, if this machine is slow.
  const connectionMinutes = used.connectionMinutes * (seconds / elapsed);
  return {
    ...{ sent, seconds, elapsed, ...crowd.deliveries },
    events: { ...used, connectionMinutes },
    storedBytes: after.all,
    addedBytes: after.forGood - before.forGood,
  };
}

/**
 * Has the heartbeat end each connection as one that is about to be two hours old, and clean up later what is left
 * of it. A client that comes back into a shard that is yet to be swept is rotated again: that is averaged.
 */
async function countRotation(
  stack: LocalStack,
  crowd: Crowd,
  { users }: Scene,
  pings: Usage,
  pingMinutes: number,
): Promise<Usage> {
  await sweep(stack, Date.now() + ROTATION.maxAge, pingMinutes);
  const returns = await crowd.returned();
  const round = pingMinutes * MINUTE;
  await stack.advance(round);
  await sweep(stack, Date.now() + round, pingMinutes);
  const cleanedUp = sumOf(await take(stack), times(pings, -1));
  return times(cleanedUp, users / returns);
}

/** Calls the heartbeat as the scheduler does, for each minute of a round. */
async function sweep(stack: LocalStack, from: number, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    const scheduledTime = new Date(from + minute * MINUTE).toISOString();
    await stack.functions.invoke(stack.functions.named("Heartbeat"), { scheduledTime });
    await settled(stack);
  }
}

/** Resolves once everything has been answered, pings included. */
async function settled(stack: LocalStack): Promise<void> {
  await stack.idle();
  await stack.gateway.answered();
  await stack.idle();
}

async function take(stack: LocalStack): Promise<Usage> {
  await settled(stack);
  return stack.takeUsage();
}

/** What the tables hold, and what of it never expires. */
async function bytesIn(stack: LocalStack) {
  const items = await stack.database.items();
  const sizeOf = (some: typeof items) =>
    some.reduce((sum, item) => sum + ITEM_OVERHEAD + bytesOf(marshall(item)), 0);
  return {
    all: sizeOf(items),
    forGood: sizeOf(items.filter(({ expiresAt }) => expiresAt === undefined)),
  };
}
