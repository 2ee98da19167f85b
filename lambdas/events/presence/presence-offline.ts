import { memberOf } from "#model/connection.ts";
import { isPresenceRoom, type Room } from "#model/room.ts";
import { organisationMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { failAfter } from "../fail-after.ts";
import { announce } from "./announce.ts";
import { Nothing } from "./nothing.ts";

/** Takes this socket offline wherever it was online. */
export const presenceOffline = defineEvent({
  name: "presence:offline",
  payload: Nothing,
  access: organisationMember,

  async handle({ socket, connections, presence, flush, timestamp }) {
    const { connectionId, identity } = socket;
    const connection = await connections.get(connectionId);
    const rooms = connection?.rooms.filter(isPresenceRoom) ?? [];
    if (rooms.length === 0) return;

    // In this order: a crash in between leaves it noted where it was online.
    const member = memberOf(connectionId, identity);
    const exited = await presence.exit(member, rooms);
    if (exited.failure === undefined) await socket.leave(rooms);

    const onlineIn = (asked: readonly Room[]) => presence.onlineIn(member, asked);
    await announce("offline", identity, exited.done, { to: socket.to, flush, onlineIn, timestamp });
    await failAfter(flush, exited);
  },
});
