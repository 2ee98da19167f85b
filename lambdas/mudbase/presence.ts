import * as z from "zod/mini";
import type { TokenData } from "#mudbase/model/identity.ts";
import type { Presence, Status } from "#mudbase/store/presence.ts";
import type { Context, Departed } from "#server/app.ts";
import { EventError } from "#server/errors.ts";
import { checked, optional, texts, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import type { Broadcast } from "#server/socket/broadcast.ts";
import { organisationMember, projectMember } from "./access.ts";
import type { Contract } from "./contract.ts";
import { type AccessRequest, defineEvent } from "./define.ts";
import { failAfter } from "./fail-after.ts";
import type { Core } from "./lifecycle.ts";
import { isPresenceRoom, presenceAudience, presenceRoom, type Room } from "./rooms.ts";

const Profile = z.object({
  id: z.string(),
  email: z.optional(z.string()),
  firstName: z.optional(z.string()),
  lastName: z.optional(z.string()),
});

/** What leaves to clients. */
export const presenceEmits = {
  "presence:user:online": z.object({ userId: z.string(), user: Profile, timestamp: z.string() }),
  "presence:user:offline": texts("userId", "timestamp"),
  "presence:online:list": z.object({
    projectId: z.string(),
    users: z.array(z.object({ userId: z.string(), user: Profile, lastSeen: z.string() })),
    count: z.number(),
    /** Set where more are online than were counted. */
    countIsLowerBound: z.optional(z.literal(true)),
    cursor: z.optional(z.string()),
  }),
};

/** No argument, `null` or an object whose fields do not matter (contract, presence). */
const Nothing = z.optional(z.nullable(z.object({})));

/** Projects in which one event brings a user online. */
const MAX_PROJECTS = 50;

/** Brings the user online in one project, or in all that the token grants. */
const presenceOnline = /* @__PURE__ */ defineEvent({
  name: "presence:online",
  payload: () => withDefault(z.object({ projectId: optional(Id) }), {}),
  access: grantedPresence,

  async handle({ presenceRooms, socket, ...context }) {
    const rooms = await socket.join(presenceRooms);
    await comeOnline(socket, rooms, socket.to, context);
    // An end that was handled meanwhile may have looked for it before it was there.
    if ((await socket.rooms()).length === 0) await goOffline(socket, rooms, socket.to, context);
  },
});

function grantedPresence(request: AccessRequest<{ readonly projectId?: string | undefined }>): {
  readonly presenceRooms: readonly Room[];
} {
  const { payload, socket } = request;
  if (payload.projectId === undefined) return { presenceRooms: everyPresence(socket.data) };
  return { presenceRooms: [presenceRoom(projectMember(request).projectId)] };
}

function everyPresence({ projects }: TokenData): readonly Room[] {
  if (projects === "*") return [presenceRoom()];
  const distinct = [...new Set(projects)];
  if (distinct.length <= MAX_PROJECTS) return distinct.map(presenceRoom);
  throw new EventError(
    "limit_exceeded",
    `projectId: is required, because your token grants ${distinct.length} projects, more than the ${MAX_PROJECTS} of one event`,
  );
}

/** Notes that the user is still there, wherever this socket is online. */
const presenceUpdate = /* @__PURE__ */ defineEvent({
  name: "presence:update",
  payload: () => Nothing,
  access: organisationMember,

  async handle({ socket, presence }) {
    await presence.touch(socket, (await socket.rooms()).filter(isPresenceRoom));
  },
});

/** Users a page may hold; a page whose packet would grow too large is shorter. */
const MAX_PAGE = 500;

/** Lists who is online in a project, a page at a time. */
const presenceGetOnline = /* @__PURE__ */ defineEvent({
  name: "presence:get:online",
  payload: () =>
    z.object({
      projectId: Id,
      limit: withDefault(checked(z.int(), z.minimum(1), z.maximum(MAX_PAGE)), MAX_PAGE),
      cursor: optional(Id),
    }),
  access: projectMember,
  reply: "presence:online:list",

  async handle({ payload: { limit, cursor }, projectId, socket, presence }) {
    const page = await presence.list(socket.tenant, presenceRoom(projectId), { limit, cursor });

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

  async handle({ socket, ...context }) {
    const rooms = (await socket.supersede("presence")).filter(isPresenceRoom);
    if (rooms.length === 0) return;
    await goOffline(socket, rooms, socket.to, context, {
      receivedAt: context.receivedAt,
      leave: () => socket.leave(rooms),
    });
  },
});

/** Announcements of one change that were each overtaken by another change. */
const MAX_ROUNDS = 5;

type To = (rooms: readonly Room[]) => Broadcast<Contract>;

interface Announcing {
  readonly to: To;
  readonly presence: Pick<Presence, "confirm">;
  readonly flush: () => Promise<void>;
  readonly timestamp: string;
  /** Whether the socket is no more. */
  readonly isGone?: boolean;
}

type User = Pick<Departed<Contract>, "id" | "tenant" | "userId" | "data">;

/** How a socket goes offline that stays connected. */
interface Going {
  readonly receivedAt: number;
  readonly leave: () => Promise<unknown>;
}

/** Takes a socket offline in some rooms, and notifies those who can see its user where it was the last. */
export async function goOffline(
  socket: User,
  rooms: readonly Room[],
  to: To,
  { presence, flush, timestamp }: Pick<Context<Core>, "presence" | "flush" | "timestamp">,
  going?: Going,
): Promise<void> {
  const exited = await presence.exit(socket, rooms, going?.receivedAt);
  const isGone = going === undefined;
  await announce(socket, exited.done, { to, presence, flush, timestamp, isGone });
  await failAfter(flush, exited);
  // In this order: whatever fails before leaves it noted where it was online, so that a repeat or the end announces it.
  await going?.leave();
}

/** Brings a socket online in some rooms, and notifies those who can see its user where it is the first. */
export async function comeOnline(
  socket: User,
  rooms: readonly Room[],
  to: To,
  context: Pick<Context<Core>, "presence" | "flush" | "timestamp" | "receivedAt">,
): Promise<void> {
  const { presence, flush, timestamp, receivedAt } = context;
  const entered = await presence.enter(socket, socket.data.user, rooms, receivedAt);
  await announce(socket, entered.done, { to, presence, flush, timestamp });
  await failAfter(flush, entered);
}

/**
 * Notifies those who can see a user in some rooms that it has come online there, or gone; and confirms it
 * when that is done. Another function may have said the contrary in the meantime, so where it is no longer
 * so it says what is: whoever speaks last has looked after speaking.
 */
async function announce(
  user: User,
  changed: readonly Status[],
  { to, presence, flush, timestamp, isGone = false }: Announcing,
): Promise<void> {
  const { userId } = user;
  const audienceOf = (statuses: readonly Status[]) =>
    to(statuses.flatMap(({ room }) => [presenceAudience(room), room]));
  let left = changed;
  for (let round = 0; round < MAX_ROUNDS && left.length > 0; round += 1) {
    const online = left.filter(({ isOnline }) => isOnline);
    const offline = left.filter(({ isOnline }) => !isOnline);
    if (online.length > 0)
      audienceOf(online).emit("presence:user:online", { userId, user: user.data.user, timestamp });
    if (offline.length > 0)
      audienceOf(offline).emit("presence:user:offline", { userId, timestamp });
    await flush();
    left = await presence.confirm(user, left, isGone);
  }
}

/** What clients may send. */
export const presenceEvents = [
  presenceOnline,
  presenceUpdate,
  presenceGetOnline,
  presenceOffline,
] as const;
