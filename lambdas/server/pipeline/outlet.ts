import { requireRooms } from "#server/names.ts";
import type { Outlet } from "#server/socket/broadcast.ts";
import type { EmitBuffer } from "#server/socket/emit-buffer.ts";
import { ask } from "./acknowledgements.ts";
import { fetchSockets } from "./fetch-sockets.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./sender.ts";

/** What handlers, hooks and publications send through: what must not wait until they return goes by `send`. */
export function createOutlet(
  parts: Pick<Parts, "app" | "adapter" | "runtime">,
  buffer: EmitBuffer,
  send: Sender["sendOrLog"],
  onWait?: () => void,
): Outlet {
  let last = 0;
  // Of two moves that are commanded in one millisecond the second one is the later.
  const now = () => {
    last = Math.max(parts.runtime.now(), last + 1);
    return last;
  };
  return {
    buffer,
    ask: (question) => ask(parts, buffer, send, question, onWait),
    fetchSockets: (audience, page) => fetchSockets(parts, audience, page),
    async socketsJoin(audience, rooms) {
      requireRooms(rooms);
      await send([{ audience, frames: [], joins: rooms, at: now() }]);
    },
    socketsLeave(audience, room) {
      requireRooms([room]);
      buffer.leave(audience, room, now());
    },
  };
}
