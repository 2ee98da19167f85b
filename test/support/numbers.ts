import type { LocalStack } from "../../local/stack.ts";

/** Publishes numbers to ann of acme as the event `news`, one after another, while something runs. */
export async function publishNumbersWhile<Result>(
  { functions }: LocalStack,
  running: Promise<Result>,
): Promise<Result> {
  let isOver = false;
  const over = running.finally(() => {
    isOver = true;
  });
  for (let n = 0; !isOver; n += 1)
    await functions.invoke(functions.named("Publish"), {
      ...{ event: "emit", org: "acme", name: "news", payload: { n } },
      to: [{ kind: "user", userId: "ann" }],
    });
  return over;
}
