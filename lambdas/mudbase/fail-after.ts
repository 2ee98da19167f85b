import type { Settled } from "#mudbase/store/settle-all.ts";

/** Fails where one of several writes has, once others have heard of those that were made. */
export async function failAfter(
  flush: () => Promise<void>,
  { failure }: Pick<Settled<unknown>, "failure">,
): Promise<void> {
  if (failure === undefined) return;
  await flush();
  throw failure;
}
