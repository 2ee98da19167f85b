import * as z from "zod/mini";
import type { Call } from "#mudbase/model/call.ts";
import { admits, type ChatKey } from "#mudbase/model/chat.ts";
import { userRoom } from "#mudbase/rooms.ts";
import { EventError } from "#server/errors.ts";
import { checked, optional, texts } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { chatMemberWith } from "./access.ts";
import { type AccessRequest, defineEvent } from "./define.ts";

/** What leaves to clients. */
export const callEmits = {
  "call:incoming": z.object({
    chatId: z.string(),
    callerId: z.string(),
    type: z.enum(["audio", "video"]),
    timestamp: z.string(),
  }),
  "call:accepted": texts("chatId", "acceptedBy", "timestamp"),
  "call:rejected": texts("chatId", "rejectedBy", "timestamp"),
  "call:ended": texts("chatId", "endedBy", "timestamp"),
};

/** Users a call may have besides its caller (contract 2.8). */
const MOST_PARTICIPANTS = 50;

/** Calls that a chat may hold at once. */
const MOST_CALLS = 100;

/** The call that somebody makes in a chat. */
const callIn =
  ({ payload, calls }: AccessRequest<{ readonly callerId: string }>) =>
  async (key: ChatKey) => ({ call: await calls.find(key, payload.callerId) });

/** The calls of a chat. */
const ringingIn =
  ({ calls }: AccessRequest<unknown>) =>
  async (key: ChatKey) => ({ ringing: await calls.inChat(key) });

/** Refuses an answer to a call that is not there, or did not invite this user. */
function requireInvited(call: Call | undefined, callerId: string, userId: string): void {
  if (call === undefined) throw new EventError("not_found", `there is no call of ${callerId}`);
  if (!call.participants.includes(userId))
    throw new EventError("forbidden", `you are not invited to the call of ${callerId}`);
}

/** Calls some users of a chat; a call that the caller had there before ends for those it no longer asks for. */
const callInitiate = /* @__PURE__ */ defineEvent({
  name: "call:initiate",
  payload: () =>
    z.object({
      chatId: Id,
      projectId: optional(Id),
      type: z.enum(["audio", "video"]),
      participants: checked(z.array(Id), z.minLength(1), z.maxLength(MOST_PARTICIPANTS)),
    }),
  access: (request) => chatMemberWith(request, ringingIn(request)),

  async handle({ payload: { type, ...payload }, chat, key, ringing, socket, io, ...context }) {
    const { calls, timestamp } = context;
    const { userId: callerId } = socket;
    const participants = [...new Set(payload.participants)].filter((id) => id !== callerId);
    const stranger = participants.find((userId) => !admits(chat, userId));
    if (stranger !== undefined)
      throw new EventError("forbidden", `${stranger} is not a member of the chat ${chat.chatId}`);
    const others = ringing.filter((call) => call.callerId !== callerId);
    if (others.length >= MOST_CALLS)
      throw new EventError("limit_exceeded", `the chat ${chat.chatId} may hold no more calls`);
    await calls.put(key, { callerId, type, participants });

    const { chatId, projectId } = chat;
    const last = ringing.find((call) => call.callerId === callerId);
    const dropped = last?.participants.filter((id) => !participants.includes(id)) ?? [];
    if (dropped.length > 0)
      io.to(dropped.map(userRoom))
        .tagged(projectId)
        .emit("call:ended", { chatId, endedBy: callerId, timestamp });
    io.to(participants.map(userRoom))
      .tagged(projectId)
      .emit("call:incoming", { chatId, callerId, type, timestamp });
  },
});

/** Accepts a call this user was invited to; the caller hears of it. */
const callAccept = /* @__PURE__ */ defineEvent({
  name: "call:accept",
  payload: () => z.object({ chatId: Id, projectId: optional(Id), callerId: Id }),
  access: (request) => chatMemberWith(request, callIn(request)),

  async handle({ payload: { callerId }, chat, call, socket, io, timestamp }) {
    const { chatId, projectId } = chat;
    const { userId: acceptedBy } = socket;
    requireInvited(call, callerId, acceptedBy);

    io.to(userRoom(callerId))
      .tagged(projectId)
      .emit("call:accepted", { chatId, acceptedBy, timestamp });
  },
});

/** Rejects a call this user was invited to; the caller hears of it. */
const callReject = /* @__PURE__ */ defineEvent({
  name: "call:reject",
  payload: () => z.object({ chatId: Id, projectId: optional(Id), callerId: Id }),
  access: (request) => chatMemberWith(request, callIn(request)),

  async handle({ payload: { callerId }, chat, call, socket, io, timestamp }) {
    const { chatId, projectId } = chat;
    const { userId: rejectedBy } = socket;
    requireInvited(call, callerId, rejectedBy);

    io.to(userRoom(callerId))
      .tagged(projectId)
      .emit("call:rejected", { chatId, rejectedBy, timestamp });
  },
});

/** Calls that one event ends: each has people to tell. */
const MOST_ENDED = 10;

/** Ends the call that this user makes in a chat and those it was invited to, the newest ten; all their people hear of it. */
const callEnd = /* @__PURE__ */ defineEvent({
  name: "call:end",
  payload: () =>
    z.object({
      chatId: Id,
      projectId: optional(Id),
      participants: checked(z.array(Id), z.maxLength(MOST_PARTICIPANTS)),
    }),
  access: (request) => chatMemberWith(request, ringingIn(request)),

  async handle({ chat: { chatId, projectId }, key, ringing, socket, io, calls, timestamp }) {
    const { userId: endedBy } = socket;
    if (ringing.length === 0)
      throw new EventError("not_found", `there is no call in the chat ${chatId}`);
    const theirs = [
      ...ringing.filter(({ callerId }) => callerId === endedBy),
      ...ringing.filter(({ participants }) => participants.includes(endedBy)),
    ].slice(0, MOST_ENDED);
    if (theirs.length === 0)
      throw new EventError("forbidden", `no call in the chat ${chatId} is yours to end`);
    await calls.remove(
      key,
      theirs.map(({ callerId }) => callerId),
    );

    const people = theirs.flatMap(({ callerId, participants }) => [callerId, ...participants]);
    io.to([...new Set(people)].map(userRoom))
      .tagged(projectId)
      .emit("call:ended", { chatId, endedBy, timestamp });
  },
});

/** What clients may send. */
export const callEvents = [callInitiate, callAccept, callReject, callEnd] as const;
