import { type Connection, departedOf, type StoredSession } from "#server/model/session.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./sender.ts";

/** Does what a session's connection still asks for before its client hears of more; `recovered` is one that has come back. */
export async function welcome(
  { adapter, sender }: Pick<Parts, "adapter"> & { readonly sender: Sender },
  connection: Connection,
  recovered?: StoredSession,
): Promise<void> {
  // What a function that has died left of them would be heard by this one.
  if (departedOf(connection).length > 0) await sender.clear({ ...connection, sockets: {} });
  if (recovered?.isAway !== true) return;
  await sender.callAwayHook("onBack", recovered);
  // Only now: whatever fails before is tried again with the next return.
  await adapter.sessions.markBack(recovered.sid);
}
