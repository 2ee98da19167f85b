import * as z from "zod/mini";
import { customRoom, projectRoom, userRoom } from "#mudbase/rooms.ts";
import { checked, looseObject, optional, Text, texts, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { organisationMember, projectMember } from "./access.ts";
import { defineEvent, defineMembership } from "./define.ts";

/** What leaves to clients. */
export const customEmits = {
  "custom:event": looseObject({ sender: z.string(), timestamp: z.string() }),
  "custom:joined": texts("room"),
  "custom:left": texts("room"),
  "custom:message": z.object({
    from: z.string(),
    message: z.unknown(),
    type: z.optional(z.string()),
    timestamp: z.string(),
  }),
  "custom:presence": z.object({
    userId: z.string(),
    status: z.string(),
    metadata: z.optional(z.unknown()),
    timestamp: z.string(),
  }),
  "custom:typing": z.object({
    userId: z.string(),
    isTyping: z.boolean(),
    context: z.optional(z.unknown()),
    timestamp: z.string(),
  }),
  "custom:file:shared": texts("projectId", "fileId", "fileName", "sharedBy", "timestamp"),
};

/** Joins a custom room of the organisation. */
const customJoin = /* @__PURE__ */ defineMembership({
  name: "custom:join",
  payload: () => z.object({ room: Id }),
  access: organisationMember,
  reply: "custom:joined",
  does: "join",
  rooms: ({ payload: { room } }) => customRoom(room),
  answer: ({ payload: { room } }) => ({ room }),
});

/** Leaves a custom room. */
const customLeave = /* @__PURE__ */ defineMembership({
  name: "custom:leave",
  payload: () => z.object({ room: Id }),
  access: organisationMember,
  reply: "custom:left",
  does: "leave",
  rooms: ({ payload: { room } }) => customRoom(room),
  answer: ({ payload: { room } }) => ({ room }),
});

/** Sends the others in a project whatever the payload holds. */
const customEvent = /* @__PURE__ */ defineEvent({
  name: "custom:event",
  payload: () => looseObject({ projectId: Id }),
  access: projectMember,

  async handle({ payload, projectId, socket, timestamp }) {
    socket
      .to(projectRoom(projectId))
      .emit("custom:event", { ...payload, sender: socket.userId, timestamp });
  },
});

const EventName = checked(
  Id,
  z.refine((event) => !Object.hasOwn(customEmits, `custom:${event}`), {
    error: ({ input }) => `custom:${input} is an event of the contract`,
  }),
);

/** Sends an event of the client's own to the others in a project, or in a custom room. */
const customBroadcast = /* @__PURE__ */ defineEvent({
  name: "custom:broadcast",
  payload: () =>
    z.object({
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

/** Sends a message to every socket of one user of the organisation. */
const customMessage = /* @__PURE__ */ defineEvent({
  name: "custom:message",
  payload: () =>
    z.object({
      targetUserId: Id,
      message: z.unknown(),
      type: optional(Id),
    }),
  access: organisationMember,

  async handle({ payload: { targetUserId, message, type }, socket, io, timestamp }) {
    io.to(userRoom(targetUserId)).emit("custom:message", {
      from: socket.userId,
      message,
      type,
      timestamp,
    });
  },
});

/** Tells the others in a project a status of the client's own. */
const customPresence = /* @__PURE__ */ defineEvent({
  name: "custom:presence",
  payload: () => z.object({ projectId: Id, status: Id, metadata: optional(z.unknown()) }),
  access: projectMember,

  async handle({ payload: { status, metadata }, projectId, socket, timestamp }) {
    socket
      .to(projectRoom(projectId))
      .emit("custom:presence", { userId: socket.userId, status, metadata, timestamp });
  },
});

/** Tells the others in a project that the user types, or has stopped. */
const customTyping = /* @__PURE__ */ defineEvent({
  name: "custom:typing",
  payload: () => z.object({ projectId: Id, isTyping: z.boolean(), context: optional(z.unknown()) }),
  access: projectMember,

  async handle({ payload: { isTyping, context }, projectId, socket, timestamp }) {
    socket
      .to(projectRoom(projectId))
      .volatile.emit("custom:typing", { userId: socket.userId, isTyping, context, timestamp });
  },
});

/** Users a file may be shared with by name (contract 2.8). */
const MOST_RECIPIENTS = 100;

/** Tells some users, on their sockets whose token grants the project, or else the others in it, of a file. */
const customFileShare = /* @__PURE__ */ defineEvent({
  name: "custom:file:share",
  payload: () =>
    z.object({
      projectId: Id,
      fileId: Id,
      fileName: checked(Text, z.minLength(1), z.maxLength(255)),
      recipients: withDefault(checked(z.array(Id), z.maxLength(MOST_RECIPIENTS)), []),
    }),
  access: projectMember,

  async handle({ payload, projectId, socket, io, timestamp }) {
    const { fileId, fileName, recipients } = payload;
    const audience =
      recipients.length === 0
        ? socket.to(projectRoom(projectId))
        : io.to(recipients.map(userRoom)).tagged(projectId);

    audience.emit("custom:file:shared", {
      projectId,
      fileId,
      fileName,
      sharedBy: socket.userId,
      timestamp,
    });
  },
});

/** What clients may send. */
export const customEvents = [
  customJoin,
  customLeave,
  customEvent,
  customBroadcast,
  customMessage,
  customPresence,
  customTyping,
  customFileShare,
] as const;
