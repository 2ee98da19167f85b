import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { afterAll, expect, inject, test } from "vitest";
import { startDatabase } from "../../local/database.ts";
import { readStack } from "../../local/template.ts";
import type { Answer, Call } from "../model/ledger/table.ts";
import { QUEUE, type Scenario, tryOne } from "../model/polling/scenarios.ts";

const SEEDS = 300;

const { tables } = readStack(inject("assembly"));
const TableName = tables[0]?.name ?? "";
const database = await startDatabase({ tables });
const http = createServer(database.answer);
await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
const client = DynamoDBDocumentClient.from(
  new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "TEST", secretAccessKey: "local" },
  }),
);
afterAll(async () => {
  client.destroy();
  await database.stop();
  http.closeAllConnections();
  http.close();
});

/** Makes a call of the model. */
async function answer({ action, key, ...call }: Call): Promise<Answer> {
  const Key = { ...key };
  if (action === "get") {
    const { Item } = await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
    return { ok: true, ...(Item && { attributes: Item }) };
  }
  const update = new UpdateCommand({
    ...{ TableName, Key, UpdateExpression: call.update, ConditionExpression: call.condition },
    ExpressionAttributeNames: call.names,
    ExpressionAttributeValues: call.values,
    ReturnValues: call.returns,
  });
  try {
    const { Attributes } = await client.send(update);
    return { ok: true, ...(Attributes && { attributes: Attributes }) };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return { ok: false };
    throw error;
  }
}

/** Numbers that are the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Three broadcasters, a client that polls, and whatever else may happen to it. */
function scenarioOf(random: () => number): Scenario {
  const turns = [1, 2, 3, 4, 5, 6];
  const maybe = (chance: number) => random() < chance;
  const upgrades = maybe(0.6);
  return {
    ...{ broadcasts: "abcd efgh ijkl", gets: turns.length, checks: 3 },
    repeated: turns.filter(() => maybe(0.4)),
    ...(upgrades && { upgrades, twice: maybe(0.3), givesUp: maybe(0.2) }),
    ...{ isClosed: maybe(0.1), isCut: maybe(0.1), deaths: maybe(0.3) ? 1 : 0 },
    ...{ lost: maybe(0.5) ? 2 : 1, late: maybe(0.5) ? 1 : 0 },
    options: { maxSent: maybe(0.5) ? 2 : 16 },
  };
}

test(`in any order of calls, posts, repeats and deaths a client gets each packet once, in order, and all while it lives (${SEEDS} orders)`, async () => {
  let [calls, whole, upgraded] = [0, 0, 0];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    await client.send(new PutCommand({ TableName, Item: QUEUE }));
    const random = seeded(seed);
    const scenario = scenarioOf(random);
    const { problem, run, net, ...made } = await tryOne(scenario, { random, answer });

    expect(problem && [seed, JSON.stringify(scenario), problem, ...run]).toBeUndefined();
    calls += made.calls;
    if (net.client.received.length === 12) whole += 1;
    if (net.client.hasUpgraded) upgraded += 1;
  }
  console.info(`${calls} calls; ${whole} clients got everything, ${upgraded} upgraded`);
  expect(whole).toBeGreaterThan(SEEDS / 10);
  expect(upgraded).toBeGreaterThan(SEEDS / 10);
});

test("without a condition an order is found that breaks it", async () => {
  let broken = 0;
  for (let seed = 1; seed <= 60 && broken === 0; seed += 1) {
    await client.send(new PutCommand({ TableName, Item: QUEUE }));
    const random = seeded(seed);
    const { problem } = await tryOne(scenarioOf(random), { random, answer }, ["token", "otherKey"]);
    if (problem !== undefined) broken += 1;
  }
  expect(broken).toBe(1);
});
