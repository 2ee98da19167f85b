import type { Call } from "#model/call.ts";
import { EventError } from "../errors.ts";

/** Users a call may have besides its caller (contract 2.8). */
export const MOST_PARTICIPANTS = 50;

/** Refuses an answer to a call that is not there, or did not invite this user. */
export function requireInvited(call: Call | undefined, callerId: string, userId: string): void {
  if (call === undefined) throw new EventError("not_found", `there is no call of ${callerId}`);
  if (!call.participants.includes(userId))
    throw new EventError("forbidden", `you are not invited to the call of ${callerId}`);
}
