import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { orgRoom } from "#model/room.ts";
import { definePublication } from "./define-publication.ts";

/** A project was made, changed or deleted: its organisation hears of it. */
export const projectChanged = definePublication({
  entry: z.object({
    event: z.enum(["project:created", "project:updated", "project:deleted"]),
    org: Id,
    projectId: Id,
    data: z.unknown(),
  }),

  async handle({ entry: { event, projectId, data }, server, timestamp }) {
    const action = event.slice("project:".length);

    server.to(orgRoom).emit(event, { projectId, action, data, timestamp });
  },
});
