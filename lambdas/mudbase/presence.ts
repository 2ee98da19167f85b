import * as z from "zod/mini";
import { grants, type Identity } from "#mudbase/model/identity.ts";
import { type AccessRequest, defineEvent } from "#server/events/define-event.ts";
import { EventError, requireJoined } from "#server/events/errors.ts";
import { failAfter } from "#server/events/fail-after.ts";
import { memberOf } from "#server/model/connection.ts";
import { checked, optional, Timestamp, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { isPresenceRoom, presenceRoom, type Room } from "#server/model/room.ts";
import { organisationMember, projectMember } from "./access.ts";
import { announce } from "./announce.ts";

const Profile = z.object({
  id: z.string(),
  email: z.optional(z.string()),
  firstName: z.optional(z.string()),
  lastName: z.optional(z.string()),
});

/** What leaves to clients. */
export const presenceEmits = {
  "presence:user:online": z.object({ userId: z.string(), user: Profile, timestamp: Timestamp }),
  "presence:user:offline": z.object({ userId: z.string(), timestamp: Timestamp }),
  "presence:online:list": z.object({
    projectId: z.string(),
    users: z.array(z.object({ userId: z.string(), user: Profile, lastSeen: Timestamp })),
    count: z.number(),
    /** Set where more are online than were counted. */
    countIsLowerBound: z.optional(z.literal(true)),
    cursor: z.optional(z.string()),
  }),
};

/** No argument, `null` or an object whose fields do not matter (contract, presence). */
const Nothing = z.optional(z.nullable(z.object({})));

/** Projects in which one event brings a user online. */
const MOST_PROJECTS = 50;

/** Brings the user online in one project, or in all that the token grants. */
const presenceOnline = /* @__PURE__ */ defineEvent({
  name: "presence:online",
  payload: () => withDefault(z.object({ projectId: optional(Id) }), {}),
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

/** Notes that the user is still there, wherever this socket is online. */
const presenceUpdate = /* @__PURE__ */ defineEvent({
  name: "presence:update",
  payload: () => Nothing,
  access: organisationMember,

  async handle({ socket, connections, presence }) {
    const { connectionId, identity } = socket;
    const connection = await connections.get(connectionId);
    const rooms = connection?.rooms.filter(isPresenceRoom) ?? [];
    await presence.touch(memberOf(connectionId, identity), rooms);
  },
});

/** Users a page may hold; a page whose packet would grow too large is shorter. */
const MOST = 500;

/** Lists who is online in a project, a page at a time. */
const presenceGetOnline = /* @__PURE__ */ defineEvent({
  name: "presence:get:online",
  payload: () =>
    z.object({
      projectId: Id,
      limit: withDefault(checked(z.int(), z.minimum(1), z.maximum(MOST)), MOST),
      cursor: optional(Id),
    }),
  access: projectMember,
  reply: "presence:online:list",

  async handle({ payload: { limit, cursor }, projectId, socket, presence }) {
    const { org } = socket.identity;
    const page = await presence.list(org, presenceRoom(projectId), { limit, cursor });

    const users = page.users.map(({ lastSeen, ...rest }) => ({
      ...rest,
      lastSeen: new Date(lastSeen).toISOString(),
    }));
    return { ...page, projectId, users };
  },
});

/** Takes this socket offline wherever it was online. */
const presenceOffline = /* @__PURE__ */ defineEvent({
  name: "presence:offline",
  payload: () => Nothing,
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

/** What clients may send. */
export const presenceEvents = [
  presenceOnline,
  presenceUpdate,
  presenceGetOnline,
  presenceOffline,
] as const;
