import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { walletRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Ends the subscription to all wallets of a project. */
export const walletUnsubscribeProject = defineEvent({
  name: "wallet:unsubscribe:project",
  payload: z.object({ projectId: Id }),
  access: projectMember,
  reply: "wallet:unsubscribed",

  async handle({ projectId, socket }) {
    await socket.leave(walletRoom("project", projectId));

    return { type: "project" as const, projectId };
  },
});
