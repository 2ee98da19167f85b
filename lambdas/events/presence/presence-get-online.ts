import * as z from "zod/mini";
import { optional, withDefault } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { presenceRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Users a page may hold; a page whose packet would grow too large is shorter. */
const MOST = 500;

/** Lists who is online in a project, a page at a time. */
export const presenceGetOnline = defineEvent({
  name: "presence:get:online",
  payload: z.object({
    projectId: Id,
    limit: withDefault(z.int().check(z.minimum(1), z.maximum(MOST)), MOST),
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
