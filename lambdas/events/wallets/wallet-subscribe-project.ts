import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { walletRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Subscribes to all wallets of a project. */
export const walletSubscribeProject = defineEvent({
  name: "wallet:subscribe:project",
  payload: z.object({ projectId: Id }),
  access: projectMember,
  reply: "wallet:subscribed",

  async handle({ projectId, socket }) {
    await socket.join(walletRoom("project", projectId));

    return { type: "project" as const, projectId, room: `wallet:project:${projectId}` };
  },
});
