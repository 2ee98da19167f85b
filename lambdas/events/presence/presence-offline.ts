import { memberOf } from "#model/connection.ts";
import { isPresenceRoom } from "#model/room.ts";
import { organisationMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { Nothing } from "./nothing.ts";
import { announceOffline } from "./went-offline.ts";

/** Takes this socket offline wherever it was online. */
export const presenceOffline = defineEvent({
  name: "presence:offline",
  payload: Nothing,
  access: organisationMember,

  async handle({ socket, connections, presence, timestamp }) {
    const { connectionId, identity } = socket;
    const connection = await connections.get(connectionId);
    const rooms = connection?.rooms.filter(isPresenceRoom) ?? [];
    if (rooms.length === 0) return;

    // In this order: a crash in between leaves it noted where it was online.
    const last = await presence.exit(memberOf(connectionId, identity), rooms);
    await socket.leave(rooms);

    announceOffline(socket.to, identity.userId, last, timestamp);
  },
});
