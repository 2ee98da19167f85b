import type { Namespace } from "#server/app.ts";
import { EventError } from "#server/errors.ts";
import { refuseInternally, type SocketEvent } from "./answers.ts";
import type { Dispatched } from "./event.ts";
import { type Sender, UndeliveredError, UnmovedError } from "./sender.ts";

/** Nobody could tell whose packet it is. */
export async function answerFailure(
  { send, newBuffer }: Pick<Sender, "send" | "newBuffer">,
  namespace: Namespace,
  event: SocketEvent,
  error: unknown,
): Promise<never> {
  const buffer = newBuffer();
  refuseInternally(namespace, event, buffer);
  await send(buffer.emissions);
  throw error;
}

/**
 * Where the audience could not even be found, or the event is refused at last, nothing has left yet, the answer to the caller
 * included.
 */
export async function answerUnsent(
  { send }: Pick<Sender, "send">,
  error: unknown,
  giveUp: Dispatched["giveUp"],
): Promise<void> {
  const isAnswered = error instanceof UndeliveredError || error instanceof UnmovedError;
  if (!isAnswered) await send(giveUp(error));
  if (!(error instanceof EventError)) throw error;
}
