import * as z from "zod/mini";
import { memberOf } from "#model/connection.ts";
import { optional, withDefault } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { grants, type Identity } from "#model/identity.ts";
import { presenceRoom, type Room } from "#model/room.ts";
import { type AccessRequest, defineEvent } from "../define-event.ts";
import { EventError, requireJoined } from "../errors.ts";
import { failAfter } from "../fail-after.ts";
import { announce } from "./announce.ts";

/** Projects in which one event brings a user online. */
const MOST_PROJECTS = 50;

/** Brings the user online in one project, or in all that the token grants. */
export const presenceOnline = defineEvent({
  name: "presence:online",
  payload: withDefault(z.object({ projectId: optional(Id) }), {}),
  access: grantedPresence,

  async handle({ presenceRooms, socket, presence, flush, timestamp }) {
    const { identity } = socket;
    const member = memberOf(socket.connectionId, identity);
    const entered = await presence.enter(member, identity.user, presenceRooms);
    requireJoined(entered.result, "rooms");

    const onlineIn = (rooms: readonly Room[]) => presence.onlineIn(member, rooms);
    await announce("online", identity, entered.done, { to: socket.to, flush, onlineIn, timestamp });
    await failAfter(flush, entered);
  },
});

function grantedPresence(request: AccessRequest<{ readonly projectId?: string | undefined }>): {
  readonly presenceRooms: readonly Room[];
} {
  const { identity } = request;
  const { projectId } = request.payload;
  if (projectId === undefined) return { presenceRooms: everyPresence(identity) };
  if (!grants(identity, projectId))
    throw new EventError("forbidden", `your token does not grant the project ${projectId}`);
  return { presenceRooms: [presenceRoom(projectId)] };
}

function everyPresence({ projects }: Identity): readonly Room[] {
  if (projects === "*") return [presenceRoom()];
  const distinct = [...new Set(projects)];
  if (distinct.length <= MOST_PROJECTS) return distinct.map(presenceRoom);
  throw new EventError(
    "limit_exceeded",
    `projectId: is required, because your token grants ${distinct.length} projects, more than the ${MOST_PROJECTS} of one event`,
  );
}
