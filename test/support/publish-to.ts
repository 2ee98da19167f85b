import type { LocalStack } from "../../local/stack.ts";

/** Publishes to a stack, as a back end does. */
export async function publishTo({ functions }: LocalStack, entry: object): Promise<void> {
  const result = await functions.invoke(functions.named("Publish"), entry);
  if (!result.ok) throw new Error(result.message);
}

/** Loses all WebSockets, of which neither side is told. */
export async function cutWebSockets(stack: LocalStack): Promise<void> {
  await stack.idle();
  for (const id of stack.gateway.connectionIds()) stack.gateway.drop(id);
}

/** Cuts the requests that come from now on, for ann of this organisation, until they are let through again. */
export async function cutRequests(stack: LocalStack, org: string): Promise<void> {
  stack.cutEvery(1);
  // A GET that waits already is not cut: this is its answer, and the next one is.
  const to = [{ kind: "user", userId: "ann" }];
  await publishTo(stack, { event: "emit", org, to, name: "more", payload: {} });
}

/** Publishes numbers to ann of this organisation as the event `news`, one after another, while something runs. */
export async function publishNumbersWhile<Result>(
  stack: LocalStack,
  org: string,
  running: Promise<Result>,
): Promise<Result> {
  let isOver = false;
  const over = running.finally(() => {
    isOver = true;
  });
  const to = [{ kind: "user", userId: "ann" }];
  for (let n = 0; !isOver; n += 1)
    await publishTo(stack, { event: "emit", org, to, name: "news", payload: { n } });
  return over;
}
