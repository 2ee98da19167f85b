import * as z from "zod/mini";
import { orgRoom, projectRoom } from "#mudbase/rooms.ts";
import { Id } from "#server/model/id.ts";
import { changeFor, DocumentChange } from "./db.ts";
import { definePublication } from "./define.ts";

const ProjectChange = z.object({
  projectId: z.string(),
  action: z.string(),
  data: z.unknown(),
  timestamp: z.string(),
});

/** What leaves to clients. */
export const projectEmits = {
  "project:created": ProjectChange,
  "project:updated": ProjectChange,
  "project:deleted": ProjectChange,
  "project:data:change": DocumentChange,
};

/** A project was made, changed or deleted: its organisation hears of it. */
const projectChanged = /* @__PURE__ */ definePublication({
  names: ["project:created", "project:updated", "project:deleted"],
  entry: () =>
    z.object({
      org: Id,
      projectId: Id,
      data: z.unknown(),
    }),

  async handle({ event, entry: { projectId, data }, io, timestamp }) {
    const action = event.slice("project:".length);

    io.to(orgRoom).emit(event, { projectId, action, data, timestamp });
  },
});

/** A change of a document for the subscribers of its project. */
const projectDataChanged = /* @__PURE__ */ changeFor("project:data:change", ({ projectId }) =>
  projectRoom(projectId),
);

export const projectPublications = [projectChanged, projectDataChanged] as const;
