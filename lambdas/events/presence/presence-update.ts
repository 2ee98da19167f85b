import { memberOf } from "#model/connection.ts";
import { isPresenceRoom } from "#model/room.ts";
import { organisationMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { Nothing } from "./nothing.ts";

/** Notes that the user is still there, wherever this socket is online. */
export const presenceUpdate = defineEvent({
  name: "presence:update",
  payload: Nothing,
  access: organisationMember,

  async handle({ socket, connections, presence }) {
    const { connectionId, identity } = socket;
    const connection = await connections.get(connectionId);
    const rooms = connection?.rooms.filter(isPresenceRoom) ?? [];
    await presence.touch(memberOf(connectionId, identity), rooms);
  },
});
