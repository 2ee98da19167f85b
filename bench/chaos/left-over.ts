import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";
import type { LocalStack } from "../../local/stack.ts";
import { CONNECTION_ITEM } from "../../test/support/connection-items.ts";
import { ageLosses } from "../../test/support/rewrite.ts";
import { ageTombstones, ageUnused } from "./age.ts";

type Item = Readonly<Record<string, unknown>>;

/** Runs the cleanup once all clients have disconnected, and returns whether all their items are deleted; prints those that are not. */
export async function leavesNothing(stack: LocalStack): Promise<boolean> {
  while (stack.gateway.connectionIds().length > 0) await pause(50);
  await stack.idle();
  // Whose connection was cut last cannot say goodbye: its session would wait for its return.
  await ageLosses(stack);
  await ageUnused(stack);
  await cleanUp(stack);
  const items = await connectionItems(stack);
  const left = items.filter(({ endedAt }) => endedAt === undefined);
  console.log(
    `After one cleanup: ${left.length} items of connections remain, and ${items.length - left.length} tombstones of ended connections, which the next cleanup deletes.`,
  );
  for (const item of left) print(item, items);
  await ageTombstones(stack, items);
  await cleanUp(stack);
  const rest = await connectionItems(stack);
  console.log(`After the next cleanup: ${rest.length}.`);
  for (const item of rest) print(item, items);
  return left.length === 0 && rest.length === 0;
}

/** Prints an item that is left, and the records of the sessions that it is of. */
function print(left: Item, items: readonly Item[]): void {
  const text = inspect(left, FULLY);
  const isOwner = ({ pk, sk }: Item) =>
    sk === "sess" && pk !== left.pk && text.includes(String(pk).slice("sess#".length));
  console.log(`left over: ${text}`);
  for (const session of items.filter(isOwner)) console.log(`  of ${inspect(session, FULLY)}`);
}

const FULLY = { depth: null, maxArrayLength: null, breakLength: 200 };

async function connectionItems(stack: LocalStack): Promise<Item[]> {
  return (await stack.database.items()).filter(({ pk }) => CONNECTION_ITEM.test(String(pk)));
}

async function cleanUp(stack: LocalStack): Promise<void> {
  const { functions } = stack;
  for (let shard = 0; shard < 16; shard += 1)
    for (const isOfLost of [true, false])
      await functions.invoke(functions.named("Heartbeat"), { shard, isOfLost });
  await stack.idle();
}
