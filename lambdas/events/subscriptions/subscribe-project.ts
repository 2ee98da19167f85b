import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { projectRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Subscribes to a project; an acknowledgement says which, there is no reply event. */
export const subscribeProject = defineEvent({
  name: "subscribe:project",
  payload: z.union([
    z.pipe(
      Id,
      z.transform((projectId: string) => ({ projectId })),
    ),
    z.object({ projectId: Id }),
  ]),
  access: projectMember,

  async handle({ projectId, socket }) {
    await socket.join(projectRoom(projectId));

    return { type: "project", id: projectId };
  },
});
