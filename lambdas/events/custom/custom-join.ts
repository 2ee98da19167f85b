import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { customRoom } from "#model/room.ts";
import { organisationMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Joins a custom room of the organisation. */
export const customJoin = defineEvent({
  name: "custom:join",
  payload: z.object({ room: Id }),
  access: organisationMember,
  reply: "custom:joined",

  async handle({ payload: { room }, socket }) {
    await socket.join(customRoom(room));

    return { room };
  },
});
