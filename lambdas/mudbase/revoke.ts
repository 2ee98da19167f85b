import * as z from "zod/mini";
import { definePublication, type PublicationContext } from "#server/events/define-publication.ts";
import { checked, optional, Timestamp, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { EVERYBODY } from "#server/model/key-range.ts";
import { type Room, sessionRoom, tokenRoom, userRoom } from "#server/model/room.ts";
import type { RevokedKind } from "#server/store/keys.ts";

/** What leaves to clients. */
export const revokeEmits = {
  "session:expired": z.object({ reason: z.string(), timestamp: Timestamp }),
};

/** Sockets of a session or a token whose users are told. */
const MOST_LISTED = 100;

/** Whom or what is meant: exactly one of a user, a session (`sid`) and a token (`jti`). */
const Target = checked(
  z.object({ userId: optional(Id), sid: optional(Id), jti: optional(Id) }),
  z.refine(
    (target) => Object.values(target).filter((id) => id !== undefined).length === 1,
    "must name exactly one of userId, sid and jti",
  ),
);

const kindAndId = ({
  userId,
  sid,
  jti = "",
}: z.infer<typeof Target>): readonly [RevokedKind, string] => {
  if (userId !== undefined) return ["user", userId];
  return sid === undefined ? ["token", jti] : ["session", sid];
};

const ROOMS: Readonly<Record<RevokedKind, (id: string) => Room>> = {
  user: userRoom,
  session: sessionRoom,
  token: tokenRoom,
};

/** Ends a user's access, a session or a token: its sockets are told and cut, and it cannot connect again. */
const revoked = /* @__PURE__ */ definePublication({
  names: ["revoke"],
  entry: () =>
    z.object({
      org: Id,
      target: Target,
      reason: withDefault(checked(z.string(), z.maxLength(500)), "revoked"),
    }),

  async handle({ entry: { org, target, reason }, revocations, rooms, server, timestamp }) {
    const [kind, id] = kindAndId(target);
    const room = ROOMS[kind](id);
    await revocations.add(org, kind, id);
    const users = kind === "user" ? [id] : await usersIn(org, room, rooms);

    if (users.length > 0)
      server.to(users.map(userRoom)).emit("session:expired", { reason, timestamp });
    server.in(room).disconnectSockets(true);
  },
});

/** Takes a revocation back. */
const restored = /* @__PURE__ */ definePublication({
  names: ["restore"],
  entry: () => z.object({ org: Id, target: Target }),

  async handle({ entry: { org, target }, revocations }) {
    await revocations.remove(org, ...kindAndId(target));
  },
});

/** Whose sockets a session or a token has, as far as one read of its room goes: it is hardly ever several users'. */
async function usersIn(
  org: string,
  room: Room,
  { page }: PublicationContext["rooms"],
): Promise<readonly string[]> {
  const { members } = await page(org, room, EVERYBODY, MOST_LISTED);
  return [...new Set(members.map(({ userId }) => userId))];
}

/** What other back ends may publish. */
export const revokePublications = [revoked, restored] as const;
