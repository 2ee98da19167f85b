import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { customRoom, projectRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { isFixed } from "../emits.ts";

const EventName = Id.check(
  z.refine((event) => !isFixed(`custom:${event}`), {
    error: ({ input }) => `custom:${input} is an event of the contract`,
  }),
);

/** Sends an event of the client's own to the others in a project, or in a custom room. */
export const customBroadcast = defineEvent({
  name: "custom:broadcast",
  payload: z.object({
    projectId: Id,
    event: EventName,
    payload: optional(z.unknown()),
    room: optional(Id),
  }),
  access: projectMember,

  async handle({ payload: { event, payload, room }, projectId, socket, timestamp }) {
    const content = isRecord(payload) ? payload : { payload };

    socket
      .to(room === undefined ? projectRoom(projectId) : customRoom(room))
      .emit(`custom:${event}`, { ...content, sender: socket.userId, timestamp });
  },
});

const isRecord = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
