import type { Random } from "../../local/random.ts";
import { SAMPLES } from "../../test/support/samples.ts";

/** An event that a client sends, and whether others receive its mark. */
export interface Action {
  readonly event: string;
  readonly payload?: object | undefined;
  /** Whether the others in the project or the chat receive its mark. */
  readonly audience: "others" | "nobody";
  /** Whether those whose connection is lost do not receive it later. */
  readonly isVolatile: boolean;
}

const p1 = { projectId: "p1" };
const lobby = { ...p1, chatId: "lobby" };

/** Events that the others receive, each with its own mark. */
const MARKED: readonly ((mark: string) => readonly [string, object])[] = [
  (mark) => ["custom:event", { ...p1, mark }],
  (mark) => ["custom:broadcast", { ...p1, event: "moved", payload: { mark } }],
  (mark) => ["custom:broadcast", { ...p1, event: "moved", payload: { mark }, room: "garden" }],
  (mark) => ["custom:presence", { ...p1, status: "busy", metadata: { mark } }],
  (mark) => ["custom:typing", { ...p1, isTyping: true, context: mark }],
  (mark) => ["custom:file:share", { ...p1, fileId: mark, fileName: "plan.pdf" }],
  (mark) => ["message:send", { ...lobby, type: "text", content: mark, clientMessageId: mark }],
  (mark) => ["message:send", { ...lobby, type: "text", content: mark }],
];

/** What an event may name: another user of the organisation, and a message of the sender. */
export interface Known {
  readonly peer: string;
  readonly messageId: string | undefined;
}

/** What is not kept for sockets that come back. */
const VOLATILE: readonly string[] = ["custom:typing"];

/** All other events of the contract, in rooms whose deliveries are not recorded. */
const SIDE = { chatId: "side", collectionId: "side", room: "side" };
const UNMARKED = SAMPLES.filter(({ event }) => !/^(auth:|custom:event)/.test(event)).map(
  ({ event, payload }) => {
    const unrecorded = /join|leave|subscribe/.test(event) ? SIDE : {};
    const fields = Object.entries(unrecorded).filter(([name]) => name in (payload ?? {}));
    return { event, payload: payload && { ...payload, ...Object.fromEntries(fields) } };
  },
);
const AUTH = ["auth:login", "auth:logout", "auth:session:update"].map((event) => ({
  event,
  payload: { projectId: "p2", sessionData: {} },
}));

/** Fills known ids into a sample's payload. */
function fillIds(payload: object | undefined, { peer, messageId = "none" }: Known) {
  const names = { targetUserId: peer, callerId: peer, participants: [peer], messageId };
  const known = Object.entries({ ...names, messageIds: [messageId] });
  return (
    payload && { ...payload, ...Object.fromEntries(known.filter(([name]) => name in payload)) }
  );
}

/** A random event; half of them are received by others. */
export function anyAction(random: Random, mark: string, known: Known): Action {
  const pick = <Entry>(entries: readonly Entry[]): Entry =>
    entries[Math.floor(random() * entries.length)] as Entry;
  if (random() < 0.5) {
    const [event, payload] = pick(MARKED)(mark);
    return { event, payload, audience: "others", isVolatile: VOLATILE.includes(event) };
  }
  const { event, payload } = pick([...UNMARKED, ...AUTH]);
  return { event, payload: fillIds(payload, known), audience: "nobody", isVolatile: false };
}

/** Where the payload of an event holds its mark. */
const MARK_OF: Readonly<Record<string, (payload: Received) => string | undefined>> = {
  "custom:event": ({ mark }) => mark,
  "custom:moved": ({ mark }) => mark,
  "custom:presence": ({ metadata }) => metadata?.mark,
  "custom:typing": ({ context }) => context,
  "custom:file:shared": ({ fileId }) => fileId,
  "message:new": ({ message }) => message?.content,
  "db:create": ({ data, queryId }) => data && `${data._id}${queryId === undefined ? "" : "?"}`,
};

interface Received {
  readonly mark?: string;
  readonly metadata?: { readonly mark?: string };
  readonly context?: string;
  readonly fileId?: string;
  readonly message?: { readonly content?: string };
  readonly data?: { readonly _id?: string };
  readonly queryId?: string;
}

/** The mark of a received event, if it has one that is recorded. */
export function markOf(event: string, payload: unknown): string | undefined {
  const mark = MARK_OF[event]?.((payload ?? {}) as Received);
  return mark?.startsWith("#") ? mark : undefined;
}
