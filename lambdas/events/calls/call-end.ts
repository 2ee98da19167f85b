import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { userRoom } from "#model/room.ts";
import { chatMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { EventError } from "../errors.ts";
import { MOST_PARTICIPANTS } from "./participants.ts";

/** Calls that one event ends: each has people to tell. */
const MOST_ENDED = 10;

/** Ends the call that this user makes in a chat and those it was invited to, the newest ten; all their people hear of it. */
export const callEnd = defineEvent({
  name: "call:end",
  payload: z.object({
    chatId: Id,
    projectId: optional(Id),
    participants: z.array(Id).check(z.maxLength(MOST_PARTICIPANTS)),
  }),
  access: chatMember,

  async handle({ chat: { chatId, projectId }, place, socket, server, calls, timestamp }) {
    const { userId: endedBy } = socket;
    const all = await calls.inChat(place);
    if (all.length === 0)
      throw new EventError("not_found", `there is no call in the chat ${chatId}`);
    const theirs = [
      ...all.filter(({ callerId }) => callerId === endedBy),
      ...all.filter(({ participants }) => participants.includes(endedBy)),
    ].slice(0, MOST_ENDED);
    if (theirs.length === 0)
      throw new EventError("forbidden", `no call in the chat ${chatId} is yours to end`);
    await calls.remove(
      place,
      theirs.map(({ callerId }) => callerId),
    );

    const people = theirs.flatMap(({ callerId, participants }) => [callerId, ...participants]);
    server
      .to([...new Set(people)].map(userRoom))
      .granted(projectId)
      .emit("call:ended", { chatId, endedBy, timestamp });
  },
});
