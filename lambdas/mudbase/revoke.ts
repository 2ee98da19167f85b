import * as z from "zod/mini";
import { checked, optional, texts, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { EVERYBODY } from "#server/model/key-range.ts";
import { definePublication } from "./define.ts";
import { type Room, sessionRoom, tokenRoom, userRoom } from "./rooms.ts";
import type { PublishStores } from "./stores.ts";

/** What leaves to clients. */
export const revokeEmits = {
  "session:expired": texts("reason", "timestamp"),
};

/** Sockets of a session or a token whose users are told. */
const MAX_LISTED = 100;

/** Whom or what is meant: exactly one of a user, a session (`sid`) and a token (`jti`). */
export const Target = checked(
  z.object({ userId: optional(Id), sid: optional(Id), jti: optional(Id) }),
  z.refine(
    (target) => Object.values(target).filter((id) => id !== undefined).length === 1,
    "must name exactly one of userId, sid and jti",
  ),
);

/** The room of all sockets that are meant, and the name by which they are revoked. */
export const roomOf = ({ userId, sid, jti = "" }: z.infer<typeof Target>): Room => {
  if (userId !== undefined) return userRoom(userId);
  return sid === undefined ? tokenRoom(jti) : sessionRoom(sid);
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

  async handle({ entry: { org, target, reason }, revocations, members, io, timestamp }) {
    const room = roomOf(target);
    await revocations.add(org, room);
    const { userId } = target;
    const users = userId === undefined ? await usersIn(org, room, members) : [userId];

    if (users.length > 0) io.to(users.map(userRoom)).emit("session:expired", { reason, timestamp });
    io.in(room).disconnectSockets(true);
  },
});

/** Whose sockets a session or a token has, as far as one read of its room goes: it is hardly ever several users'. */
async function usersIn(
  tenant: string,
  room: Room,
  { page }: PublishStores["members"],
): Promise<readonly string[]> {
  const { members } = await page({ tenant, nsp: "/", room }, EVERYBODY, MAX_LISTED);
  return [...new Set(members.map(({ userId }) => userId))];
}

/** What other back ends may publish. */
export const revokePublications = [revoked] as const;
