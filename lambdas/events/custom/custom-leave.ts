import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { customRoom } from "#model/room.ts";
import { organisationMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Leaves a custom room. */
export const customLeave = defineEvent({
  name: "custom:leave",
  payload: z.object({ room: Id }),
  access: organisationMember,
  reply: "custom:left",

  async handle({ payload: { room }, socket }) {
    await socket.leave(customRoom(room));

    return { room };
  },
});
