import * as z from "zod/mini";
import { projectRoom, userRoom } from "#mudbase/rooms.ts";
import { Id } from "#server/model/id.ts";
import { projectMember } from "./access.ts";
import { defineEvent } from "./define.ts";

/** What leaves to clients. */
export const authEmits = {
  "user:online": z.object({
    userId: z.string(),
    projectId: z.optional(z.string()),
    chatId: z.optional(z.string()),
    timestamp: z.string(),
  }),
  "user:offline": z.object({
    userId: z.string(),
    projectId: z.optional(z.string()),
    chatId: z.optional(z.string()),
    timestamp: z.string(),
  }),
  "session:updated": z.object({
    projectId: z.string(),
    sessionData: z.unknown(),
    timestamp: z.string(),
  }),
};

/** Joins a project and tells the others there. */
const authLogin = /* @__PURE__ */ defineEvent({
  name: "auth:login",
  payload: () => z.object({ projectId: Id }),
  access: projectMember,

  async handle({ projectId, socket, timestamp }) {
    const room = projectRoom(projectId);
    const joined = await socket.join(room);

    socket.to(joined).emit("user:online", { userId: socket.userId, projectId, timestamp });
  },
});

/** Leaves a project and tells the others there. */
const authLogout = /* @__PURE__ */ defineEvent({
  name: "auth:logout",
  payload: () => z.object({ projectId: Id }),
  access: projectMember,

  async handle({ projectId, socket, timestamp }) {
    const room = projectRoom(projectId);
    const left = await socket.leave(room);

    socket.to(left).emit("user:offline", { userId: socket.userId, projectId, timestamp });
  },
});

/** Tells the user's other sockets, of those whose token grants the project, how the session has changed. */
const authSessionUpdate = /* @__PURE__ */ defineEvent({
  name: "auth:session:update",
  payload: () => z.object({ projectId: Id, sessionData: z.unknown() }),
  access: projectMember,

  async handle({ payload: { sessionData }, projectId, socket, timestamp }) {
    socket
      .to(userRoom(socket.userId))
      .tagged(projectId)
      .emit("session:updated", { projectId, sessionData, timestamp });
  },
});

/** What clients may send. */
export const authEvents = [authLogin, authLogout, authSessionUpdate] as const;
