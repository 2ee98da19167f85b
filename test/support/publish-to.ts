import type { LocalStack } from "../../local/stack.ts";

/** Publishes to a stack, as a back end does. */
export async function publishTo({ functions }: LocalStack, entry: object): Promise<void> {
  const result = await functions.invoke(functions.named("Publish"), entry);
  if (!result.ok) throw new Error(result.message);
}

/** Publishes numbers to ann of acme as the event `news`, one after another, while something runs. */
export async function publishNumbersWhile<Result>(
  stack: LocalStack,
  running: Promise<Result>,
): Promise<Result> {
  let isOver = false;
  const over = running.finally(() => {
    isOver = true;
  });
  const to = [{ kind: "user", userId: "ann" }];
  for (let n = 0; !isOver; n += 1)
    await publishTo(stack, { event: "emit", org: "acme", to, name: "news", payload: { n } });
  return over;
}
