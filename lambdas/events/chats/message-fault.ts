import { EventError } from "../errors.ts";

/** Refuses what asked for a message that is not there, or is somebody else's. */
export function refuseFault(result: string, messageId: string): void {
  if (result === "not_found") throw notFound(`there is no message ${messageId}`);
  if (result === "forbidden")
    throw new EventError("forbidden", `the message ${messageId} is not yours`);
}

/** A message that holds as much as it may. */
export const full = (messageId: string): EventError =>
  new EventError("limit_exceeded", `the message ${messageId} holds no more`);

/** A message that is not there. */
export const notFound = (message: string): EventError => new EventError("not_found", message);
